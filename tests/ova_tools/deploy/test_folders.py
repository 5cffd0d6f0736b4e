"""What `ova deploy` takes for a machine, and what it refuses before libvirt is asked."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ova_tools.compose.domain import parsed
from ova_tools.deploy.folders import machines_in
from ova_tools.deploy.vocabulary import require_known
from ova_tools.errors import DeployError
from ova_tools.libvirt.domain_xml import Files, Made, domain_xml
from ova_tools.libvirt.machine import Machine, MachineDisk
from ova_tools.libvirt.terms import Nic
from tests.ova_tools.deploy.grids import ZONE, put_machine

pytestmark = pytest.mark.skipif(
    shutil.which("qemu-io") is None, reason="qemu-io is not installed here (Debian: qemu-utils)"
)


def test_the_machines_of_a_grid_are_found(tmp_path: Path) -> None:
    for name in ("sg13", "sg12"):
        put_machine(tmp_path / "grid02", name)
    (tmp_path / "grid02/notes.xml").write_text("<notes/>")
    (tmp_path / "grid02/broken.xml").write_text("<notes")
    found, faults = machines_in([tmp_path / "grid02", tmp_path / "grid02/sg12"])
    assert [(each.name, each.component) for each in found] == [
        ("grid02-sg12", f"{ZONE}/grid02/sg12"),
        ("grid02-sg13", f"{ZONE}/grid02/sg13"),
    ]
    assert faults == []
    folder = tmp_path / "grid02/sg12"
    assert [each.file for each in found[0].disks] == [folder / "sg12.qcow2"]
    assert found[0].seed == folder / "sg12.iso"


def test_a_machine_without_its_files_stops_no_other(tmp_path: Path) -> None:
    for name in ("sg12", "sg13", "sg14"):
        put_machine(tmp_path / "grid02", name)
    (tmp_path / "grid02/sg12/sg12.qcow2").unlink()
    (tmp_path / "grid02/sg14/sg14.iso").unlink()
    (tmp_path / "grid02/sg14/sg14.iso").symlink_to("/etc/passwd")
    found, faults = machines_in([tmp_path])
    assert [each.name for each in found] == ["grid02-sg13"]
    assert [text.partition(": ")[2] for text in faults] == [
        "sg12.qcow2 is not beside it; get the whole collection again (iget -r)",
        "sg14.iso is not beside it; get the whole collection again (iget -r)",
    ]


def test_a_folder_without_machines_is_said(tmp_path: Path) -> None:
    with pytest.raises(DeployError, match="has no machine; the server makes their files where ova_forms says libvirt"):
        machines_in([tmp_path])
    with pytest.raises(DeployError, match="is no folder here"):
        machines_in([tmp_path / "away"])


def test_two_grids_with_machines_of_one_name(tmp_path: Path) -> None:
    put_machine(tmp_path / "a/grid")
    other = put_machine(tmp_path / "b/grid")
    other.write_text(other.read_text().replace(f"{ZONE}/grid", f"{ZONE}/other/grid"))
    found, faults = machines_in([tmp_path])
    assert found == []  # which of them is meant?
    (fault,) = faults
    assert "it has the name grid-sg12, and so has" in fault


@pytest.mark.parametrize(("folder", "name"), [("evil", "sg12"), ("grid02/sg13", "sg12"), ("grid02", "other")])
def test_a_file_counts_only_where_iget_brings_it(tmp_path: Path, folder: str, name: str) -> None:
    put_machine(tmp_path / "grid02")
    place = tmp_path / "brought" / folder / name
    place.parent.mkdir(parents=True)
    (tmp_path / "grid02/sg12").rename(place)
    found, faults = machines_in([tmp_path / "brought"])
    assert found == [] and "does not belong in the folder" in faults[0]


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("<devices>", "<devices><emulator>/tmp/mine</emulator>"),
        lambda text: text.replace("<disk type='file'", "<disk type='block'", 1),
        lambda text: text.replace("type='qcow2'", "type='raw'"),
        lambda text: text.replace("<source file=", "<source startupPolicy='optional' file=", 1),
        lambda text: text.replace("<name>grid02-sg12", "<name>../../etc/cron.d/x"),
        lambda text: text.replace("<uuid>", "<uuid>../"),
        lambda text: text.replace("listen='127.0.0.1'", "listen='0.0.0.0'"),
        lambda text: text.replace("<boot dev='hd'/>", "<kernel>/etc/shadow</kernel>"),
        lambda text: text.replace(
            "<devices>", "<devices><filesystem type='mount'><source dir='/'/><target dir='x'/></filesystem>"
        ),
        lambda text: text.replace("<domain type='kvm'>", "<domain type='lxc'>"),
        lambda text: text.replace(
            "</domain>",
            "<q:commandline xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'><q:arg value='-x'/></q:commandline>"
            "</domain>",
        ),
        lambda text: text.replace("<console type='pty'/>", "<console type='file'><source path='/etc/x'/></console>"),
        lambda text: "<!DOCTYPE domain [<!ENTITY x 'y'>]>" + text,
        lambda text: text.replace("<memory", "<metadata/><memory", 1),
        lambda text: text.replace("target='vda'", "target='../../x'").replace("dev='vda'", "dev='../../x'"),
    ],
)
def test_nothing_is_defined_that_the_server_does_not_write(tmp_path: Path, change: Callable[[str], str]) -> None:
    path = put_machine(tmp_path / "grid02")
    text = path.read_text()
    path.write_text(change(text))
    assert path.read_text() != text
    found, faults = machines_in([tmp_path])
    assert found == [] and len(faults) == 1
    path.write_text(text)
    assert machines_in([tmp_path])[1] == []


_NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=20)
_NICS = st.builds(
    Nic, st.just("52:54:00:12:34:56"), _NAMES, st.sampled_from(["virtio", "e1000", "e1000e", "vmxnet3", "pcnet"])
)


@st.composite
def machines(draw: st.DrawFn) -> Machine:
    kinds = draw(st.lists(st.sampled_from(["virtio", "scsi", "sata"]), min_size=1, max_size=4))
    prefixes = {"virtio": "vd", "scsi": "sd", "sata": "sd"}
    disks = tuple(
        MachineDisk(
            f"{prefixes[bus]}{'abcd'[number]}",
            bus,
            "f",
            "vmdk",
            1 << 20,
            draw(st.sampled_from(["lsisas1068", "virtio-scsi"])) if bus == "scsi" else "",
        )
        for number, bus in enumerate(kinds)
    )
    firmware = draw(st.sampled_from(["bios", "efi"]))
    cores = draw(st.integers(1, 4))
    nics = tuple(draw(st.lists(_NICS, max_size=3)))
    secure = firmware == "efi" and draw(st.booleans())
    return Machine(draw(_NAMES), 4 * cores, cores, 64 << 20, firmware, secure, nics, draw(st.booleans()), (), disks)


@settings(max_examples=200, deadline=None)
@given(machine=machines(), name=_NAMES)
def test_all_that_the_server_writes_is_known(machine: Machine, name: str) -> None:
    places = {disk.target: f"/images/{name}/{disk.target}.qcow2" for disk in machine.disks}
    contents = {disk.target: "0" * 32 for disk in machine.disks}
    made = Made("f224ecbe-6edd-5772-906f-160705ec5905", f"/zone/{name}", contents)
    networks = {nic.network: "br0" for nic in machine.nics[:1]}
    text = domain_xml(machine, name, Files(places, "/images/seed.iso"), (), networks, made)
    require_known(parsed(text.encode()))
