"""Values that name another component's values."""

from __future__ import annotations

import pytest

from ova_rules.catalog.types import Avu
from ova_rules.component.references import References
from ova_rules.errors import ComponentError

COMP01, COMP02 = "/z/grid01/comp01", "/z/grid01/comp02"


def references(avus: dict[str, list[list[Avu]]]) -> References:
    return References(lambda path: avus.get(path, []), {"ip_addr": "ipaddr"}, lambda path, most: f"text of {path}")


def expanded(value: str, avus: dict[str, list[list[Avu]]]) -> str:
    return references(avus).expand(COMP01, Avu(COMP01, "server", value)).value


def test_a_sibling_is_named_by_its_own_name() -> None:
    assert expanded("http://${comp02:ip}:80", {COMP02: [[Avu(COMP02, "ip", "10.0.0.2")]]}) == "http://10.0.0.2:80"


def test_an_absolute_path_names_any_collection() -> None:
    assert expanded("${/other/c:ip}", {"/other/c": [[Avu("/other/c", "ip", "1.2.3.4")]]}) == "1.2.3.4"


def test_what_the_sibling_inherits_counts() -> None:
    resolver = references({COMP02: [[], [Avu("/z/grid01", "dns", "9.9.9.9")]]})
    found = resolver.expand(COMP01, Avu(COMP01, "server", "${comp02:dns}"))
    assert found.value == "9.9.9.9"
    assert found.visited == {COMP02, "/z/grid01"}


@pytest.mark.parametrize(("asked", "kept"), [("ip_addr", "ipaddr"), ("ipaddr", "ip_addr")])
def test_an_alias_works_both_ways(asked: str, kept: str) -> None:
    assert expanded(f"${{comp02:{asked}}}", {COMP02: [[Avu(COMP02, kept, "10.0.0.2")]]}) == "10.0.0.2"


def test_a_doubled_dollar_escapes() -> None:
    assert expanded("$${comp02:ip} $5", {}) == "${comp02:ip} $5"


def test_a_reference_to_a_reference_is_followed() -> None:
    avus = {COMP02: [[Avu(COMP02, "a", "${comp03:b}")]], "/z/grid01/comp03": [[Avu("/z/grid01/comp03", "b", "x")]]}
    assert expanded("${comp02:a}", avus) == "x"


def test_a_cycle_is_an_error_that_prints_the_cycle() -> None:
    avus = {
        COMP02: [[Avu(COMP02, "a", "${comp01:server}")]],
        COMP01: [[Avu(COMP01, "server", "${comp02:a}")]],
    }
    cycle = f"{COMP01}:server -> {COMP02}:a -> {COMP01}:server"
    with pytest.raises(ComponentError, match=cycle):
        expanded("${comp02:a}", avus)


@pytest.mark.parametrize("value", ["${comp02}", "${:a}", "${comp02:}", "${<}"])
def test_a_malformed_reference_is_an_error(value: str) -> None:
    with pytest.raises(ComponentError, match=r"is neither|texts lie in"):
        expanded(value, {})


def test_the_empty_text_and_texts() -> None:
    assert expanded("a${}b", {}) == "ab"
    assert expanded("${<config/x}", {}) == f"text of {COMP01}/config/x"


def test_a_reference_that_leads_nowhere_is_an_error_that_names_the_avu() -> None:
    with pytest.raises(ComponentError, match=r"AVU server of .*comp01: \$\{comp02:ip\}: .*comp02 has no AVU ip"):
        expanded("${comp02:ip}", {})


def test_the_components_it_read_are_known() -> None:
    resolver = references({COMP02: [[Avu(COMP02, "ip", "1")]]})
    assert resolver.expand(COMP01, Avu(COMP01, "a", "${comp02:ip}")).visited == {COMP02}


SECRET = "/z/home/victor/secret"


def test_what_is_wrong_behind_a_reference_is_not_shown() -> None:
    """The value there is another user's, and names what only that user may know."""
    avus: dict[str, list[list[Avu]]] = {COMP02: [[Avu(COMP02, "a", f"${{{SECRET}:pw}}")]], SECRET: [[]]}
    with pytest.raises(ComponentError) as refused:
        expanded("${comp02:a}", avus)
    assert "${comp02:a}: its value there cannot be resolved" in str(refused.value)
    assert SECRET not in str(refused.value)


def test_a_circle_through_other_collections_is_not_printed() -> None:
    avus = {
        SECRET: [[Avu(SECRET, "a", f"${{{COMP01}:server}}")]],
        COMP01: [[Avu(COMP01, "server", f"${{{SECRET}:a}}")]],
    }
    with pytest.raises(ComponentError, match=r"go in a circle$"):
        expanded(f"${{{SECRET}:a}}", avus)


@pytest.mark.parametrize(("length", "fits"), [(50, True), (51, False), (5000, False)])
def test_a_chain_has_a_limit(length: int, fits: bool) -> None:
    chain = [Avu(COMP02, f"a{number}", f"${{comp02:a{number + 1}}}") for number in range(1, length)]
    avus = {COMP02: [[*chain, Avu(COMP02, f"a{length}", "end")]]}
    if fits:
        assert expanded("${comp02:a1}", avus) == "end"
    else:
        with pytest.raises(ComponentError, match=r"AVU server of .*: more than 50 references"):
            expanded("${comp02:a1}", avus)


def test_in_whatever_order_a_chain_is_asked_the_answers_are_the_same() -> None:
    chain = [Avu(COMP01, f"a{number}", f"${{comp01:a{number + 1}}}") for number in range(120)]
    avus = {COMP01: [[*chain, Avu(COMP01, "a120", "end")]]}

    def answers(order: list[Avu]) -> dict[str, bool]:
        resolver, found = references(avus), {}
        for avu in order:
            try:
                found[avu.attribute] = resolver.expand(COMP01, avu).value == "end"
            except ComponentError:
                found[avu.attribute] = False
        return found

    assert answers(chain) == answers(chain[::-1])


def test_each_avu_is_resolved_once_however_often_it_is_named() -> None:
    """Ten names in each of twelve values would be 10^12 look-ups."""
    asked = []

    class Levels(dict[str, list[list[Avu]]]):
        def get(self, path: str, default: object = None) -> list[list[Avu]]:
            asked.append(path)
            return self[path]

    chain = [Avu(COMP02, f"a{number}", f"${{comp02:a{number + 1}}}" * 10) for number in range(12)]
    with pytest.raises(ComponentError, match=r"AVU server of .*: .*its value there cannot be resolved"):
        expanded("${comp02:a0}", Levels({COMP02: [[*chain, Avu(COMP02, "a12", "x" * 20)]]}))
    assert asked == [COMP02]


def test_values_that_grow_have_a_limit() -> None:
    with pytest.raises(ComponentError, match=r"AVU server of .*comp01: its references make more than 262144 bytes"):
        expanded("${comp02:a}" * 300, {COMP02: [[Avu(COMP02, "a", "x" * 1000)]]})


def test_what_is_referred_to_has_a_limit() -> None:
    value = "".join(f"${{c{number}:a}}" for number in range(201))
    with pytest.raises(ComponentError, match="more than 200 collections"):
        expanded(value, {f"/z/grid01/c{number}": [[Avu(f"/z/grid01/c{number}", "a", "x")]] for number in range(201)})
