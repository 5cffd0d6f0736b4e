"""The promises of the product, over real connections; the first ones are tested with each client."""

from __future__ import annotations

import pytest

from tests.acceptance.conftest import MakeClient, Site
from tests.support.appliances import descriptor_of, manifest_of, ova, read, tar_of
from tests.support.clients import CLIENTS, EVERY_CLIENT, PythonClient, Refused, refusals


@pytest.mark.parametrize("name", EVERY_CLIENT)
def test_the_main_job(name: str, site: Site, make_client: MakeClient) -> None:
    """Promise 1: when the AVU call returns, the next get holds it; and 5, nothing else changed."""
    client = make_client(name)
    disk = bytes(range(256)) * 300
    client.make(f"{site.component}/install")
    client.make(f"{site.home}/images")
    client.put(ova(disk), site.source)

    client.set(site.component, "ova_url", site.source)
    client.set(site.component, "hostname", "sg12")
    client.set(site.component, "ip_addr", "10.91.14.12")
    client.set(site.component, "dns", "10.91.14.1", "net.1")

    assert site.facts()["ova::status"] == "ready"
    found = client.ready(site.component)
    assert found.whole
    assert found.values["host.hostname"] == "sg12"
    assert found.values["net.ipaddr.0"] == "10.91.14.12"
    assert (found.values["net.dns.0"], found.values["net.dns.1"]) == ("", "10.91.14.1")
    assert found.members["disk1.vmdk"] == disk
    expected = descriptor_of().decode()
    for old, new in (("myhost", "sg12"), ("0.0.0.0", "10.91.14.12")):
        expected = expected.replace(f'"{old}"', f'"{new}"')
    head, _, tail = expected.rpartition('ovf:key="dns" ovf:type="string" ovf:userConfigurable="true" ovf:value=""')
    expected = f'{head}ovf:key="dns" ovf:type="string" ovf:userConfigurable="true" ovf:value="10.91.14.1"{tail}'
    assert found.members["vm.ovf"].decode().rstrip() == expected.rstrip()


@pytest.mark.parametrize("name", CLIENTS)
def test_a_misfit_is_refused_to_readers_and_a_right_value_heals(
    name: str, site: Site, component: str, make_client: MakeClient
) -> None:
    """Promise 3: the last good OVA stays, the message names the AVU; no other step is needed."""
    client = make_client(name)
    client.set(component, "mtu", "9000")

    client.set(component, "mtu", "12")
    facts = site.facts()
    assert facts["ova::status"] == "failed"
    assert "AVU mtu" in facts["ova::message"] and "576" in facts["ova::message"]
    with pytest.raises(Refused):
        client.get(site.ready)

    client.set(component, "mtu", "1400")
    assert site.facts()["ova::status"] == "ready"
    assert "ova::message" not in site.facts()
    assert client.ready(component).values["host.mtu"] == "1400"


def test_the_refusal_says_why(site: Site, component: str, client: PythonClient) -> None:
    client.set(component, "mtu", "12")
    with pytest.raises(Refused, match=r"AVU mtu of .*comp01"):
        client.get(site.ready)


def test_a_value_set_back_is_ready_without_a_build(site: Site, component: str, client: PythonClient) -> None:
    client.set(component, "mtu", "9000")
    built = site.session.data_objects.get(site.ready).modify_time
    client.set(component, "mtu", "12")
    client.set(component, "mtu", "9000")
    assert site.facts()["ova::status"] == "ready"
    assert site.session.data_objects.get(site.ready).modify_time == built


@pytest.mark.parametrize("name", CLIENTS)
def test_a_new_version_of_the_source_rebuilds_its_components(
    name: str, site: Site, component: str, make_client: MakeClient
) -> None:
    client = make_client(name)
    client.set(component, "hostname", "sg12")
    client.put(ova(b"new disk" * 9000), site.source)
    assert site.facts()["ova::status"] == "ready"
    found = client.ready(component)
    assert found.whole
    assert found.members["disk1.vmdk"] == b"new disk" * 9000
    assert found.values["host.hostname"] == "sg12"


def test_all_clients_atomic_changes_count(site: Site, component: str, client: PythonClient) -> None:
    from irods.meta import AVUOperation, iRODSMeta

    metadata = client.metadata(component)
    metadata.apply_atomic_operations(
        AVUOperation("add", iRODSMeta("hostname", "atomic")), AVUOperation("add", iRODSMeta("mtu", "1400"))
    )
    values = client.ready(component).values
    assert (values["host.hostname"], values["host.mtu"]) == ("atomic", "1400")


def test_a_grids_avus_are_inherited_and_the_nearest_wins(site: Site, component: str, client: PythonClient) -> None:
    client.set(f"{site.home}/grid01", "hostname", "far")
    assert client.ready(component).values["host.hostname"] == "far"
    client.set(component, "hostname", "near")
    assert client.ready(component).values["host.hostname"] == "near"


