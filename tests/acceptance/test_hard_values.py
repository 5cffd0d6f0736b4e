"""Values and names that break careless code: quotes, wildcards, control characters, length, other scripts."""

from __future__ import annotations

import pytest
from irods.exception import CAT_NO_ACCESS_PERMISSION
from irods.meta import iRODSMeta
from irods.models import Collection, DataObject

from tests.acceptance.conftest import Site
from tests.support.appliances import ova
from tests.support.clients import PythonClient, Refused

VALUES = {
    "single quotes": "it's ' OR '1'='1",
    "double quotes": 'say "hello"',
    "wildcards": "100% _under_",
    "backslashes": "a\\b\\\\c\\'",
    "markup": "<a>&amp;&lt;]]></a>",
    "newlines": "one\ntwo\tthree",
    "other scripts": "計算機 émigré ☃",
    "templates": "$userName {x} $(ls) `ls`",
    "2700 bytes": "x" * 2700,
    "2700 bytes of two": "é" * 1350,
}

NAMES = ("it's", 'with "quotes" and spaces', "100%_x", "a, b) or (c", "grid [1] {2}", "計算機 é")


@pytest.mark.parametrize("kind", VALUES)
def test_a_value_arrives_as_it_was_set(kind: str, site: Site, component: str, client: PythonClient) -> None:
    client.set(component, "hostname", VALUES[kind])
    assert site.facts()["ova::status"] == "ready"
    assert client.ready(component).values["host.hostname"] == VALUES[kind]


@pytest.mark.parametrize("kind", VALUES)
def test_a_reference_brings_it_too(kind: str, site: Site, component: str, client: PythonClient) -> None:
    other = client.component(f"{site.home}/grid01/comp02", site.source, hostname="${comp01:note}")
    client.set(component, "note", VALUES[kind])
    assert client.ready(other).values["host.hostname"] == VALUES[kind]


@pytest.mark.parametrize("name", NAMES)
def test_collections_and_sources_of_any_name(name: str, site: Site, client: PythonClient) -> None:
    grid, images = f"{site.home}/{name}", f"{site.home}/{name} images"
    one, two = f"{grid}/{name} 1", f"{grid}/{name} 2"
    for collection in (images, one, two):
        client.make(collection)
    source = f"{images}/{name}.ova"
    client.put(ova(), source)
    for component in (one, two):
        client.set(component, "ova_url", source)
    client.set(one, "hostname", "sg12")
    client.set(grid, "domainname", "example.org")
    if not set(name) & set("{}"):  # a reference cannot hold braces
        client.set(two, "hostname", f"${{{name} 1:hostname}}-too")
        assert client.ready(two).values["host.hostname"] == "sg12-too"
    found = client.ready(one).values
    assert (found["host.hostname"], found["host.domainname"]) == ("sg12", "example.org")
    client.put(ova(b"new disk" * 4000), source)
    assert client.ready(two).members["disk1.vmdk"] == b"new disk" * 4000


@pytest.mark.parametrize(("value", "units"), [("é" * 1351, ""), ("short", "ü" * 126)])
def test_what_a_server_could_not_read_again_is_refused_on_components(
    value: str, units: str, site: Site, component: str, client: PythonClient
) -> None:
    for collection in (component, f"{site.home}/grid01"):
        with pytest.raises(Refused, match="iRODS can read 2700 bytes"):
            client.set(collection, "hostname", value, units)
    assert site.facts()["ova::status"] == "ready"
    client.set(f"{site.home}/images", "note", "elsewhere it is nobody's business")


def test_what_no_server_can_read_is_said_and_stops_no_other_component(
    site: Site, component: str, client: PythonClient
) -> None:
    metadata, too_long = site.session.metadata, iRODSMeta("note", "é" * 1351)
    grid, other = f"{site.home}/grid02", f"{site.home}/grid02/comp09"
    client.make(other)
    metadata.set(Collection, grid, too_long)
    metadata.set(Collection, other, iRODSMeta("ova_url", site.source))
    client.put(ova(b"new disk" * 4000), site.source)
    assert client.ready(component).members["disk1.vmdk"] == b"new disk" * 4000
    with pytest.raises(Refused, match=r"an AVU here has more than 2700 bytes.*remove it"):
        client.get(f"{other}/comp09.ova")
    client.make(f"{grid}/plain")
    client.put(b"of no component", f"{grid}/plain/plain.ova")
    assert client.get(f"{grid}/plain/plain.ova") == b"of no component"
    metadata.remove(Collection, grid, too_long)
    client.set(other, "ova_url", site.source)  # who set it could not be noted
    assert client.ready(other).members["disk1.vmdk"] == b"new disk" * 4000


