"""Controls of how values are taken: deployment options, added and fixed properties, ignored names."""

from __future__ import annotations

import pytest
from lxml import etree

from tests.acceptance.conftest import Site
from tests.acceptance.people import Person
from tests.support.appliances import SECTIONS, descriptor_of, ova
from tests.support.clients import PythonClient, Refused

OVF = "{http://schemas.dmtf.org/ovf/envelope/1}"

OPTIONS = (
    "<ovf:DeploymentOptionSection><ovf:Info/>"
    '<ovf:Configuration ovf:id="small"><ovf:Label/><ovf:Description/></ovf:Configuration>'
    '<ovf:Configuration ovf:id="big" ovf:default="true"><ovf:Label/><ovf:Description/></ovf:Configuration>'
    "</ovf:DeploymentOptionSection>"
)
SIZES = (
    '<ovf:ProductSection ovf:class="host"><ovf:Info/>'
    '<ovf:Property ovf:key="hostname" ovf:type="string" ovf:userConfigurable="true" ovf:value="myhost">'
    '<ovf:Value ovf:value="small-host" ovf:configuration="small"/><ovf:Value ovf:value="big-host" '
    'ovf:configuration="big"/></ovf:Property></ovf:ProductSection>'
)


@pytest.fixture
def sized(site: Site, client: PythonClient) -> str:
    """A component whose image has two deployment options, each with a host name of its own."""
    text = descriptor_of(SIZES).replace(b"<ovf:VirtualSystem ", f"{OPTIONS}<ovf:VirtualSystem ".encode())
    client.make(f"{site.home}/images")
    client.put(ova(descriptor=text), site.source)
    return client.component(site.component, site.source)


def values_of(client: PythonClient, component: str) -> dict[str, str]:
    """The host name of each deployment option, and of `` for none; `default` is the option that is one."""
    ready = client.ready(component)
    assert ready.whole
    root = etree.fromstring(ready.members["vm.ovf"])
    (prop,) = root.iter(f"{OVF}Property")
    found = {str(each.get(f"{OVF}configuration")): str(each.get(f"{OVF}value")) for each in prop}
    (default,) = (each for each in root.iter(f"{OVF}Configuration") if each.get(f"{OVF}default") == "true")
    return {"": str(prop.get(f"{OVF}value")), **found, "default": str(default.get(f"{OVF}id"))}


def test_a_value_reaches_the_machine_whatever_option_it_is_deployed_with(sized: str, client: PythonClient) -> None:
    client.set(sized, "hostname", "sg12")
    assert values_of(client, sized) == {"": "sg12", "small": "sg12", "big": "sg12", "default": "big"}


def test_units_name_the_one_option_that_a_value_is_for(site: Site, sized: str, client: PythonClient) -> None:
    client.set(sized, "hostname", "sg12", "config:big")
    assert values_of(client, sized) == {"": "myhost", "small": "small-host", "big": "sg12", "default": "big"}
    client.metadata(sized).add("hostname", "all")
    assert values_of(client, sized) == {"": "all", "small": "all", "big": "sg12", "default": "big"}


def test_with_a_class_too(sized: str, client: PythonClient) -> None:
    client.set(sized, "hostname", "sg12", "host config:small")
    assert values_of(client, sized)["small"] == "sg12"


def test_a_nearer_value_for_all_is_stronger_than_a_farther_one_for_an_option(
    site: Site, sized: str, client: PythonClient
) -> None:
    client.set(f"{site.home}/grid01", "hostname", "of-the-grid", "config:big")
    assert values_of(client, sized)["big"] == "of-the-grid"
    client.set(sized, "hostname", "sg12")
    assert values_of(client, sized)["big"] == "sg12"


def test_an_option_that_the_image_lacks_is_said(site: Site, sized: str, client: PythonClient) -> None:
    client.set(sized, "hostname", "sg12", "config:bigg")
    facts = site.facts()
    assert facts["ova::status"] == "ready"
    assert facts["ova::unmatched"] == "hostname"
    assert "the image has no deployment option bigg; it has: small, big" in facts["ova::note"]


def test_a_control_chooses_the_default_option(site: Site, sized: str, client: PythonClient) -> None:
    client.set(f"{site.home}/grid01", "ova_configuration", "small")
    assert values_of(client, sized)["default"] == "small"
    client.set(sized, "ova_configuration", "smal")
    message = site.facts()["ova::message"]
    assert "the image has no deployment option smal; it has: small, big; did you mean small?" in message
    client.set(sized, "ova_configuration", "big")
    assert values_of(client, sized)["default"] == "big"


