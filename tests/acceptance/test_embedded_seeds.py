"""Seeds in the ready OVA itself: `ova_forms embedded`."""

from __future__ import annotations

from io import BytesIO
from tarfile import open as open_tar

import pytest
from irods.exception import iRODSException

from tests.acceptance.conftest import Site
from tests.acceptance.people import Person
from tests.acceptance.test_seeds import Disc, disc_of
from tests.support.appliances import HARDWARE, SECTIONS, descriptor_of, ova
from tests.support.clients import PythonClient, Refused


def embedded(client: PythonClient, component: str) -> Disc:
    """The seed in the ready OVA, whose digests are right."""
    package = client.ready(component)
    assert package.whole
    assert list(package.members)[-1] == "seed.iso"
    return disc_of(package.members["seed.iso"])


@pytest.fixture
def component(site: Site, client: PythonClient) -> str:
    """grid01/comp01, whose image has hardware, with an embedded seed."""
    client.make(f"{site.home}/images")
    client.put(ova(descriptor=descriptor_of(HARDWARE + SECTIONS)), site.source)
    return client.component(site.component, site.source, ova_forms="embedded")


def test_the_ready_ova_holds_its_values_as_a_disc(site: Site, component: str, client: PythonClient) -> None:
    client.set(component, "hostname", "sg12")
    assert embedded(client, component).properties["hostname"] == "sg12"
    client.set(component, "hostname", "sg13")
    assert embedded(client, component).properties["hostname"] == "sg13"
    assert site.facts()["ova::form"] == "comp01.ova"
    with pytest.raises((Refused, iRODSException)):
        client.get(f"{component}/comp01.iso")


def test_a_task_and_a_value_that_no_property_takes_make_it_anew(
    site: Site, component: str, client: PythonClient
) -> None:
    client.set(component, "gateway", "10.0.0.1")
    assert embedded(client, component).properties["gateway"] == "10.0.0.1"
    client.make(f"{component}/config")
    client.put(b"#!/bin/sh\n", f"{component}/config/10.sh")
    assert list(embedded(client, component).tasks.values()) == [b"#!/bin/sh\n"]
    client.unlink(f"{component}/config/10.sh")
    assert embedded(client, component).tasks == {}


def test_with_seed_it_is_beside_and_within_and_goes_with_the_control(
    site: Site, component: str, client: PythonClient
) -> None:
    client.set(component, "hostname", "sg12")
    client.set(component, "ova_forms", "embedded seed:nocloud")
    assert embedded(client, component).label == disc_of(client.get(f"{component}/comp01.iso")).label == "cidata"
    for avu in client.metadata(component).get_all("ova_forms"):
        client.metadata(component).remove(avu)
    assert "seed.iso" not in client.ready(component).members
    assert not {"ova::form", "ova::mac"} & set(site.facts())


def test_an_image_without_hardware_fails_in_one_line(site: Site, component: str, client: PythonClient) -> None:
    client.set(component, "hostname", "sg12")
    client.put(ova(), f"{site.home}/images/plain.ova")
    client.set(component, "ova_url", f"{site.home}/images/plain.ova")
    facts = site.facts()
    assert facts["ova::status"] == "failed"
    assert "the virtual system vm has no hardware that could hold a CD drive" in facts["ova::message"]


def test_who_may_not_read_a_task_does_not_get_the_ova(
    site: Site, component: str, client: PythonClient, person: Person
) -> None:
    path = f"{component}/comp01.ova"
    client.make(f"{component}/install")
    client.put(b"#!/bin/sh\n# secret\n", f"{component}/install/10.sh")
    for each in (f"{site.home}/grid01", component, f"{component}/install", path):
        client.allow("read", each, person.name)
    with pytest.raises(Refused, match="may not read"):
        person.client.get(path)
    client.allow("read", f"{component}/install/10.sh", person.name)
    with open_tar(fileobj=BytesIO(person.client.get(path))) as tar:
        assert tar.getnames()[-1] == "seed.iso"
