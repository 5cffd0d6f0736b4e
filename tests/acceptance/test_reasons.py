"""The text of a refusal is true for everybody, and a refused read changes nothing that others see."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.acceptance.conftest import Site
from tests.acceptance.people import MakePerson, Person
from tests.support.appliances import ova
from tests.support.clients import PythonClient, Refused

OBJECT_RIGHTS = {"nothing on the ready OVA": "null", "only its metadata": "read_metadata"}


@pytest.fixture
def outside() -> Iterator[Path]:
    """A folder outside of the vault that the server can read."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.parametrize("rights", OBJECT_RIGHTS)
def test_who_may_write_the_component_and_not_the_ready_ova_breaks_nothing(
    rights: str, site: Site, component: str, client: PythonClient, person: Person
) -> None:
    """A collection may be another one's to write, and the object in it not even visible."""
    for path in (site.home, f"{site.home}/grid01", f"{site.home}/images", site.source):
        person.may("read", path)
    person.may("write", component)
    client.set(component, "hostname", "sg12")
    person.may(OBJECT_RIGHTS[rights], site.ready)
    before = client.metadata(component).items()
    with pytest.raises(Refused) as refused:
        person.client.get(site.ready)
    assert "status = " not in str(refused.value)
    assert "msi" not in str(refused.value)
    assert {(a.name, a.value, a.units) for a in client.metadata(component).items()} == {
        (a.name, a.value, a.units) for a in before
    }
    assert client.ready(component).values["host.hostname"] == "sg12"


def test_nor_does_a_reader_who_may_build_and_not_read_the_source(
    site: Site, component: str, client: PythonClient, make_person: MakePerson
) -> None:
    """What this reader may not do is no property of the component."""
    reader, uploader = make_person(), make_person()
    for path in (site.home, f"{site.home}/grid01"):
        reader.may("read", path)
    reader.may("own", component, recursive=True)
    for path in (site.home, f"{site.home}/images"):
        uploader.may("read", path)
    uploader.may("write", site.source)
    uploader.client.put(ova(b"another disk" * 999), site.source)  # who may not build what is made from it
    before = site.facts()
    assert before["ova::status"] == "ready"
    with pytest.raises(Refused, match=f"{reader.name} may not read it"):
        reader.client.get(site.ready)
    assert site.facts() == before
    assert client.ready(component).members["disk1.vmdk"] == b"another disk" * 999


def test_an_object_that_nobody_shows_is_left_alone(
    site: Site, component: str, client: PythonClient, person: Person
) -> None:
    """Another one's object in the place of the ready OVA, which this user is not shown."""
    grid = f"{site.home}/grid02"
    client.make(f"{grid}/comp02")
    client.put(b"somebody's only copy", f"{grid}/comp02/comp02.ova")
    for path in (site.home, grid, f"{site.home}/images", site.source):
        person.may("read", path)
    person.may("own", f"{grid}/comp02")
    person.client.set(f"{grid}/comp02", "ova_url", site.source)
    facts = person.facts(f"{grid}/comp02")
    assert facts["ova::status"] == "failed"
    assert f"{grid}/comp02/comp02.ova" in facts["ova::message"]
    assert client.get(f"{grid}/comp02/comp02.ova") == b"somebody's only copy"


@pytest.mark.parametrize("change", ["another size", "gone", "no file"])
def test_a_file_that_was_changed_without_irods_is_said_with_size_and_path(
    change: str, site: Site, client: PythonClient, person: Person, outside: Path
) -> None:
    file = outside / "registered.ova"
    file.write_bytes(ova())
    file.chmod(0o644)
    size = file.stat().st_size
    client.make(f"{site.home}/images")
    site.session.data_objects.register(str(file), site.source)
    client.component(site.component, site.source)
    person.may("read", site.home, recursive=True)
    assert person.client.ready(site.component).whole
    if change == "another size":
        file.write_bytes(ova(b"longer" * 9000))
        wrong = f"its file {file} has {file.stat().st_size} bytes, and iRODS has {size}"
    else:
        file.unlink()
        if change == "no file":
            file.mkdir()
        wrong = f"its file {file} is not there, or cannot be looked at; iRODS has {size} bytes"
    for reader in (client, person.client):  # the owner is not told to do what the owner just did
        with pytest.raises(Refused) as refused:
            reader.get(site.ready)
        assert wrong in str(refused.value)
    assert site.facts()["ova::status"] == "ready"
    client.set(site.component, "hostname", "sg12")
    assert wrong in site.facts()["ova::message"]


def test_the_file_of_a_private_source_is_not_named(
    site: Site, client: PythonClient, person: Person, outside: Path
) -> None:
    file = outside / "private.ova"
    file.write_bytes(ova())
    file.chmod(0o644)
    client.make(f"{site.home}/images")
    site.session.data_objects.register(str(file), site.source)
    client.component(site.component, site.source)
    for path in (site.home, f"{site.home}/grid01", site.component):
        person.may("read", path)
    file.write_bytes(b"shorter")
    client.set(site.component, "hostname", "sg12")
    message = person.facts(site.component)["ova::message"]
    assert "its file has 7 bytes" in message
    assert str(outside) not in message


SPELLINGS = ("irods:{}", "irods://{}", "IRODS:{}", " {} ", "irods:../../images/base.ova", "../../images/./base.ova\t")


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_source_may_be_spelt_as_clients_spell_paths(spelling: str, site: Site, client: PythonClient) -> None:
    """It is found before the source is there, and by a reference, too."""
    client.make(f"{site.home}/images")
    client.make(site.component)
    client.set(site.component, "ova_url", spelling.format(site.source))
    other = client.component(f"{site.home}/grid01/comp02", "${comp01:ova_url}")
    assert site.facts()["ova::status"] == "failed"
    client.put(ova(), site.source)
    for each in (site.component, other):
        client.set(each, "hostname", "sg12")
        assert client.ready(each).values["host.hostname"] == "sg12"
    client.put(ova(b"another disk" * 999), site.source)
    assert client.facts(site.component)["ova::status"] == "ready"
    assert client.ready(other).members["disk1.vmdk"] == b"another disk" * 999


def test_a_relative_path_is_shown_as_what_it_stands_for(site: Site, client: PythonClient) -> None:
    client.component(site.component, "../images/base.ova")
    shown = f"AVU ova_url of {site.component}: ../images/base.ova ({site.home}/grid01/images/base.ova): does not exist"
    assert shown in site.facts()["ova::message"]


@pytest.mark.parametrize("url", ["irods://host/zone/base.ova", "irods://host:1247/zone/base.ova"])
def test_a_server_of_irods_is_no_place_to_download_from(url: str, site: Site, client: PythonClient) -> None:
    client.component(site.component, url)
    assert "the scheme irods is not served" in site.facts()["ova::message"]