def test_a_property_that_the_image_lacks_is_added_and_goes_with_its_avu(
    site: Site, component: str, client: PythonClient
) -> None:
    before = client.ready(component)
    client.set(component, "gateway", "10.0.0.1")
    assert site.facts()["ova::unmatched"] == "gateway"
    client.set(component, "ova_options", "add-properties")
    ready = client.ready(component)
    assert ready.whole
    assert ready.values["gateway"] == "10.0.0.1"
    assert "ova::unmatched" not in site.facts()
    client.metadata(component).remove("gateway", "10.0.0.1")
    assert client.ready(component).members["vm.ovf"].strip() == before.members["vm.ovf"].strip()


def test_what_is_said_above_the_option_is_not_for_machines(site: Site, component: str, client: PythonClient) -> None:
    """A catalogue's AVUs on the home do not become properties of every machine below it."""
    client.set(site.home, "title", "Our appliances")
    client.set(f"{site.home}/grid01", "ova_options", "add-properties")
    client.set(f"{site.home}/grid01", "gateway", "10.0.0.1")
    client.set(component, "net.mask", "24")
    values = client.ready(component).values
    assert (values["gateway"], values["net.mask"]) == ("10.0.0.1", "24")
    assert "title" not in values
    client.set(component, "a name: that no property can have", "x")
    assert site.facts()["ova::unmatched"] == "a name: that no property can have"
    assert client.ready(component).whole


def test_two_values_of_one_added_property_are_an_error(site: Site, component: str, client: PythonClient) -> None:
    client.set(component, "ova_options", "add-properties")
    client.metadata(component).add("gateway", "10.0.0.1")
    client.metadata(component).add("gateway", "10.0.0.2")
    assert "two values for the property gateway; remove one" in site.facts()["ova::message"]


def test_an_owner_may_set_fixed_properties(site: Site, component: str, client: PythonClient) -> None:
    client.set(component, "serial", "0815")
    assert "(not userConfigurable); an owner can allow it with ova_options fixed" in site.facts()["ova::message"]
    client.set(component, "ova_options", "fixed")
    assert client.ready(component).values["host.serial"] == "0815"


def test_who_only_changes_avus_may_not(site: Site, component: str, client: PythonClient, person: Person) -> None:
    person.may("read", f"{site.home}/images", recursive=True)
    for path in (site.home, f"{site.home}/grid01"):
        person.may("read", path)
    person.may("write", component, recursive=True)
    person.client.set(component, "ova_options", "fixed")
    client.set(component, "serial", "0815")
    assert f"fixed is for an owner of the collection, and {person.name}" in site.facts()["ova::message"]
    client.metadata(component).remove("ova_options", "fixed")
    client.set(component, "ova_options", "fixed")
    assert client.ready(component).values["host.serial"] == "0815"


@pytest.mark.parametrize(
    ("value", "message"),
    [("add-propertys", "did you mean add-properties?"), ("fixed,else", "else is no option"), ("  ", "nothing is no")],
)
def test_a_word_that_is_no_option_is_refused(value: str, message: str, component: str, client: PythonClient) -> None:
    with pytest.raises(Refused, match=message.replace("?", r"\?")):
        client.set(component, "ova_options", value)


def test_names_are_ignored_that_a_component_does_not_want_from_above(
    site: Site, component: str, client: PythonClient
) -> None:
    client.set(site.home, "domainname", "far.example.org")
    client.set(f"{site.home}/grid01", "hostname", "of-the-grid")
    client.set(f"{site.home}/grid01", "ova_ignore", "domainname, version")
    values = client.ready(component).values
    assert (values["host.domainname"], values["host.hostname"]) == ("", "of-the-grid")
    client.set(component, "ova_ignore", "hostname")
    assert client.ready(component).values["host.hostname"] == "myhost"
    client.set(component, "hostname", "own")
    assert client.ready(component).values["host.hostname"] == "own"


def test_which_avu_set_what_is_a_fact(site: Site, component: str, client: PythonClient) -> None:
    client.set(site.home, "domainname", "example.org")
    client.set(component, "hostname", "sg12")
    found = {(avu.value, avu.units) for avu in client.metadata(component).get_all("ova::set")}
    assert found == {("host.domainname", site.home), ("host.hostname", component)}


def test_an_image_with_an_option_in_a_section_keeps_all_else(site: Site, sized: str, client: PythonClient) -> None:
    client.put(ova(descriptor=descriptor_of(SECTIONS)), site.source)
    client.set(sized, "ova_configuration", "big")
    assert site.facts()["ova::status"] == "ready"
    assert "the image has no deployment options" in site.facts()["ova::note"]
