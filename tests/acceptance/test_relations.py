"""Relations between machines: inheritance, references, one grid in the place of another, chains of ready OVAs."""

from __future__ import annotations

from typing import Any

import pytest

from tests.acceptance.conftest import MakeClient, Site
from tests.support.appliances import ova
from tests.support.clients import CLIENTS, Client, PythonClient, Refused, ready_path


class Grids:
    """Grids of components, all of one source."""

    def __init__(self, site: Site, client: Client) -> None:
        self.site = site
        self.client = client
        self.client.make(f"{site.home}/images")
        self.client.put(ova(), site.source)

    def component(self, name: str, **values: str) -> str:
        """A component `grid01/comp01`, with these AVUs."""
        return self.client.component(f"{self.site.home}/{name}", self.site.source, **values)

    def grid(self, name: str, **values: str) -> str:
        """A grid, with these AVUs."""
        path = f"{self.site.home}/{name}"
        self.client.make(path)
        for attribute, value in values.items():
            self.client.set(path, attribute, value)
        return path

    def values(self, component: str) -> dict[str, str]:
        """The properties of a ready OVA, read by a client."""
        found = self.client.ready(component)
        assert found.whole
        return found.values

    def built(self, component: str) -> tuple[Any, dict[str, str]]:
        """When the file of the ready OVA was written, and its facts."""
        ready = self.site.session.data_objects.get(ready_path(component))
        return ready.modify_time, self.site.facts(component)


@pytest.fixture
def grids(site: Site, client: PythonClient) -> Grids:
    return Grids(site, client)


# ---- inheritance -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CLIENTS)
def test_a_value_of_the_grid_reaches_all_that_do_not_set_it_themselves(
    name: str, site: Site, make_client: MakeClient
) -> None:
    grids = Grids(site, make_client(name))
    grid = grids.grid("grid01")
    heir, other = grids.component("grid01/comp01"), grids.component("grid01/comp02", domainname="own.org")
    before = grids.built(other)
    grids.client.set(grid, "domainname", "example.org")
    assert [site.facts(path)["ova::status"] for path in (heir, other)] == ["ready", "ready"]
    assert grids.values(heir)["host.domainname"] == "example.org"
    assert grids.values(other)["host.domainname"] == "own.org"
    assert grids.built(other) == before, "nothing that counts for it changed"


def test_an_avu_that_no_property_takes_leaves_the_ready_ovas_alone(grids: Grids, site: Site) -> None:
    grid, component = grids.grid("grid01"), grids.component("grid01/comp01", hostname="sg12")
    modified, facts = grids.built(component)
    grids.client.set(grid, "contact", "operator@example.org")
    after, new_facts = grids.built(component)
    assert (after, new_facts["ova::built"]) == (modified, facts["ova::built"])
    assert grids.values(component)["host.hostname"] == "sg12"


def test_a_value_may_move_from_the_component_to_its_grid(grids: Grids, site: Site) -> None:
    grid, component = grids.grid("grid01", domainname="example.org"), grids.component("grid01/comp01")
    grids.client.set(component, "domainname", "example.org")
    built = site.facts(component)["ova::built"]
    site.session.collections.get(component).metadata.remove("domainname", "example.org")
    assert grids.values(component)["host.domainname"] == "example.org"
    assert site.facts(component)["ova::built"] == built
    assert grid in site.facts(component)["ova::inherited"]


def test_a_component_inside_a_component_inherits_from_it(grids: Grids) -> None:
    outer = grids.component("grid01/comp01", hostname="outer", domainname="outer.org")
    inner = grids.component("grid01/comp01/comp02", hostname="inner")
    assert grids.values(inner) | {"host.hostname": ""} == grids.values(outer) | {"host.hostname": ""}
    assert grids.values(inner)["host.hostname"] == "inner"


# ---- references ------------------------------------------------------------------------------------------------------


def test_a_reference_follows_what_it_names_over_several_steps_in_order(grids: Grids, site: Site) -> None:
    first = grids.component("grid01/comp01", ip_addr="10.0.0.1")
    middle = grids.component("grid01/comp02", ip_addr="${comp01:ip_addr}")
    last = grids.component("grid01/comp03", hostname=f"at-${{{middle}:ip_addr}}", domainname="${comp01:ip_addr}")
    grids.client.set(first, "ip_addr", "10.0.0.9")
    assert site.facts(last)["ova::status"] == "ready"
    assert grids.values(last)["host.hostname"] == "at-10.0.0.9"
    assert grids.values(middle)["net.ipaddr.0"] == "10.0.0.9"
    assert site.facts(last)["ova::depends_on"] == f"{first},{middle}"


