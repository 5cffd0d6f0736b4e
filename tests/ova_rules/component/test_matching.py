"""Which property an AVU sets."""

from __future__ import annotations

import pytest

from ova_rules.catalog.types import Avu
from ova_rules.component.matching import Matching, match
from ova_rules.errors import ComponentError
from ova_tools.descriptor import parse
from ova_tools.model import Property
from tests.support.appliances import descriptor_of

COMPONENT = "/z/grid01/comp01"
GRID = "/z/grid01"

ALIASES = {"ip_addr": "ipaddr"}


def own(attribute: str, value: str, units: str = "") -> Avu:
    return Avu(COMPONENT, attribute, value, units)


def matched(properties: tuple[Property, ...], *levels: list[Avu]) -> dict[str, str]:
    matching = match(levels, properties, ALIASES)
    return {each.property.full_name: each.avu.value for each in matching.assignments}


def section(head: str, key: str) -> str:
    """A product section with one property."""
    item = f'<ovf:Property ovf:key="{key}" ovf:type="string" ovf:userConfigurable="true"/>'
    return f"<ovf:ProductSection {head}><ovf:Info/>{item}</ovf:ProductSection>"


TWO_NETWORKS = parse(
    descriptor_of(
        section('ovf:class="net" ovf:instance="0"', "ipaddr")
        + section('ovf:class="net" ovf:instance="1"', "ipaddr")
        + section('ovf:class="host"', "hostname")
    )
).properties


def test_an_avu_sets_the_property_of_its_key() -> None:
    assert matched(TWO_NETWORKS, [own("hostname", "sg12")]) == {"host.hostname": "sg12"}


def test_an_avu_sets_the_property_of_its_full_name() -> None:
    assert matched(TWO_NETWORKS, [own("net.ipaddr.1", "10.0.0.1")]) == {"net.ipaddr.1": "10.0.0.1"}


def test_units_pick_class_and_instance() -> None:
    avus = [own("ipaddr", "10.0.0.1", "net.0"), own("ipaddr", "10.0.0.2", "net.1")]
    assert matched(TWO_NETWORKS, avus) == {"net.ipaddr.0": "10.0.0.1", "net.ipaddr.1": "10.0.0.2"}


def test_an_alias_stands_for_a_key() -> None:
    assert matched(TWO_NETWORKS, [own("ip_addr", "10.0.0.1", "net.0")]) == {"net.ipaddr.0": "10.0.0.1"}


def test_several_takers_are_an_error_that_lists_the_full_names() -> None:
    with pytest.raises(ComponentError, match=r"AVU ipaddr of .*: net\.ipaddr\.0, net\.ipaddr\.1; use one"):
        match([[own("ipaddr", "10.0.0.1")]], TWO_NETWORKS, ALIASES)


def test_two_values_for_one_property_are_an_error_that_names_both_avus() -> None:
    avus = [own("hostname", "a"), own("host.hostname", "b")]
    with pytest.raises(ComponentError, match=r"AVU host\.hostname .* and AVU hostname .* two values"):
        match([avus], TWO_NETWORKS, ALIASES)


def test_two_avus_of_the_same_value_are_no_error() -> None:
    assert matched(TWO_NETWORKS, [own("hostname", "a"), own("host.hostname", "a")]) == {"host.hostname": "a"}


def test_what_no_property_takes_is_unmatched_and_no_error() -> None:
    stray, classless = own("colour", "red"), own("hostname", "x", "MB")
    assert match([[stray, classless]], TWO_NETWORKS, ALIASES) == Matching((), (stray, classless))


def test_the_nearest_level_wins_whatever_the_spelling() -> None:
    inherited = Avu(GRID, "host.hostname", "far")
    assert matched(TWO_NETWORKS, [own("hostname", "near")], [inherited]) == {"host.hostname": "near"}


def test_an_inherited_value_is_taken_where_the_component_has_none() -> None:
    assert matched(TWO_NETWORKS, [], [Avu(GRID, "hostname", "far")]) == {"host.hostname": "far"}


def test_an_error_never_holds_a_value() -> None:
    with pytest.raises(ComponentError) as caught:
        match([[own("ipaddr", "s3cret")]], TWO_NETWORKS, ALIASES)
    assert "s3cret" not in str(caught.value)
