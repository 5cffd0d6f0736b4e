"""Values that name another component's values."""

from __future__ import annotations

import pytest

from ova_rules.catalog.writes import Avu
from ova_rules.component.references import References
from ova_rules.errors import ComponentError

COMP01, COMP02 = "/z/grid01/comp01", "/z/grid01/comp02"


def references(avus: dict[str, list[list[Avu]]]) -> References:
    return References(lambda path: avus.get(path, []), {"ip_addr": "ipaddr"})


def expanded(value: str, avus: dict[str, list[list[Avu]]]) -> str:
    return references(avus).expand(COMP01, Avu(COMP01, "server", value)).value


def test_a_sibling_is_named_by_its_own_name() -> None:
    assert expanded("http://${comp02:ip}:80", {COMP02: [[Avu(COMP02, "ip", "10.0.0.2")]]}) == "http://10.0.0.2:80"


def test_an_absolute_path_names_any_collection() -> None:
    assert expanded("${/other/c:ip}", {"/other/c": [[Avu("/other/c", "ip", "1.2.3.4")]]}) == "1.2.3.4"


def test_what_the_sibling_inherits_counts() -> None:
    resolver = references({COMP02: [[], [Avu("/z/grid01", "dns", "9.9.9.9")]]})
    assert resolver.expand(COMP01, Avu(COMP01, "server", "${comp02:dns}")).value == "9.9.9.9"
    assert resolver.visited == {COMP02, "/z/grid01"}


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


@pytest.mark.parametrize("value", ["${comp02}", "${:a}", "${comp02:}", "${}"])
def test_a_malformed_reference_is_an_error(value: str) -> None:
    with pytest.raises(ComponentError, match="is not"):
        expanded(value, {})


def test_a_reference_that_leads_nowhere_is_an_error_that_names_the_avu() -> None:
    with pytest.raises(ComponentError, match=r"AVU server of .*comp01: \$\{comp02:ip\}: .*comp02 has no AVU ip"):
        expanded("${comp02:ip}", {})


def test_the_components_it_read_are_known() -> None:
    resolver = references({COMP02: [[Avu(COMP02, "ip", "1")]]})
    resolver.expand(COMP01, Avu(COMP01, "a", "${comp02:ip}"))
    assert resolver.visited == {COMP02}