def test_each_dependent_is_built_once(grids: Grids, site: Site) -> None:
    """A diamond: comp04 names comp02 and comp03, which both name comp01."""
    first = grids.component("grid01/comp01", hostname="one")
    for number in (2, 3):
        grids.component(f"grid01/comp0{number}", hostname="${comp01:hostname}")
    last = grids.component("grid01/comp04", hostname="${comp02:hostname}-${comp03:hostname}")
    entries = site.facts(last)["ova::history"].count('"avus":[[')
    grids.client.set(first, "hostname", "two")
    assert grids.values(last)["host.hostname"] == "two-two"
    assert site.facts(last)["ova::history"].count('"avus":[[') == entries + 1


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("${comp09:hostname}", "grid01/comp09 has no AVU hostname"),
        ("${comp02:nothing}", "grid01/comp02 has no AVU nothing"),
        ("${comp02}", "is neither"),
        ("${comp02:hostname}", "in a circle: .*comp01:hostname -> .*comp02:hostname -> .*comp01:hostname"),
    ],
)
def test_a_reference_that_leads_nowhere_is_named(value: str, message: str, grids: Grids, site: Site) -> None:
    component = grids.component("grid01/comp01")
    grids.component("grid01/comp02", hostname="${comp01:hostname}")
    grids.client.set(component, "hostname", value)
    assert site.facts(component)["ova::status"] == "failed"
    with pytest.raises(Refused, match=message):
        grids.values(component)
    grids.client.set(component, "hostname", "sg12")
    assert grids.values(component)["host.hostname"] == "sg12"


def test_what_a_missing_component_names_heals_when_it_comes(grids: Grids, site: Site) -> None:
    component = grids.component("grid01/comp01", hostname="${comp02:hostname}")
    assert site.facts(component)["ova::status"] == "failed"
    grids.component("grid01/comp02", hostname="here")
    assert site.facts(component)["ova::status"] == "ready"
    assert grids.values(component)["host.hostname"] == "here"


# ---- chains ----------------------------------------------------------------------------------------------------------


def test_a_ready_ova_can_be_the_source_of_another_component(grids: Grids, site: Site) -> None:
    base = grids.component("grid01/base", hostname="sg01", domainname="example.org")
    heir = grids.component("grid01/comp01")
    grids.client.set(heir, "ova_url", f"{base}/base.ova")
    grids.client.set(heir, "hostname", "sg12")
    assert grids.values(heir)["host.domainname"] == "example.org"
    assert site.facts(heir)["ova::depends_on"] == base

    grids.client.set(base, "domainname", "example.com")
    assert site.facts(heir)["ova::status"] == "ready"
    assert grids.values(heir) == grids.values(base) | {"host.hostname": "sg12"}


def test_a_chain_stops_where_a_link_fails_and_heals_with_it(grids: Grids, site: Site) -> None:
    base = grids.component("grid01/base")
    heir = grids.component("grid01/comp01")
    grids.client.set(heir, "ova_url", "../base/base.ova")
    grids.client.set(base, "mtu", "12")
    with pytest.raises(Refused, match=r"grid01/base.*AVU mtu"):
        grids.values(heir)
    grids.client.set(base, "mtu", "9000")
    assert site.facts(heir)["ova::status"] == "ready"
    assert grids.values(heir)["host.mtu"] == "9000"


def test_sources_that_go_in_a_circle_are_printed(grids: Grids) -> None:
    one, two = grids.component("grid01/comp01"), grids.component("grid01/comp02")
    grids.client.set(two, "ova_url", f"{one}/comp01.ova")
    grids.client.set(one, "ova_url", f"{two}/comp02.ova")
    with pytest.raises(Refused, match=r"in a circle: .*comp01 -> .*comp02 -> .*comp01"):
        grids.values(one)
    grids.client.set(one, "ova_url", grids.site.source)
    grids.client.set(one, "hostname", "sg12")
    assert grids.values(two)["host.hostname"] == "sg12"