def test_a_reference_follows_the_sibling(site: Site, component: str, client: PythonClient) -> None:
    other = f"{site.home}/grid01/comp02"
    client.make(other)
    client.set(other, "ip_addr", "10.0.0.2")
    client.set(component, "hostname", "peer-${comp02:ip_addr}")
    assert client.ready(component).values["host.hostname"] == "peer-10.0.0.2"
    client.set(other, "ip_addr", "10.0.0.3")
    assert site.facts()["ova::status"] == "ready"
    assert client.ready(component).values["host.hostname"] == "peer-10.0.0.3"


def test_a_reference_may_be_there_before_ova_url(site: Site, client: PythonClient) -> None:
    other = f"{site.home}/grid01/comp02"
    client.make(site.component)
    client.make(other)
    client.put(ova(), f"{site.home}/base.ova")
    client.set(other, "ip_addr", "10.0.0.2")
    client.set(site.component, "hostname", "${comp02:ip_addr}")
    client.set(site.component, "ova_url", "../../base.ova")
    assert client.ready(site.component).values["host.hostname"] == "10.0.0.2"


def test_what_no_property_takes_is_listed(site: Site, component: str, client: PythonClient) -> None:
    client.set(component, "colour", "red")
    client.set(component, "hostname", "sg12")
    assert site.facts()["ova::unmatched"] == "colour"
    assert site.facts()["ova::status"] == "ready"


def test_a_relative_url_is_relative_to_the_component(site: Site, client: PythonClient) -> None:
    client.put(ova(), f"{site.home}/base.ova")
    client.component(site.component, "../../base.ova")
    assert site.facts()["ova::status"] == "ready"
    client.put(ova(b"other" * 4000), f"{site.home}/base.ova")
    assert client.ready(site.component).members["disk1.vmdk"] == b"other" * 4000


@pytest.mark.parametrize("name", CLIENTS)
def test_facts_are_the_servers(name: str, site: Site, component: str, make_client: MakeClient) -> None:
    """Set one by one they are passed over, so that a saved grid's AVUs can be brought back with all that is saved."""
    before = site.facts()
    client = make_client(name)
    for attribute, value in {"ova::status": "failed", "ova::message": "x", "ova::new": "x"}.items():
        client.set(component, attribute, value)
        client.set(f"{site.home}/images", attribute, value)
    assert site.facts() == before
    assert site.facts(f"{site.home}/images") == {}


def test_no_other_way_brings_a_fact(site: Site, component: str, client: PythonClient) -> None:
    from irods.meta import AVUOperation, iRODSMeta

    before = site.facts()
    metadata = client.metadata(component)
    for wrong in (iRODSMeta("ova::message", "x"), iRODSMeta("ova::status", "ready", "units")):
        with pytest.raises(Refused, match="facts that the server writes; leave them out"), refusals():
            metadata.apply_atomic_operations(
                AVUOperation("add", iRODSMeta("hostname", "x")), AVUOperation("add", wrong)
            )
    assert site.facts() == before
    assert client.ready(component).values["host.hostname"] == "myhost"
    same = [AVUOperation("add", iRODSMeta(avu.name, avu.value, avu.units)) for avu in metadata.items()]
    metadata.apply_atomic_operations(*same, AVUOperation("add", iRODSMeta("hostname", "sg12")))
    assert client.ready(component).values["host.hostname"] == "sg12"


def test_a_ready_ova_is_not_put_by_hand(site: Site, component: str, client: PythonClient) -> None:
    before = client.get(site.ready)
    with pytest.raises(Refused, match="made by the server"), refusals():
        client.put(ova(b"by hand" * 3000), site.ready)
    assert client.get(site.ready) == before


def test_without_ova_url_it_is_no_component(site: Site, component: str, client: PythonClient) -> None:
    client.metadata(component).remove("ova_url", site.source)
    assert "ova::status" not in site.facts()
    client.set(component, "hostname", "x")
    assert "ova::status" not in site.facts()


def test_a_renamed_component_renames_its_ready_ova(site: Site, component: str, client: PythonClient) -> None:
    client.set(component, "hostname", "sg12")
    moved = f"{site.home}/grid01/comp09"
    site.session.collections.move(component, moved)
    assert client.ready(moved).values["host.hostname"] == "sg12"
    assert not site.session.data_objects.exists(f"{moved}/comp01.ova")
    client.set(moved, "hostname", "sg13")
    assert client.ready(moved).values["host.hostname"] == "sg13"


@pytest.mark.parametrize("what", ["the image", "its collection"])
def test_a_source_in_use_is_not_renamed(what: str, site: Site, component: str, client: PythonClient) -> None:
    with pytest.raises(Refused, match=f"base.ova.* is the source of {component}"), refusals():
        if what == "the image":
            site.session.data_objects.move(site.source, f"{site.home}/images/other.ova")
        else:
            site.session.collections.move(f"{site.home}/images", f"{site.home}/other")
    assert site.facts()["ova::status"] == "ready"
    client.component(component, "../../images/base.ova")
    site.session.collections.move(site.home, f"{site.home}-2")  # with all that use it
    assert client.ready(f"{site.home}-2/grid01/comp01").whole
    site.session.collections.move(f"{site.home}-2", site.home)


