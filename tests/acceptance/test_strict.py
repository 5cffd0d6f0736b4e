"""Strict components: an AVU that does not fit is refused before it is stored, in the words of `ova::message`."""

from __future__ import annotations

import pytest
from irods.exception import CAT_NO_ACCESS_PERMISSION
from irods.meta import AVUOperation, iRODSMeta

from tests.acceptance.conftest import Site
from tests.acceptance.people import Person
from tests.support.appliances import descriptor_of, ova
from tests.support.clients import PythonClient, Refused

JUMBO = "'jumbo' does not fit, uint16 is a whole number from 576 to 65535"


@pytest.fixture
def strict(site: Site, component: str, client: PythonClient) -> str:
    """grid01/comp01, on a grid that is strict."""
    client.set(f"{site.home}/grid01", "ova_options", "strict")
    return component


def values(client: PythonClient, collection: str, attribute: str) -> list[str]:
    return sorted(avu.value for avu in client.metadata(collection).get_all(attribute))


def test_a_value_that_does_not_fit_is_not_stored(site: Site, strict: str, client: PythonClient) -> None:
    client.set(strict, "mtu", "9000")
    with pytest.raises(Refused, match=JUMBO):
        client.set(strict, "mtu", "jumbo")
    with pytest.raises(CAT_NO_ACCESS_PERMISSION):
        client.metadata(strict).add("mtu", "jumbo")
    assert values(client, strict, "mtu") == ["9000"]
    assert site.facts()["ova::status"] == "ready"
    assert client.ready(strict).values["host.mtu"] == "9000"


def test_the_words_are_those_of_the_message(site: Site, component: str, client: PythonClient) -> None:
    client.set(component, "mtu", "jumbo")
    message = site.facts()["ova::message"]
    client.set(component, "mtu", "9000")
    client.set(component, "ova_options", "strict")
    with pytest.raises(Refused) as refused:
        client.set(component, "mtu", "jumbo")
    assert message in str(refused.value)


def test_neither_on_the_collection_that_says_so(site: Site, strict: str, client: PythonClient) -> None:
    with pytest.raises(Refused, match=rf"AVU mtu of {site.home}/grid01: .*does not fit"):
        client.set(f"{site.home}/grid01", "mtu", "jumbo")
    assert values(client, f"{site.home}/grid01", "mtu") == []


def test_nor_in_one_request_of_several(strict: str, client: PythonClient) -> None:
    with pytest.raises(CAT_NO_ACCESS_PERMISSION, match="does not fit"):
        client.metadata(strict).apply_atomic_operations(
            AVUOperation(operation="add", avu=iRODSMeta("hostname", "sg12")),
            AVUOperation(operation="add", avu=iRODSMeta("mtu", "jumbo")),
        )
    assert values(client, strict, "hostname") == []


def test_a_value_may_be_replaced_in_one_request(site: Site, strict: str, client: PythonClient) -> None:
    client.metadata(strict).add("mtu", "9000")
    client.metadata(strict).apply_atomic_operations(
        AVUOperation(operation="remove", avu=iRODSMeta("mtu", "9000")),
        AVUOperation(operation="add", avu=iRODSMeta("mtu", "1400")),
    )
    assert client.ready(strict).values["host.mtu"] == "1400"
    with pytest.raises(CAT_NO_ACCESS_PERMISSION, match=r"two values for the property host\.mtu"):
        client.metadata(strict).add("mtu", "9000")


def test_a_reference_that_leads_nowhere_is_refused(strict: str, client: PythonClient) -> None:
    with pytest.raises(Refused, match="has no AVU hostname"):
        client.set(strict, "hostname", "${comp07:hostname}")


def test_an_image_that_the_values_do_not_fit_is_refused(site: Site, strict: str, client: PythonClient) -> None:
    client.set(strict, "hostname", "sg12")
    narrow = '<ovf:ProductSection ovf:class="host"><ovf:Info/><ovf:Property ovf:key="hostname" ovf:type="uint8" '
    narrow += 'ovf:userConfigurable="true" ovf:value="1"/></ovf:ProductSection>'
    client.put(ova(descriptor=descriptor_of(narrow)), f"{site.home}/images/narrow.ova")
    with pytest.raises(Refused, match="uint8 is a whole number"):
        client.set(strict, "ova_url", f"{site.home}/images/narrow.ova")
    assert values(client, strict, "ova_url") == [site.source]


def test_what_is_wrong_already_stops_nothing_else(site: Site, component: str, client: PythonClient) -> None:
    client.set(component, "mtu", "jumbo")
    client.set(component, "ova_options", "strict")
    client.set(component, "hostname", "sg12")
    client.set(component, "mtu", "9000")
    assert client.ready(component).values["host.hostname"] == "sg12"


def test_a_moved_grid_stays_strict(site: Site, strict: str, client: PythonClient) -> None:
    site.session.collections.move(f"{site.home}/grid01", f"{site.home}/grid02")
    with pytest.raises(Refused, match=JUMBO):
        client.set(f"{site.home}/grid02/comp01", "mtu", "jumbo")


def test_without_the_option_values_are_stored_again(site: Site, strict: str, client: PythonClient) -> None:
    client.metadata(f"{site.home}/grid01").remove("ova_options", "strict")
    client.set(strict, "mtu", "jumbo")
    assert "does not fit" in site.facts()["ova::message"]


def test_for_whoever_may_not_read_the_image_the_build_decides(
    site: Site, strict: str, client: PythonClient, person: Person
) -> None:
    client.allow("write", strict, person.name)
    client.allow("read", f"{site.home}/grid01", person.name)
    person.client.set(strict, "mtu", "jumbo")
    assert values(client, strict, "mtu") == ["jumbo"]
    with pytest.raises(Refused, match="does not fit"):
        client.ready(strict)