def test_a_ready_ova_is_not_handed_out_where_its_metadata_cannot_be_read(
    site: Site, component: str, client: PythonClient
) -> None:
    grid = f"{site.home}/grid02"
    client.make(grid)
    site.session.metadata.set(Collection, grid, iRODSMeta("note", "é" * 1351))
    site.session.collections.move(component, grid)
    with pytest.raises(Refused, match="an AVU here has more than 2700 bytes"):
        client.get(f"{grid}/comp01/comp01.ova")


def test_an_ova_like_that_no_server_can_read_is_refused_with_the_reason(site: Site, client: PythonClient) -> None:
    client.make(f"{site.home}/grid01")
    with pytest.raises(Refused, match="iRODS can read 2700 bytes"):
        client.set(f"{site.home}/grid01", "ova_like", "é" * 1351)
    client.make(f"{site.home}/grid02")
    site.session.metadata.set(Collection, f"{site.home}/grid02", iRODSMeta("note", "é" * 1351))
    with pytest.raises(Refused, match="an AVU here has more than 2700 bytes"):
        client.set(f"{site.home}/grid01", "ova_like", f"{site.home}/grid02")


@pytest.mark.parametrize("attribute", ["ova_like", "ova_url"])
def test_nobodys_avu_keeps_other_components_from_being_built(
    attribute: str, site: Site, component: str, client: PythonClient
) -> None:
    """An AVU of a data object is not looked at, nor is what `imeta cp` copies."""
    metadata, elsewhere = site.session.metadata, f"{site.home}/elsewhere"
    client.put(b"some object", f"{site.home}/object")
    client.make(elsewhere)
    client.make(f"{site.home}/grid02")
    client.set(f"{site.home}/grid02", "ova_like", f"{site.home}/grid01")
    with pytest.raises(CAT_NO_ACCESS_PERMISSION, match=f"{attribute} belongs on a collection"):
        metadata.set(DataObject, f"{site.home}/object", iRODSMeta(attribute, "é" * 1351))
    metadata.set(DataObject, f"{site.home}/object", iRODSMeta("note", "é" * 1351))
    metadata.copy(DataObject, Collection, f"{site.home}/object", elsewhere)
    client.put(ova(b"new disk" * 4000), site.source)
    assert site.facts()["ova::status"] == "ready"
    before = site.facts()["ova::fingerprint"]
    client.set(component, "ova_url", f"{site.home}/images/../images/base.ova")
    assert site.facts()["ova::status"] == "ready"
    client.set(f"{site.home}/grid01", "domainname", "example.org")
    assert site.facts()["ova::fingerprint"] != before
    for path in (component, f"{site.home}/grid02/comp01"):
        found = client.ready(path)
        assert found.members["disk1.vmdk"] == b"new disk" * 4000
        assert found.values["host.domainname"] == "example.org"


def test_an_attribute_that_no_server_can_read_opens_no_gate(site: Site, component: str, client: PythonClient) -> None:
    metadata, other = site.session.metadata, client.component(f"{site.home}/grid01/comp02", site.source)
    client.put(b"some object", f"{site.home}/object")
    metadata.set(DataObject, f"{site.home}/object", iRODSMeta("é" * 1350 + "ova_url", "poison"))
    metadata.copy(DataObject, Collection, f"{site.home}/object", component)
    with pytest.raises(Refused, match="an AVU here has more than 2700 bytes"):
        client.get(site.ready)
    before = site.facts(other)["ova::fingerprint"]
    client.set(f"{site.home}/grid01", "domainname", "example.org")
    assert site.facts(other)["ova::fingerprint"] != before


def test_an_attribute_set_twice_is_an_error_that_names_both(site: Site, component: str, client: PythonClient) -> None:
    collection = site.session.collections.get(component)
    for value in ("sg12", "sg13"):
        collection.metadata.add("hostname", value)
    with pytest.raises(Refused, match=r"two values for the property host\.hostname"):
        client.get(site.ready)
    collection.metadata.remove("hostname", "sg13")
    assert client.ready(component).values["host.hostname"] == "sg12"


def test_two_avus_that_stand_for_one_value_are_no_contradiction(component: str, client: PythonClient) -> None:
    client.set(component, "ipaddr", "10.0.0.5")
    client.set(component, "net.ipaddr.0", "${comp01:ipaddr}")
    assert client.ready(component).values["net.ipaddr.0"] == "10.0.0.5"