# ---- one grid in the place of another --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CLIENTS)
def test_one_grid_on_three_clouds(name: str, site: Site, make_client: MakeClient) -> None:
    """The paper's Figure 4: the grid of cloud A on clouds B and C, each with its own network."""
    grids = Grids(site, make_client(name))
    cloud_a = grids.grid("cloudA/grid", domainname="a.example.org")
    grids.component("cloudA/grid/ce", hostname="ce", ip_addr="10.1.0.1")
    grids.component("cloudA/grid/wn", hostname="wn-of-${ce:hostname}", ip_addr="10.1.0.2")
    for cloud, net in (("cloudB", "10.2.0"), ("cloudC", "10.3.0")):
        grid = grids.grid(f"{cloud}/grid", domainname=f"{cloud[-1].lower()}.example.org")
        grids.client.set(grid, "ova_like", cloud_a)
        for number, machine in enumerate(("ce", "wn"), start=1):
            grids.client.set(f"{grid}/{machine}", "ip_addr", f"{net}.{number}")

    def all_values(key: str) -> list[str]:
        machines = [f"{site.home}/cloud{cloud}/grid/{machine}" for cloud in "ABC" for machine in ("ce", "wn")]
        return [grids.values(machine)[key] for machine in machines]

    assert all_values("host.hostname") == ["ce", "wn-of-ce"] * 3
    assert all_values("host.domainname") == [f"{cloud}.example.org" for cloud in "aabbcc"]
    assert all_values("net.ipaddr.0") == [f"10.{net}.0.{number}" for net in (1, 2, 3) for number in (1, 2)]

    grids.client.set(f"{cloud_a}/ce", "hostname", "ce7")  # flows on, also through the references of each cloud
    assert all_values("host.hostname") == ["ce7", "wn-of-ce7"] * 3
    grids.client.set(f"{site.home}/cloudB/grid/ce", "hostname", "own")
    assert all_values("host.hostname") == ["ce7", "wn-of-ce7", "own", "wn-of-own", "ce7", "wn-of-ce7"]


def test_a_prototype_gives_sources_new_components_and_tasks(grids: Grids, site: Site) -> None:
    original = grids.grid("grid01")
    first = grids.component("grid01/comp01", hostname="sg12")
    grids.client.make(f"{first}/install")
    copy = grids.grid("grid02", ova_like=original)
    assert site.facts(f"{copy}/comp01")["ova::tasks"] == f"{first}/install"

    other = f"{site.home}/images/other.ova"
    grids.client.put(ova(b"other disk" * 4000), other)
    grids.client.set(first, "ova_url", "../../images/other.ova")
    assert site.facts(f"{copy}/comp01")["ova::source"] == other

    grids.component("grid01/comp02", hostname="new")
    assert grids.values(f"{copy}/comp02")["host.hostname"] == "new"
    grids.client.make(f"{copy}/comp01/install")
    grids.client.set(f"{copy}/comp01", "hostname", "own")
    assert site.facts(f"{copy}/comp01")["ova::tasks"] == f"{copy}/comp01/install"


def test_a_prototype_may_have_a_prototype(grids: Grids) -> None:
    original = grids.grid("grid01")
    grids.component("grid01/comp01", hostname="sg12")
    second = grids.grid("grid02", ova_like=original)
    third = grids.grid("grid03", ova_like=second, domainname="third.org")
    grids.client.set(second, "mtu", "9000")
    values = grids.values(f"{third}/comp01")
    found = values["host.hostname"], values["host.mtu"], values["host.domainname"]
    assert found == ("sg12", "9000", "third.org")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("grid01", "grid02/grid01 is the collection itself, or holds it or lies in it"),
        ("/", "is not the path of a collection"),
        ("HOME/nowhere", "nowhere does not exist"),
        ("HOME/grid02", "the collection itself"),
        ("HOME", "holds it"),
        ("HOME/grid03", "is itself like it"),
    ],
)
def test_a_prototype_that_cannot_be_meant_is_refused(value: str, message: str, grids: Grids, site: Site) -> None:
    grid = grids.grid("grid02")
    grids.grid("grid03", ova_like=grid)
    with pytest.raises(Refused, match=message):
        grids.client.set(grid, "ova_like", value.replace("HOME", site.home))
    grids.component("grid02/comp01")
    assert grids.values(f"{site.home}/grid03/comp01")


