"""Typing errors are reported where they are made, with the probable meaning, and refused if the meaning is certain."""

from __future__ import annotations

import pytest
from irods.meta import AVUOperation, iRODSMeta

from tests.acceptance.conftest import Site
from tests.support.clients import PythonClient, Refused


@pytest.mark.parametrize(
    ("attribute", "meant"),
    [
        ("ova_ulr", "ova_url"),
        ("ova_uri", "ova_url"),
        ("ova_image", "ova_images"),
        ("OVA_URL", "ova_url"),
        ("ova-url", "ova_url"),
        ("oav_url", "ova_url"),
        ("ova_optoins", "ova_options"),
        ("ova_configurations", "ova_configuration"),
    ],
)
def test_what_is_nearly_a_control_is_refused_everywhere(
    attribute: str, meant: str, site: Site, client: PythonClient
) -> None:
    client.make(f"{site.home}/new")
    with pytest.raises(Refused, match=rf"{attribute} of .*/new is no control; did you mean {meant}\?"):
        client.set(f"{site.home}/new", attribute, "x")


@pytest.mark.parametrize("attribute", ["ova_something", "oval", "ova", "ovation", "overlay"])
def test_what_is_like_no_control_is_somebody_elses(attribute: str, site: Site, client: PythonClient) -> None:
    client.set(site.home, attribute, "x")
    client.metadata(site.home).remove(attribute, "x")


@pytest.mark.parametrize("attribute", ["ova_url", "ova_ulr", "ova_like", "ova_options", "ova_images"])
def test_a_control_of_collections_is_refused_on_an_object(
    attribute: str, site: Site, component: str, client: PythonClient
) -> None:
    for path in (site.source, site.ready):
        with pytest.raises(Refused, match="belongs on a collection, not on a data object: imeta set -C"):
            client.set_object(path, attribute, "x")


def test_a_control_of_objects_is_refused_on_a_collection(site: Site, component: str, client: PythonClient) -> None:
    with pytest.raises(Refused, match="ova_release belongs on a data object"):
        client.set(component, "ova_release", "yes")


def test_avus_of_the_ready_ova_itself_are_said_as_long_as_they_are_there(
    site: Site, component: str, client: PythonClient
) -> None:
    metadata = site.session.data_objects.get(site.ready).metadata
    client.set_object(site.ready, "hostname", "sg12")
    client.set(component, "domainname", "example.org")
    says = "AVU hostname of comp01.ova sets nothing; set it on the collection"
    assert site.facts()["ova::note"] == says
    metadata.apply_atomic_operations(AVUOperation("add", iRODSMeta("mtu", "9000")))
    assert sorted(avu.value for avu in client.metadata(component).get_all("ova::note")) == [
        says,
        says.replace("hostname", "mtu"),
    ]
    metadata.remove("mtu", "9000")
    metadata.remove("hostname", "sg12")
    assert "ova::note" not in site.facts()
    client.set_object(site.source, "hostname", "sg12")
    assert "ova::note" not in site.facts()


def test_a_build_that_fails_says_what_else_is_odd_now(site: Site, component: str, client: PythonClient) -> None:
    client.set(component, "hostnam", "sg12")
    client.set(component, "mtu", "jumbo")
    facts = site.facts()
    assert (facts["ova::status"], facts["ova::unmatched"]) == ("failed", "hostnam")
    assert facts["ova::note"].endswith("did you mean hostname?")
    client.metadata(component).remove("hostnam", "sg12")
    assert not {"ova::note", "ova::unmatched"} & site.facts().keys()


def test_a_misspelt_name_that_becomes_a_property_is_said(site: Site, component: str, client: PythonClient) -> None:
    client.set(component, "ova_options", "add-properties")
    client.set(component, "hostnme", "sg12")
    assert site.facts()["ova::note"] == (
        f"AVU hostnme of {component}: becomes a property of its own; did you mean hostname?"
    )
    client.metadata(component).remove("hostnme", "sg12")
    client.set(component, "rack", "B7")
    assert "ova::note" not in site.facts()


def test_a_name_that_is_near_to_a_property_is_said(site: Site, component: str, client: PythonClient) -> None:
    client.set(component, "hostnam", "sg12")
    facts = site.facts()
    assert facts["ova::unmatched"] == "hostnam"
    assert facts["ova::note"] == f"AVU hostnam of {component}: no property takes it; did you mean hostname?"
    client.metadata(component).remove("hostnam", "sg12")
    assert not {"ova::note", "ova::unmatched"} & site.facts().keys()
    client.set(component, "location", "Lyon")
    assert site.facts()["ova::unmatched"] == "location"
    assert "ova::note" not in site.facts()


def test_on_a_grid_it_is_said_on_the_grid(site: Site, component: str, client: PythonClient) -> None:
    grid = f"{site.home}/grid01"
    client.component(f"{grid}/comp02", site.source)
    client.set(grid, "domainnam", "example.org")
    client.set(grid, "location", "Lyon")
    client.set(grid, "hostname", "sg12")
    facts = client.facts(grid)
    assert facts["ova::unmatched"] == "domainnam,location"
    assert facts["ova::note"] == f"AVU domainnam of {grid}: no property takes it; did you mean domainname?"
    client.metadata(grid).remove("domainnam", "example.org")
    client.metadata(grid).remove("location", "Lyon")
    assert client.facts(grid) == {}


def test_a_grid_whose_machines_differ_is_not_blamed(site: Site, component: str, client: PythonClient) -> None:
    """One machine takes the AVU, the other sets the property itself."""
    grid = f"{site.home}/grid01"
    client.component(f"{grid}/comp02", site.source, domainname="own.example.org")
    client.set(grid, "domainname", "example.org")
    assert client.facts(grid) == {}


@pytest.mark.parametrize(
    "value",
    [
        *(each.replace("@", "comp02:hostname") for each in ("$@", "${@", "$@}", "{@}", "{{@}}", "${{@}}", "$(@)")),
        "$/tempZone/home/x:hostname",
    ],
)
def test_what_is_nearly_a_reference_is_said(value: str, site: Site, component: str, client: PythonClient) -> None:
    client.set(component, "hostname", value)
    meant = value.strip("${}()")
    assert f"its value stays as it is; ${{{meant}}} would be a reference" in site.facts()["ova::note"]
    assert client.ready(component).values["host.hostname"] == value


@pytest.mark.parametrize("value", ["US$5:30", "$HOME", "costs $5: cheap", "${comp01:mtu}", '{"a":1}', "(a:b)", "{a}"])
def test_other_dollars_are_none(value: str, site: Site, component: str, client: PythonClient) -> None:
    client.set(component, "mtu", "9000")
    client.set(component, "hostname", value)
    assert "ova::note" not in site.facts()


@pytest.mark.parametrize("character", ["\x01", "\x04", "\x1f", "\ufffe", "\uffff"])
@pytest.mark.parametrize("part", ["attribute", "value", "units"])
def test_what_no_client_could_read_again_is_refused_on_components(
    part: str, character: str, site: Site, component: str, client: PythonClient
) -> None:
    texts = {name: f"a{character}b" if name == part else "x" for name in ("attribute", "value", "units")}
    for collection in (component, f"{site.home}/grid01"):
        with pytest.raises(Refused, match=f"U\\+{ord(character):04X}, and clients cannot read"):
            client.set(collection, texts["attribute"], texts["value"], texts["units"])
    assert client.ready(component).whole
