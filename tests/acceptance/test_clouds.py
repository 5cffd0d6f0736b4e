"""What libvirt, OpenStack and Proxmox take instead of an OVA: disks, domain, image document, commands."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from irods.exception import iRODSException

from ova_tools.cli import main
from tests.acceptance.conftest import Site
from tests.acceptance.people import Person
from tests.ova_tools.compose.domains import disk, domain, nic
from tests.support.appliances import manifest_of, ova, read, tar_of
from tests.support.clients import PythonClient, Refused
from tests.support.waiting import until
from tests.support.zones import Place, embedded_zone, rule_folder

pytestmark = pytest.mark.skipif(
    shutil.which("qemu-img") is None, reason="qemu-img is not installed here (Debian: qemu-utils)"
)


@pytest.fixture(scope="session")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The disk of a machine."""
    path = tmp_path_factory.mktemp("disks") / "vda.raw"
    path.write_bytes(b"begins" * 10_000 + bytes(4 << 20) + b"ends")
    with path.open("r+b") as file:
        file.truncate(-(-path.stat().st_size // 512) * 512)
    return path


@pytest.fixture(scope="session")
def image(raw: Path) -> bytes:
    """An image of a machine with a disk and two network interfaces, as `ova compose` makes it."""
    devices = disk(format="raw", source=str(raw)) + nic() + nic("52:54:00:00:00:02", "VM Network")
    (raw.parent / "sg12.xml").write_bytes(domain(devices))
    assert main(["compose", "--domain", str(raw.parent / "sg12.xml"), "-o", str(raw.parent / "sg12.ova")]) == 0
    return (raw.parent / "sg12.ova").read_bytes()


@pytest.fixture
def component(site: Site, client: PythonClient, image: bytes) -> str:
    """grid01/comp01 of that image, ready."""
    client.make(f"{site.home}/images")
    client.put(image, site.source)
    return client.component(site.component, site.source)


def built(client: PythonClient, component: str) -> dict[str, str]:
    """The facts of a component when no job works on it any more."""

    until(lambda: client.facts(component)["ova::status"] in ("ready", "failed"), f"{component} is not built")
    return client.facts(component)


def notes(client: PythonClient, component: str) -> list[str]:
    return sorted(avu.value for avu in client.metadata(component).get_all("ova::note"))


def forms(client: PythonClient, component: str) -> dict[str, str]:
    return {avu.value: avu.units for avu in client.metadata(component).get_all("ova::form")}


def is_same(qcow2: bytes, raw: Path, folder: Path) -> bool:
    (folder / "got.qcow2").write_bytes(qcow2)
    command = ["qemu-img", "compare", "-f", "qcow2", "-F", "raw", str(folder / "got.qcow2"), str(raw)]
    return subprocess.run(command, capture_output=True).returncode == 0


def config_in(user_data: bytes) -> Any:
    """The cloud-config of the server's own part of user data."""
    parts = message_from_bytes(user_data).get_payload()
    assert isinstance(parts, list) and isinstance(parts[0], Message)
    text = parts[0].get_payload(decode=True)
    assert isinstance(text, bytes)
    return json.loads(text.removeprefix(b"#cloud-config\n"))


def macs_in(domain_xml: bytes) -> list[str]:
    return [each.attrib["address"] for each in ElementTree.fromstring(domain_xml).iter("mac")]


# ---- libvirt ---------------------------------------------------------------------------------------------------------


def test_a_component_becomes_a_domain(
    site: Site, component: str, client: PythonClient, raw: Path, tmp_path: Path
) -> None:
    client.set(f"{site.home}/grid01", "ova_networks", "VM Network=br0")
    client.set(component, "ova_forms", "libvirt")
    assert built(client, component)["ova::status"] == "ready"
    assert forms(client, component) == {
        "comp01.iso": "seed:ovf",
        "comp01.qcow2": "disk",
        "comp01.xml": "libvirt",
    }
    assert is_same(client.get(f"{component}/comp01.qcow2"), raw, tmp_path)
    text = client.get(f"{component}/comp01.xml")
    (tmp_path / "comp01.xml").write_bytes(text)
    if shutil.which("virt-xml-validate"):
        subprocess.run(["virt-xml-validate", str(tmp_path / "comp01.xml"), "domain"], check=True, capture_output=True)
    root = ElementTree.fromstring(text)
    assert root.findtext("name") == "grid01-comp01"
    sources = [each.attrib["file"] for each in root.iter("source") if "file" in each.attrib]
    folder = "/var/lib/libvirt/images/grid01/comp01"
    iso = f"{folder}/comp01.iso"
    assert sources == [f"{folder}/comp01.qcow2", iso, iso]  # on SATA, and on virtio for kernels without SATA
    networks = [each.attrib for each in root.iter("source") if "file" not in each.attrib]
    assert networks == [{"network": "default"}, {"bridge": "br0"}]
    told = {avu.units: avu.value for avu in client.metadata(component).get_all("ova::mac")}
    assert macs_in(text) == [told["0"], told["1"]]
    assert client.ready(component).whole


def test_an_avu_changes_what_follows_from_it_and_never_a_disk(component: str, client: PythonClient) -> None:
    client.set(component, "ova_forms", "libvirt")
    built(client, component)
    before = {name: client.session.data_objects.get(f"{component}/{name}").modify_time for name in ("comp01.qcow2",)}
    first = client.get(f"{component}/comp01.xml")
    client.set(component, "hostname", "sg17")
    assert client.facts(component)["ova::status"] == "ready"  # at once: nothing waits in the delay queue
    client.set(component, "ova_networks", "default=network:isolated VM Network=br1")
    assert client.facts(component)["ova::status"] == "ready"
    text = client.get(f"{component}/comp01.xml")
    assert b'network="isolated"' in text and b'bridge="br1"' in text and b"isolated" not in first
    assert macs_in(text) == macs_in(first)
    uuid = ElementTree.fromstring(first).findtext("uuid")
    assert ElementTree.fromstring(text).findtext("uuid") == uuid
    assert client.session.data_objects.get(f"{component}/comp01.qcow2").modify_time == before["comp01.qcow2"]
    client.set(component, "mac", "52:54:00:aa:bb:cc")
    assert macs_in(client.get(f"{component}/comp01.xml"))[0] == "52:54:00:aa:bb:cc"


def test_machines_of_one_image_have_macs_of_their_own(site: Site, component: str, client: PythonClient) -> None:
    client.set(f"{site.home}/grid01", "ova_forms", "libvirt")
    other = client.component(f"{site.home}/grid01/comp02", site.source)
    texts = []
    for each in (component, other):
        assert built(client, each)["ova::status"] == "ready"
        texts.append(client.get(f"{each}/{each[-6:]}.xml"))
    assert set(macs_in(texts[0])).isdisjoint(macs_in(texts[1]))


@pytest.mark.parametrize(
    ("attribute", "value", "said"),
    [
        ("ova_networks", "br0", "'br0' is not NETWORK=BRIDGE"),
        ("ova_networks", "VM Network=br0 x", "'x' is not NETWORK=BRIDGE"),
        ("ova_networks", "VM Network=br0'/><x a='", "is not NETWORK=BRIDGE"),
        ("ova_networks", "=br0", "is not NETWORK=BRIDGE"),
        ("ova_forms", "libvrt", "did you mean libvirt?"),
    ],
)
def test_a_wrong_control_is_refused(
    component: str, client: PythonClient, attribute: str, value: str, said: str
) -> None:
    with pytest.raises(Refused, match=re.escape(said)):
        client.set(component, attribute, value)


# ---- one conversion --------------------------------------------------------------------------------------------------


@pytest.fixture
def conversions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """How many conversions the zones that are made from now on have begun: qemu-img is the real one, counted."""
    real, log, place = shutil.which("qemu-img"), tmp_path / "converted", tmp_path / "bin"
    place.mkdir()
    (place / "qemu-img").write_text(f'#!/bin/sh\n[ "$1" = convert ] && echo x >>{log}\nexec {real} "$@"\n')
    (place / "qemu-img").chmod(0o755)
    monkeypatch.setenv("PATH", f"{place}:{os.environ['PATH']}")
    return lambda: log.read_text().count("x") if log.exists() else 0


def test_a_disk_is_converted_once_for_each_version_of_its_source(
    tmp_path: Path, image: bytes, raw: Path, conversions: Callable[[], int]
) -> None:
    with embedded_zone(tmp_path / "zone", rule_folder(tmp_path / "etc")) as zone:
        place = Place(zone, image, 12)
        place.client.set(place.grid, "ova_forms", "libvirt")
        for component in place.components:
            assert built(place.client, component)["ova::status"] == "ready"
        assert conversions() == 1
        for component in place.components[:4]:
            place.client.set(component, "hostname", "sg17")
            assert place.status(component) == "ready"
        place.client.set(place.components[0], "ova_forms", "seed")  # the first one goes, and the others have it still
        late = place.component("grid01/late")
        assert built(place.client, late)["ova::status"] == "ready"
        assert conversions() == 1
        assert is_same(place.client.get(f"{late}/late.qcow2"), raw, tmp_path)
        first = place.client.session.collections.get(place.components[0])
        assert "comp00.qcow2" not in {each.name for each in first.data_objects}
        place.client.put(image, place.source)  # a new version, though with the same bytes
        for component in (*place.components, late):
            assert built(place.client, component)["ova::status"] == "ready"
        assert conversions() == 2


def test_without_qemu_img_the_ready_ova_and_its_seed_are_made(
    tmp_path: Path, image: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "bin"
    place.mkdir()
    with monkeypatch.context() as changed:
        changed.setenv("PATH", str(place))
        with embedded_zone(tmp_path / "zone", rule_folder(tmp_path / "etc")) as zone:
            here = Place(zone, image)
            component = here.component("grid01/comp01", ova_forms="libvirt")
            assert here.status(component) == "ready"  # at once
            assert any("qemu-img is not installed here" in text for text in notes(here.client, component))
            assert here.client.ready(component).whole and here.client.get(f"{component}/comp01.iso")
            (place / "qemu-img").symlink_to(str(shutil.which("qemu-img", path=os.defpath)))  # now it is
            here.client.set(component, "hostname", "sg17")
            assert built(here.client, component)["ova::status"] == "ready"
            assert notes(here.client, component) == []
            assert here.client.get(f"{component}/comp01.qcow2")[:4] == b"QFI\xfb"


# ---- what cannot be made ---------------------------------------------------------------------------------------------


def damaged(image: bytes) -> bytes:
    """The same image with a disk that is none, and a manifest that is right."""
    members = read(image).members
    name = next(name for name in members if name.endswith(".vmdk"))
    descriptor = next(name for name in members if name.endswith(".ovf"))
    text, junk = members[descriptor], b"KDMV" + b"junk" * 1000
    text = text.replace(str(len(members[name])).encode(), str(len(junk)).encode())
    return tar_of({descriptor: text, "sg12.mf": manifest_of({descriptor: text, name: junk}), name: junk})


def test_a_disk_that_cannot_be_converted_does_not_take_the_ready_ova_with_it(
    site: Site, component: str, client: PythonClient, image: bytes
) -> None:
    client.set(component, "ova_forms", "libvirt openstack")
    built(client, component)
    client.put(damaged(image), site.source)
    assert built(client, component)["ova::status"] == "ready"
    client.set(component, "hostname", "sg17")
    assert client.ready(component).whole
    assert "comp01.iso" in forms(client, component) and "comp01.qcow2" not in forms(client, component)
    said = notes(client, component)
    assert any(text.startswith("comp01.qcow2: sg12-disk1.vmdk cannot be read") for text in said), said
    assert any(text == "comp01.xml: is of no use without comp01.qcow2" for text in said), said
    for name in (
        "comp01.qcow2",
        "comp01.xml",
        "comp01.image.json",
    ):  # the last good one is there, and is not handed out
        with pytest.raises(Refused, match=f"{component}/{name}: .*(cannot be read|no use)"):
            client.get(f"{component}/{name}")
    client.put(image, site.source)
    assert built(client, component)["ova::status"] == "ready"
    assert [text for text in notes(client, component) if "comp01" in text] == []
    assert client.get(f"{component}/comp01.xml")


def test_an_image_without_hardware_gives_no_machine(site: Site, component: str, client: PythonClient) -> None:
    client.put(ova(), f"{site.home}/images/plain.ova")
    other = client.component(f"{site.home}/grid01/comp02", f"{site.home}/images/plain.ova")
    client.set(other, "ova_forms", "libvirt")
    assert client.facts(other)["ova::status"] == "ready"  # at once
    assert "comp02.xml: the virtual system vm has no virtual hardware" in notes(client, other)
    assert client.ready(other).whole


def test_what_a_user_has_put_there_stays(site: Site, client: PythonClient, image: bytes) -> None:
    client.make(f"{site.home}/images")
    client.put(image, site.source)
    client.make(site.component)
    client.put(b"<mine/>", f"{site.component}/comp01.xml")
    client.component(site.component, site.source, ova_forms="libvirt")
    assert built(client, site.component)["ova::status"] == "ready"
    assert client.get(f"{site.component}/comp01.xml") == b"<mine/>"
    (said,) = notes(client, site.component)
    assert said.startswith("comp01.xml: ") and "was not made by the server, so it stays as it is" in said
    assert client.ready(site.component).whole
    client.put(b"<mine again/>", f"{site.component}/comp01.xml")
    client.unlink(f"{site.component}/comp01.xml")
    client.set(site.component, "hostname", "sg17")
    assert built(client, site.component)["ova::status"] == "ready"
    assert b"<uuid>" in client.get(f"{site.component}/comp01.xml")


def test_nobody_else_writes_a_form(component: str, client: PythonClient) -> None:
    client.set(component, "ova_forms", "libvirt openstack proxmox")
    built(client, component)
    for name in forms(client, component):
        with pytest.raises(iRODSException, match="is made by the server"):
            client.put(b"mine", f"{component}/{name}")


def test_forms_are_guarded_like_the_ready_ova(site: Site, component: str, client: PythonClient, person: Person) -> None:
    """A reader who may not know a value gets no form that holds it."""
    secret = f"{site.home}/secret"
    client.make(secret)
    client.set(secret, "hostname", "sg99")
    client.set(component, "ova_forms", "libvirt openstack")
    client.set(component, "hostname", f"${{{secret}:hostname}}")
    built(client, component)
    assert config_in(client.get(f"{component}/comp01.user-data"))["hostname"] == "sg99"
    for path in (site.home, f"{site.home}/grid01", component):
        site.allow("read", path, person.name)
    for name in ("comp01.user-data", "comp01.xml", "comp01.qcow2"):
        site.allow("read", f"{component}/{name}", person.name)
        with pytest.raises(Refused, match=f"{secret} h"):
            person.client.get(f"{component}/{name}")


# ---- other clouds ----------------------------------------------------------------------------------------------------


def test_openstack_gets_a_document_and_user_data(component: str, client: PythonClient) -> None:
    client.set(component, "ova_forms", "openstack")
    client.set(component, "hostname", "sg12")
    built(client, component)
    assert forms(client, component) == {
        "comp01.image.json": "openstack",
        "comp01.qcow2": "disk",
        "comp01.user-data": "openstack",
    }
    document = json.loads(client.get(f"{component}/comp01.image.json"))
    assert (document["name"], document["min_ram"], document["hw_disk_bus"]) == ("grid01-comp01", 2048, "virtio")
    assert config_in(client.get(f"{component}/comp01.user-data"))["hostname"] == "sg12"


def test_proxmox_gets_commands(component: str, client: PythonClient, tmp_path: Path) -> None:
    client.set(component, "ova_networks", "VM Network=vmbr7")
    client.set(component, "ova_forms", "proxmox")
    built(client, component)
    folder, place = tmp_path / "comp01", tmp_path / "bin"
    folder.mkdir()
    place.mkdir()
    for name in ("comp01.qm", "comp01.iso"):
        (folder / name).write_bytes(client.get(f"{component}/{name}"))
    (place / "qm").write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >{tmp_path}/said\n')
    (place / "pvesm").write_text(f"#!/bin/sh\necho {tmp_path}/seed.iso\n")
    for each in place.iterdir():
        each.chmod(0o755)
    command = ["sh", str(folder / "comp01.qm"), "112", "local-lvm"]
    subprocess.run(command, check=True, env={"PATH": f"{place}:{os.environ['PATH']}"})
    said = (tmp_path / "said").read_text().splitlines()
    assert said[:2] == ["create", "112"]
    options = dict(zip(said[2::2], said[3::2]))
    assert options["--virtio0"] == f"local-lvm:0,import-from={folder}/comp01.qcow2"
    assert options["--net1"].endswith(",bridge=vmbr7")
    assert (options["--memory"], options["--sockets"]) == ("2048", "2")
    assert options["--ide2"] == "local:iso/grid01-comp01.iso,media=cdrom"
    assert (tmp_path / "seed.iso").read_bytes() == (folder / "comp01.iso").read_bytes()


def test_a_renamed_component_keeps_its_disk(site: Site, component: str, client: PythonClient) -> None:
    client.set(component, "ova_forms", "libvirt")
    built(client, component)
    renamed = f"{site.home}/grid01/comp77"
    client.session.collections.move(component, renamed)
    assert client.facts(renamed)["ova::status"] == "ready"  # at once: nothing is converted
    assert set(forms(client, renamed)) == {"comp77.iso", "comp77.qcow2", "comp77.xml"}
    assert {each.name for each in client.session.collections.get(renamed).data_objects} == {
        "comp77.ova",
        "comp77.iso",
        "comp77.qcow2",
        "comp77.xml",
    }
    assert b"<name>grid01-comp77</name>" in client.get(f"{renamed}/comp77.xml")


def take_from_a_secret(site: Site, client: PythonClient, component: str) -> None:
    """Gives a component a value of a collection that only the administrator may read."""
    secret = f"{site.home}/secret"
    client.make(secret)
    client.set(secret, "hostname", "sg99")
    client.set(component, "hostname", f"${{{secret}:hostname}}")


def test_a_file_of_a_users_own_with_such_a_name_is_theirs(
    site: Site, component: str, client: PythonClient, person: Person
) -> None:
    """Values that a user may not read are no reason to keep them from their own file."""
    take_from_a_secret(site, client, component)
    site.allow("read", site.home, person.name)
    site.allow("read", f"{site.home}/grid01", person.name)
    site.allow("write", component, person.name)
    person.client.put(b"<mine/>", f"{component}/comp01-notes.xml")
    assert person.client.get(f"{component}/comp01-notes.xml") == b"<mine/>"
    person.client.session.data_objects.move(f"{component}/comp01-notes.xml", f"{component}/notes.xml")
    assert person.client.get(f"{component}/notes.xml") == b"<mine/>"
    client.allow("own", f"{component}/notes.xml", site.session.username, admin=True)  # so that it can be removed


def test_a_record_of_many_forms_is_read_back(site: Site, client: PythonClient, raw: Path, tmp_path: Path) -> None:
    """One AVU would be too short for it."""
    disks = "".join(disk(f"vd{letter}", format="raw", source=str(raw)) for letter in "abcdefghijklmnopqrst")
    (tmp_path / "many.xml").write_bytes(domain(disks))
    assert main(["compose", "--domain", str(tmp_path / "many.xml"), "-o", str(tmp_path / "many.ova")]) == 0
    client.make(f"{site.home}/images")
    client.put((tmp_path / "many.ova").read_bytes(), f"{site.home}/images/many.ova")
    component = client.component(f"{site.home}/grid01/comp09", f"{site.home}/images/many.ova", ova_forms="libvirt")
    assert built(client, component)["ova::status"] == "ready"
    assert len(forms(client, component)) == 22
    assert client.get(f"{component}/comp09-vdt.qcow2")[:4] == b"QFI\xfb"
    modified = client.session.data_objects.get(f"{component}/comp09.ova").modify_time
    assert client.ready(component).whole
    assert client.session.data_objects.get(f"{component}/comp09.ova").modify_time == modified
    for avu in client.metadata(component).get_all("ova_forms"):
        client.metadata(component).remove(avu)
    assert {each.name for each in client.session.collections.get(component).data_objects} == {"comp09.ova"}


def test_a_rename_takes_no_form_out_of_its_gate(
    site: Site, component: str, client: PythonClient, person: Person
) -> None:
    take_from_a_secret(site, client, component)
    client.set(component, "ova_forms", "libvirt openstack")
    built(client, component)
    for path in (site.home, f"{site.home}/grid01"):
        site.allow("read", path, person.name)
    site.allow("read", component, person.name, recursive=True)
    client.set(component, "mac", "zz")  # from now on no build succeeds
    client.session.collections.move(component, f"{site.home}/grid01/comp77")
    found = {each.name for each in client.session.collections.get(f"{site.home}/grid01/comp77").data_objects}
    assert found == {f"comp77{ending}" for ending in (".ova", ".iso", ".xml", ".qcow2", ".user-data", ".image.json")}
    for name in found:
        with pytest.raises(Refused):
            person.client.get(f"{site.home}/grid01/comp77/{name}")


def test_a_form_with_a_hidden_task_is_not_moved_out_of_its_gate(
    site: Site, component: str, client: PythonClient, person: Person
) -> None:
    client.make(f"{component}/reset")
    client.put(b"#!/bin/sh\n# secret\n", f"{component}/reset/t1")
    client.set(component, "ova_forms", "libvirt")
    built(client, component)
    for path in (site.home, f"{site.home}/grid01"):
        site.allow("read", path, person.name)
    site.allow("own", component, person.name)
    site.allow("own", f"{component}/comp01.iso", person.name)
    with pytest.raises(iRODSException, match="may not read"):
        person.client.session.data_objects.move(f"{component}/comp01.iso", f"{component}/x.iso")


def test_a_limit_that_was_raised_counts_at_the_next_change(tmp_path: Path, image: bytes) -> None:
    rules = rule_folder(tmp_path / "etc", disk_limit=1_000_000)
    with embedded_zone(tmp_path / "zone", rules) as zone:
        place = Place(zone, image, 1)
        component = place.components[0]
        place.client.set(component, "ova_forms", "libvirt")
        assert place.status(component) == "ready"  # at once
        assert any("the setting disk_limit is 1000000" in text for text in notes(place.client, component))
        settings = json.loads((tmp_path / "etc/ova_rules.json").read_text())
        (tmp_path / "etc/ova_rules.json").write_text(json.dumps({**settings, "disk_limit": 1 << 40}))
        later = PythonClient(zone.session())
        later.set(component, "hostname", "sg17")
        built(later, component)
        assert later.get(f"{component}/comp00.qcow2")[:4] == b"QFI\xfb"


def test_names_that_cannot_be_those_of_a_cloud(site: Site, component: str, client: PythonClient) -> None:
    texts = []
    for name in ("a'b", 'a"b', "x,import-from=local:evil,y"):
        other = client.component(f"{site.home}/grid01/{name}", site.source, ova_forms="libvirt proxmox")
        assert built(client, other)["ova::status"] == "ready"
        texts.append(client.get(f"{other}/{name}.xml"))
    assert len({ElementTree.fromstring(text).findtext("name") for text in texts}) == 3
    assert any("which no name has for Proxmox" in text for text in notes(client, other))