@pytest.mark.parametrize("deep", ["", "it's/", f"{'deep' * 10}/" * 9])
def test_what_has_a_grid_as_prototype_or_takes_values_from_it_follows_at_once(
    deep: str, grids: Grids, site: Site
) -> None:
    """Not only when it is read. The last one is deeper than one query has room for."""
    one = grids.component(f"{deep}grid01/comp01", hostname="one")
    grids.grid(f"{deep}grid02", ova_like=f"{site.home}/{deep}grid01")
    other = grids.component("grid03/comp01", hostname=f"${{{one}:hostname}}")
    for changed, attribute, value in (
        (f"{site.home}/{deep}grid01", "domainname", "example.org"),
        (one, "hostname", "two"),
        (f"{site.home}/{deep.partition('/')[0]}".rstrip("/"), "gateway", "10.0.0.1"),
    ):
        before = [site.facts(path)["ova::fingerprint"] for path in (f"{site.home}/{deep}grid02/comp01", other)]
        grids.client.set(changed, attribute, value)
        after = [site.facts(path)["ova::fingerprint"] for path in (f"{site.home}/{deep}grid02/comp01", other)]
        assert before[0] != after[0], attribute
        assert (before[1] != after[1]) == (attribute == "hostname" or changed == site.home), attribute


@pytest.mark.parametrize("trashed", [False, True])
def test_what_took_values_from_a_grid_that_is_moved_away_says_so_at_once(
    trashed: bool, grids: Grids, site: Site
) -> None:
    one = grids.component("grid01/comp01", hostname="one")
    other = grids.component("grid03/comp01", hostname=f"${{{one}:hostname}}")
    assert site.facts(other)["ova::status"] == "ready"
    if trashed:
        site.session.collections.remove(f"{site.home}/grid01")
    else:
        site.session.collections.move(f"{site.home}/grid01", f"{site.home}/grid09")
    assert site.facts(other)["ova::status"] == "failed"
    assert one in site.facts(other)["ova::message"]


def test_a_component_that_is_moved_into_a_prototype_appears_in_the_other_grid(grids: Grids, site: Site) -> None:
    original = grids.grid("grid01")
    copy = grids.grid("grid02", ova_like=original)
    moved = grids.component("elsewhere", hostname="moved")
    site.session.collections.move(moved, f"{original}/comp04")
    assert grids.values(f"{copy}/comp04")["host.hostname"] == "moved"


def test_a_reference_that_nobody_takes_is_no_error(grids: Grids, site: Site) -> None:
    component = grids.component("grid01/comp01", hostname="sg12")
    for value in ("${nowhere:x}", "costs ${5}", "${comp01:nothing}"):
        grids.client.set(component, "note", value)
        assert site.facts(component)["ova::status"] == "ready"
        assert grids.values(component)["host.hostname"] == "sg12"


def test_a_machine_that_only_the_copy_has_goes_on(grids: Grids) -> None:
    """Found by tests/model: what is not there in the prototype counted as a place that one may not see."""
    original = grids.grid("grid01")
    grids.component("grid01/comp01")
    copy = grids.grid("grid02")
    own = grids.component("grid02/comp09")
    grids.client.set(copy, "ova_like", original)
    grids.client.set(copy, "domainname", "example.org")
    assert grids.values(own)["host.domainname"] == "example.org"


def test_a_component_that_only_the_copy_has_inherits_from_both_grids(grids: Grids, site: Site) -> None:
    original = grids.grid("grid01", domainname="original.org")
    grids.grid("grid02", ova_like=original, mtu="1400")
    extra = grids.component("grid02/extra", hostname="extra")
    values = grids.values(extra)
    found = values["host.hostname"], values["host.domainname"], values["host.mtu"]
    assert found == ("extra", "original.org", "1400")


def test_a_machine_cannot_have_a_prototype_that_has_its_own_grid_as_prototype(grids: Grids, site: Site) -> None:
    """Found by tests/model: places that stand for each other without end (grid02/comp01/comp01/comp01 …)."""
    one, two = grids.grid("grid01"), grids.grid("grid02")
    grids.component("grid01/comp01")
    inside = grids.component("grid02/comp02")
    grids.client.set(inside, "ova_like", one)
    with pytest.raises(Refused, match="is itself like it"):
        grids.client.set(one, "ova_like", two)
    grids.client.set(one, "hostname", "sg12")
    assert grids.values(f"{inside}/comp01")["host.hostname"] == "sg12"
    assert not site.session.collections.exists(f"{one}/comp02")