def test_a_released_source_is_missed_and_found_again(site: Site, component: str, client: PythonClient) -> None:
    client.set_object(site.source, "ova_release", "yes")
    site.session.data_objects.move(site.source, f"{site.home}/images/other.ova")
    assert site.facts()["ova::status"] == "failed"
    assert "does not exist" in site.facts()["ova::message"]
    site.session.data_objects.move(f"{site.home}/images/other.ova", site.source)
    assert site.facts()["ova::status"] == "ready"
    assert client.ready(component).whole


def test_a_deleted_source_is_said(site: Site, component: str, client: PythonClient) -> None:
    from irods.meta import iRODSMeta

    site.session.data_objects.get(site.source).metadata.add(iRODSMeta("ova_release", "yes"))
    site.session.data_objects.unlink(site.source, force=True)
    assert site.facts()["ova::status"] == "failed"
    with pytest.raises(Refused, match="does not exist"):
        client.get(site.ready)


def test_a_copy_passes_the_gate_too(site: Site, component: str, client: PythonClient) -> None:
    from irods.exception import iRODSException

    client.set(component, "mtu", "12")
    with pytest.raises(iRODSException):
        site.session.data_objects.copy(site.ready, f"{site.home}/taken.ova")
    assert not site.session.data_objects.exists(f"{site.home}/taken.ova")


def test_a_larger_value_may_change_the_size(site: Site, component: str, client: PythonClient) -> None:
    small = client.get(site.ready)
    for attribute, units in (("hostname", ""), ("domainname", ""), ("dns", "net.0"), ("dns", "net.1"), ("ipaddr", "")):
        client.set(component, attribute, "&" * 2600, units)  # five bytes each in the descriptor
    large = client.get(site.ready)
    assert len(large) > len(small)
    assert read(large).whole and read(large).values["net.dns.1"] == "&" * 2600
    assert read(large).members["disk1.vmdk"] == read(small).members["disk1.vmdk"]
    client.set(component, "hostname", "short")
    assert client.ready(component).values["host.hostname"] == "short"


BAD_SOURCES = {
    "not a tar": b"this is no archive" * 100,
    "empty": b"",
    "no descriptor": tar_of({"readme.txt": b"nothing"}),
    "broken xml": ova(descriptor=descriptor_of()[:-20]),
    "dtd": ova(descriptor=descriptor_of(head="<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>")),
    "cut short": ova()[:-12000],
    "disk digest": ova(manifest=manifest_of({"vm.ovf": descriptor_of(), "disk1.vmdk": b"another"})),
    "descriptor digest": ova(manifest=manifest_of({"vm.ovf": b"another", "disk1.vmdk": b"disk" * 5000})),
}


@pytest.mark.parametrize("kind", BAD_SOURCES)
def test_a_bad_source_fails_in_one_line_and_a_right_one_heals(
    kind: str, site: Site, component: str, client: PythonClient
) -> None:
    before = client.get(site.ready)
    client.put(BAD_SOURCES[kind], site.source)
    facts = site.facts()
    assert facts["ova::status"] == "failed"
    assert "base.ova" in facts["ova::message"] and "\n" not in facts["ova::message"]
    with pytest.raises(Refused, match=r"base\.ova"):
        client.get(site.ready)
    client.put(ova(), site.source)
    assert site.facts()["ova::status"] == "ready"
    assert client.get(site.ready) == before


BAD_AVUS = {
    "type": ("mtu", "many", "", "AVU mtu"),
    "ambiguous": ("dns", "10.0.0.1", "", r"AVU dns .*net\.dns\.0, net\.dns\.1"),
    "fixed": ("serial", "mine", "", "AVU serial .*not userConfigurable"),
    "missing source": ("ova_url", "/nowhere/base.ova", "", "ova_url .*/nowhere/base.ova: does not exist"),
    "web source": ("ova_url", "http://example.org/base.ova", "", "allowed_urls"),
    "no package": ("ova_url", "../comp01", "", "ends in .ova"),
    "itself": ("ova_url", "comp01.ova", "", "cannot be its own source"),
    "cycle": ("hostname", "${comp01:hostname}", "", "in a circle"),
}


@pytest.mark.parametrize("kind", BAD_AVUS)
def test_a_bad_avu_fails_in_one_line_and_a_right_one_heals(
    kind: str, site: Site, component: str, client: PythonClient
) -> None:
    attribute, value, units, message = BAD_AVUS[kind]
    client.set(component, attribute, value, units)
    assert site.facts()["ova::status"] == "failed"
    with pytest.raises(Refused, match=message):
        client.get(site.ready)
    metadata = client.metadata(component)
    if attribute == "ova_url":
        client.set(component, "ova_url", site.source)
    else:
        metadata.remove(attribute, value)
    assert site.facts()["ova::status"] == "ready"
    assert client.ready(component).whole
