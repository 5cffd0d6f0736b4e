"""A captured machine becomes an image in the repository: by its domain XML, its disks and `ova_capture`."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.acceptance.conftest import Site
from tests.acceptance.people import Person
from tests.ova_tools.compose.domains import disk, domain, nic
from tests.support.appliances import read
from tests.support.clients import PythonClient, Refused
from tests.support.waiting import until

pytestmark = pytest.mark.skipif(
    shutil.which("qemu-img") is None, reason="qemu-img is not installed here (Debian: qemu-utils)"
)

XML = domain(disk(source="/var/lib/libvirt/images/sg12.qcow2") + nic())


def qcow2(folder: Path, pattern: str = "0x42", *options: str) -> bytes:
    """An image of a disk of 64 MiB with 4 MiB of data."""
    path = folder / "disk.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", *options, path, "64M"], check=True)
    subprocess.run(["qemu-io", "-f", "qcow2", "-c", f"write -P {pattern} 1M 4M", path], check=True, capture_output=True)
    return path.read_bytes()


@pytest.fixture
def captured(site: Site, client: PythonClient) -> str:
    """An empty collection for a captured machine."""
    client.make(f"{site.home}/captured/sg12")
    return f"{site.home}/captured/sg12"


def outcome(client: PythonClient, collection: str, status: str) -> dict[str, str]:
    """The facts of a collection with a captured machine, as soon as it has that status."""
    until(lambda: client.facts(collection).get("ova::status") == status, f"{collection} is not {status}")
    return client.facts(collection)


def failed(client: PythonClient, collection: str, text: str) -> None:
    until(lambda: text in client.facts(collection).get("ova::message", ""), f"{collection} does not say: {text}")
    assert client.facts(collection)["ova::status"] == "failed"


def test_a_captured_machine_becomes_an_image_that_components_use(
    site: Site, client: PythonClient, captured: str, tmp_path: Path
) -> None:
    client.put(XML, f"{captured}/sg12.xml")
    client.put(qcow2(tmp_path), f"{captured}/sg12.qcow2")
    client.set(captured, "ova_capture", "yes")
    assert "ova::progress" not in outcome(client, captured, "ready")
    image = f"{captured}/sg12.ova"
    assert read(client.get(image)).whole
    until(lambda: client.package(image) == "valid", "the image is not checked")
    component = client.component(f"{site.home}/grid01/comp01", image, hostname="sg17")
    assert "sg17" in client.ready(component).values.values(), client.ready(component).values

    client.put(qcow2(tmp_path, "0x43"), f"{captured}/sg12.qcow2")  # a new version of the disk
    before = client.ready(component).members["sg12-disk1.vmdk"]
    until(
        lambda: (
            client.facts(component)["ova::status"] == "ready"
            and client.ready(component).members["sg12-disk1.vmdk"] != before
        ),
        "the component does not follow",
    )
    assert client.ready(component).whole and read(client.get(image)).whole


def test_parts_may_come_in_any_order_and_what_is_missing_is_said(
    client: PythonClient, captured: str, tmp_path: Path
) -> None:
    client.set(captured, "ova_capture", "yes")
    failed(client, captured, "one domain XML (NAME.xml, from virsh dumpxml) is right; it has none yet")
    client.put(XML, f"{captured}/sg12.xml")
    failed(client, captured, "its disk vda is sg12.qcow2, which is not beside it yet")
    client.put(qcow2(tmp_path), f"{captured}/sg12.qcow2")
    outcome(client, captured, "ready")
    assert read(client.get(f"{captured}/sg12.ova")).whole
    client.put(XML, f"{captured}/other.xml")
    failed(client, captured, "it has other.xml, sg12.xml")
    assert read(client.get(f"{captured}/sg12.ova")).whole


def test_the_same_files_are_composed_once(client: PythonClient, captured: str, tmp_path: Path) -> None:
    client.put(XML, f"{captured}/sg12.xml")
    client.put(qcow2(tmp_path), f"{captured}/sg12.qcow2")
    client.set(captured, "ova_capture", "yes")
    outcome(client, captured, "ready")
    until(lambda: not client.jobs(), "the queue is not empty")
    before = client.get(f"{captured}/sg12.ova")
    modified = client.session.data_objects.get(f"{captured}/sg12.ova").modify_time
    client.set(captured, "ova_capture", "yes")
    until(lambda: not client.jobs(), "the queue is not empty")
    assert client.facts(captured)["ova::status"] == "ready"
    assert client.session.data_objects.get(f"{captured}/sg12.ova").modify_time == modified
    assert client.get(f"{captured}/sg12.ova") == before


@pytest.mark.parametrize(
    ("xml", "options", "said"),
    [
        (
            b"<!DOCTYPE d [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><domain type='kvm'>&x;</domain>",
            (),
            "has a document",
        ),
        (XML.replace(b"type='kvm'", b"type='xen'", 1), (), "it is a domain of type xen"),
        (domain(nic()), (), "it has no disk that could be carried"),
        (domain(disk() + disk()), (), "vda"),
        (XML, ("-F", "raw", "-b", "/etc/passwd"), "has a backing file"),
        (XML, ("-o", "data_file=/tmp/ova-test-data.raw"), "keeps its data in another file"),
        (XML.replace(b"type='qcow2'", b"type='vmdk'"), (), "is no image of the format vmdk"),
    ],
)
def test_what_is_refused(
    client: PythonClient, captured: str, tmp_path: Path, xml: bytes, options: tuple[str, ...], said: str
) -> None:
    client.put(xml, f"{captured}/sg12.xml")
    command = ["qemu-img", "create", "-q", "-f", "qcow2", *options, str(tmp_path / "d.qcow2"), "64M"]
    subprocess.run(command, check=True)
    Path("/tmp/ova-test-data.raw").unlink(missing_ok=True)
    client.put((tmp_path / "d.qcow2").read_bytes(), f"{captured}/sg12.qcow2")
    client.set(captured, "ova_capture", "yes")
    failed(client, captured, said)
    assert not client.session.data_objects.exists(f"{captured}/sg12.ova")


def test_a_disk_cut_short_keeps_the_last_image(client: PythonClient, captured: str, tmp_path: Path) -> None:
    client.put(XML, f"{captured}/sg12.xml")
    whole = qcow2(tmp_path)
    client.put(whole, f"{captured}/sg12.qcow2")
    client.set(captured, "ova_capture", "yes")
    outcome(client, captured, "ready")
    before = client.get(f"{captured}/sg12.ova")
    client.put(whole[: len(whole) // 2], f"{captured}/sg12.qcow2")
    failed(client, captured, "is damaged or cut short")
    assert client.get(f"{captured}/sg12.ova") == before
    client.put(whole, f"{captured}/sg12.qcow2")
    outcome(client, captured, "ready")


def test_an_image_that_a_user_has_put_there_stays(client: PythonClient, captured: str, tmp_path: Path) -> None:
    client.put(b"mine", f"{captured}/sg12.ova")
    client.put(XML, f"{captured}/sg12.xml")
    client.put(qcow2(tmp_path), f"{captured}/sg12.qcow2")
    client.set(captured, "ova_capture", "yes")
    failed(client, captured, "was not made by the server, so it stays as it is")
    assert client.get(f"{captured}/sg12.ova") == b"mine"


def test_no_power_beyond_that_of_the_user(
    site: Site, client: PythonClient, captured: str, person: Person, tmp_path: Path
) -> None:
    """A disk that the user may not read is not captured for them, and one who may not write there makes nothing."""
    client.put(XML, f"{captured}/sg12.xml")
    client.put(qcow2(tmp_path), f"{captured}/sg12.qcow2")
    for path in (site.home, f"{site.home}/captured"):
        site.allow("read", path, person.name)
    site.allow("own", captured, person.name)
    site.allow("read", f"{captured}/sg12.xml", person.name)
    person.client.set(captured, "ova_capture", "yes")
    until(lambda: client.facts(captured).get("ova::status") == "failed", "nothing was said")
    assert not client.session.data_objects.exists(f"{captured}/sg12.ova")
    site.allow("read", f"{captured}/sg12.qcow2", person.name)
    person.client.set(captured, "ova_capture", "yes")
    outcome(client, captured, "ready")
    client.allow("own", f"{captured}/sg12.ova", site.session.username, admin=True)  # so that it can be removed


def test_a_component_is_no_capture_and_words_are_checked(site: Site, client: PythonClient, captured: str) -> None:
    with pytest.raises(Refused, match="yes or no is right"):
        client.set(captured, "ova_capture", "true")
    client.set(captured, "ova_url", f"{site.home}/images/none.ova")
    client.set(captured, "ova_capture", "yes")
    until(lambda: not client.jobs(), "the queue is not empty")
    assert "is for a collection without ova_url" in client.facts(captured)["ova::message"]


def test_a_renamed_collection_keeps_its_image_as_the_servers(
    site: Site, client: PythonClient, captured: str, tmp_path: Path
) -> None:
    client.put(XML, f"{captured}/sg12.xml")
    client.put(qcow2(tmp_path), f"{captured}/sg12.qcow2")
    client.set(captured, "ova_capture", "yes")
    outcome(client, captured, "ready")
    renamed = f"{site.home}/captured/sg77"
    client.session.collections.move(captured, renamed)
    known, before = client.facts(renamed)["ova::captured"], client.get(f"{renamed}/sg12.ova")
    client.put(qcow2(tmp_path, "0x43"), f"{renamed}/sg12.qcow2")
    until(lambda: client.facts(renamed).get("ova::captured") not in (None, known), "the image is not made anew")
    outcome(client, renamed, "ready")
    assert read(client.get(f"{renamed}/sg12.ova")).whole
    assert client.get(f"{renamed}/sg12.ova") != before
