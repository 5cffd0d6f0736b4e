"""PREP in server_config.json: the smallest change of the text, and no change if nothing is missing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ova_admin.errors import AdminError
from ova_admin.install import json_text, server_config
from ova_admin.install.server_config import INSTANCE, PLUGIN, REGEXES, RULE_LANGUAGE
from ova_admin.install.undo import undone

LANGUAGE: dict[str, Any] = {
    "instance_name": "irods_rule_engine_plugin-irods_rule_language-instance",
    "plugin_name": RULE_LANGUAGE,
    "plugin_specific_configuration": {"re_rulebase_set": ["core"]},
}
CPP: dict[str, Any] = {"instance_name": "cpp", "plugin_name": "cpp", "plugin_specific_configuration": {}}
PREP: dict[str, Any] = {
    "instance_name": INSTANCE,
    "plugin_name": PLUGIN,
    "plugin_specific_configuration": {"regexes_for_supported_peps": list(REGEXES)},
}


def config(*engines: dict[str, Any], indent: Any = 4) -> str:
    data = {
        "host": 'é ["{,',
        "plugin_configuration": {"database": {}, "rule_engines": list(engines)},
        "zone_port": 1247,
    }
    return json.dumps(data, indent=indent)


def without(engine: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in engine.items() if name != key}


@pytest.mark.parametrize("indent", [4, 2, "\t", None])
@pytest.mark.parametrize(
    "engines",
    [
        [],
        [LANGUAGE, CPP],
        [LANGUAGE, PREP, CPP],
        [CPP, LANGUAGE, PREP],
        [without(PREP, "plugin_specific_configuration"), LANGUAGE],
        [{**PREP, "plugin_specific_configuration": {}}, LANGUAGE],
        [{**PREP, "plugin_specific_configuration": {"x": [1]}}, LANGUAGE],
        [{**PREP, "plugin_specific_configuration": {"regexes_for_supported_peps": ["ac[^ ]*", "mine"]}}, LANGUAGE],
        [{**PREP, "plugin_specific_configuration": {"regexes_for_supported_peps": None}}, LANGUAGE],
    ],
)
def test_afterwards_prep_is_there_with_its_patterns_and_first(engines: list[dict[str, Any]], indent: Any) -> None:
    before = config(*engines, indent=indent)
    after = server_config.configured(before)
    state = server_config.state(after)
    assert state.is_first
    assert state.unmatched == []
    others = json.loads(after)["plugin_configuration"]["rule_engines"]
    assert [each for each in others if each["plugin_name"] != PLUGIN] == [
        each for each in engines if each["plugin_name"] != PLUGIN
    ]
    assert json.loads(after)["host"] == json.loads(before)["host"]
    assert server_config.configured(after) == after


def test_a_right_configuration_is_left_alone() -> None:
    text = config(PREP, LANGUAGE, indent=3)
    assert server_config.configured(text) == text


def test_the_change_is_lines_put_in_and_nothing_else() -> None:
    before = config(LANGUAGE, CPP)
    after = server_config.configured(before).splitlines()
    start = after.index("            {")
    added = len(after) - len(before.splitlines())
    assert after[:start] + after[start + added :] == before.splitlines()
    assert json.loads("\n".join(after[start : start + added]).rstrip(",")) == PREP


def test_patterns_of_the_site_stay() -> None:
    own = {**PREP, "plugin_specific_configuration": {"regexes_for_supported_peps": ["mine_[^ ]*"]}}
    state = server_config.state(server_config.configured(config(own, LANGUAGE)))
    assert state.regexes == ("mine_[^ ]*", *REGEXES)


def test_another_instance_name_is_refused() -> None:
    with pytest.raises(AdminError, match="instance_name is py"):
        server_config.configured(config({**PREP, "instance_name": "py"}, LANGUAGE))


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"plugin_configuration": {"rule_engines": [1]}}'])
def test_what_is_no_configuration_is_refused(text: str) -> None:
    with pytest.raises(AdminError):
        server_config.configured(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)


@given(JSON, st.sampled_from([None, 2, "\t"]))
def test_every_value_is_found_where_it_stands(data: Any, indent: Any) -> None:
    text = f" \n{json.dumps(data, indent=indent)}\n"

    def check(place: json_text.Value, value: Any) -> None:
        assert json.loads(text[place.start : place.end]) == value
        if isinstance(value, list):
            assert len(place.items) == len(value)
            for item, each in zip(place.items, value):
                check(item, each)
        if isinstance(value, dict):
            assert list(place.members) == list(value)
            for key, each in value.items():
                assert text[place.keys[key]] == '"'
                check(place.members[key], each)

    check(json_text.parse(text), data)


@given(st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=6), JSON)
def test_an_item_put_in_anywhere_is_there(items: list[Any], value: Any) -> None:
    for indent in (None, 2):
        text = json.dumps(items, indent=indent)
        for index in range(len(items) + 1):
            made = json_text.insert_item(text, json_text.parse(text), index, value)
            assert json.loads(made) == [*items[:index], value, *items[index:]]


def test_a_change_is_undone_around_an_edit_of_somebody_else() -> None:
    before = config(LANGUAGE, CPP).encode()
    after = server_config.configured(before.decode()).encode()
    edited = after.replace(b'"zone_port": 1247', b'"zone_port": 1248')
    assert undone(before, after, edited) == before.replace(b"1247", b"1248")


def test_a_change_that_was_itself_edited_is_not_guessed() -> None:
    before = config(LANGUAGE, CPP).encode()
    after = server_config.configured(before.decode()).encode()
    assert undone(before, after, after.replace(b'"msi[^ ]*"', b'"mine"')) is None


@given(st.lists(st.sampled_from([b"a\n", b"b\n", b"c\n"]), max_size=30), st.lists(st.integers(0, 30), max_size=4))
def test_taking_back_at_once_is_exact(before: list[bytes], places: list[int]) -> None:
    after = list(before)
    for number, place in enumerate(places):
        after.insert(place, b"new %d\n" % number)
    edited = [b"first\n", *after]
    assert undone(b"".join(before), b"".join(after), b"".join(after)) == b"".join(before)
    assert undone(b"".join(before), b"".join(after), b"".join(edited)) in (None, b"".join([b"first\n", *before]))
