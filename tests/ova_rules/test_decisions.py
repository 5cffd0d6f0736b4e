"""The small decisions: which paths and attributes are ours, fingerprints, who may run rule text, locks."""

from __future__ import annotations

from pathlib import Path

import pytest

from ova_rules import names
from ova_rules.catalog.conditions import equals, lists
from ova_rules.catalog.types import Avu, Replica
from ova_rules.component.fingerprint import fingerprint, source_state
from ova_rules.errors import ComponentError, one_line
from ova_rules.events import avu_requests
from ova_rules.events.rule_text import may_run
from ova_rules.jobs import path_of
from ova_rules.locks import locked


@pytest.mark.parametrize(
    ("path", "component"),
    [
        ("/z/grid01/comp01/comp01.ova", "/z/grid01/comp01"),
        ("/z/grid01/comp01/base.ova", None),
        ("/z/grid01/comp01", None),
        ("/z/a.b/a.b.ova", "/z/a.b"),
        ("/.ova", None),
        ("/z//.ova", None),
    ],
)
def test_the_ready_ova_bears_the_name_of_its_component(path: str, component: str | None) -> None:
    assert names.component_of(path) == component


def test_controls_and_facts_are_no_values() -> None:
    assert [names.is_value(a) for a in ("hostname", "ova_url", "ova::status", "ovation")] == [True, False, False, True]


A, B = Avu("/z/c", "a", "1"), Avu("/z/c", "b", "2")


def test_the_fingerprint_does_not_depend_on_the_order_or_the_place_of_avus() -> None:
    moved = [Avu("/z/other", avu.attribute, avu.value) for avu in (B, A)]
    assert fingerprint([[A, B]], "s", "d") == fingerprint([moved], "s", "d")


@pytest.mark.parametrize(
    "other",
    [
        ([[A]], "s", "d"),
        ([[A, Avu("/z/c", "b", "3")]], "s", "d"),
        ([[A, Avu("/z/c", "b", "2", "unit")]], "s", "d"),
        ([[A], [B]], "s", "d"),
        ([[A, B]], "t", "d"),
        ([[A, B]], "s", "e"),
    ],
)
def test_the_fingerprint_depends_on_all_that_counts(other: tuple[list[list[Avu]], str, str]) -> None:
    assert fingerprint([[A, B]], "s", "d") != fingerprint(*other)


def test_two_writes_within_a_second_are_two_states_of_a_source(tmp_path: Path) -> None:
    replica = Replica("1", "0", "1", 3, "01700000000", "", str(tmp_path / "x"), "localhost")
    states = []
    for text in ("abc", "abd"):
        new = tmp_path / f"{text}.new"
        new.write_text(text)
        new.replace(tmp_path / "x")
        states.append(source_state(replica, (tmp_path / "x").stat()))
    assert states[0] != states[1]


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("@external rule { ova_status }", True),
        ('@external rule { ova_status("a", *x) }', True),
        ("@external\nova_status(*x)", True),
        ('@external rule { ova_status; delayExec("x", "y", "") }', False),
        ('@external rule { ova_status("`$(x)") }', False),
        ('@external rule { writeLine("stdout", "hi") }', False),
        ("import os", False),
        ("", False),
    ],
)
def test_ordinary_users_run_calls_of_listed_rules_only(text: str, allowed: bool) -> None:
    assert may_run(text, ("ova_status",)) is allowed


def test_the_gate_on_rule_text_can_be_lifted() -> None:
    assert may_run("anything", ("*",))


@pytest.mark.parametrize("hostile", ["it's", "a' OR 'b", "back\\slash", "line\nbreak"])
def test_what_cannot_be_quoted_never_reaches_a_query(hostile: str) -> None:
    for condition in (equals("COLL_NAME", hostile), *lists("COLL_NAME", [hostile, "/plain"])):
        assert condition.count("'") == 2 * condition.count(" like ") + 2 * condition.count(" = ")
        assert "\\" not in condition and "\n" not in condition


def test_a_list_never_exceeds_what_a_server_takes_in_one_query() -> None:
    paths = [f"/z/{'ö' * 400}/{number:04}" for number in range(200)]
    conditions = list(lists("COLL_NAME", paths))
    assert max(len(condition.encode()) for condition in conditions) < 32000
    assert [path for path in paths if any(f"'{path}'" in condition for condition in conditions)] == paths
    assert len(conditions) < 8


def test_a_job_names_its_component_whatever_its_name() -> None:
    path = "/z/it's $userName \u2603"
    assert path_of(path.encode().hex()) == path


@pytest.mark.parametrize(
    ("arguments", "made"),
    [
        (["a", "1", "u", "", "v:2", ""], ("a", "2", "u")),
        (["a", "1", "v:2"], ("a", "2", "")),
        (["a", "1", "", "n:ova_url", "v:/x", "u:"], ("ova_url", "/x", "")),
        (["a", "1", "u", "u:w", "n:b"], ("b", "1", "w")),
    ],
)
def test_what_mod_makes_of_an_avu(arguments: list[str], made: tuple[str, str, str]) -> None:
    avu = avu_requests._modified("/z/c", arguments)
    assert (avu.attribute, avu.value, avu.units) == made


def test_a_message_is_one_line() -> None:
    assert one_line("a\nb\x1b[31m  c") == "a b [31m c"


def test_a_second_builder_waits_and_then_gives_up_in_one_line(tmp_path: Path) -> None:
    folder = tmp_path / "locks"
    with (
        locked(str(folder), "/z/c", 1),
        pytest.raises(ComponentError, match="is being built"),
        locked(str(folder), "/z/c", 0),
    ):
        pass


def test_a_lock_folder_of_others_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "locks"
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(PermissionError, match="only the service account"), locked(str(folder), "/z/c", 0):
        pass
