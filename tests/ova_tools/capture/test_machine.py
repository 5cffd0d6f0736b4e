"""What libvirt is asked for, and the domain XML of a capture; libvirt itself is in test_libvirt."""

from __future__ import annotations

import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest

from ova_tools.capture import machine
from ova_tools.compose.domain import read_domain
from ova_tools.libvirt.virsh import Virsh, VirshError
from ova_tools.records import replace
from tests.ova_tools.compose.domains import disk, domain, nic

CDROM = "<disk type='file' device='cdrom'><target dev='sda' bus='sata'/></disk>"
BACKED = (
    "<disk type='block' device='disk'><driver name='qemu' type='raw' cache='none'/><source dev='/dev/vg/b'/>"
    "<backingStore type='file'><format type='raw'/><source file='/base'/></backingStore>"
    "<target dev='vdb' bus='virtio'/></disk>"
)


def captured(xml: bytes) -> machine.Machine:
    return machine.Machine("sg12", xml, read_domain(xml), False)


def test_each_disk_goes_to_a_file_of_its_own_and_nothing_else_is_copied() -> None:
    asked = machine.backup_xml(
        captured(domain(disk() + BACKED + CDROM)), {"vda": Path("/o/it's-vda.qcow2"), "vdb": Path("/o/b.qcow2")}
    )
    disks = ElementTree.fromstring(asked).findall("disks/disk")
    files = {each.get("name"): [place.get("file") for place in each.findall("target")] for each in disks}
    assert files == {"vda": ["/o/it's-vda.qcow2"], "vdb": ["/o/b.qcow2"], "sda": []}
    assert {each.get("name"): each.get("backup") for each in disks} == {"vda": None, "vdb": None, "sda": "no"}


def test_the_captured_machine_is_the_same_but_for_its_files() -> None:
    xml = domain(disk(format="raw") + BACKED + CDROM + nic())
    before, after = read_domain(xml), read_domain(machine.with_disks(xml, {"vda": "a.qcow2", "vdb": "b.qcow2"}))
    assert [(each.target, each.bus, each.format) for each in after.disks] == [
        ("vda", "virtio", "qcow2"),
        ("vdb", "virtio", "qcow2"),
    ]
    assert [Path(each.source).name for each in after.disks] == ["a.qcow2", "b.qcow2"]
    assert replace(after, disks=()) == replace(before, disks=())
    assert b"backingStore" not in machine.with_disks(xml, {"vda": "a.qcow2", "vdb": "b.qcow2"})


def test_without_virsh_one_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(VirshError, match=r"virsh is not installed here \(Debian: libvirt-clients\)"):
        Virsh()("list")


# What virsh prints, seen with libvirt 9.0.
RUNNING = "Job type:         Unbounded   \nFile processed:   1.500 MiB\nFile total:       4.000 MiB\n"
NONE = "Job type:         None        \n\n"


@pytest.mark.parametrize(
    ("printed", "kind", "done", "total"), [(RUNNING, "Unbounded", 3 << 19, 4 << 20), (NONE, "None", 0, 0)]
)
def test_a_job_is_read(
    printed: str, kind: str, done: int, total: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "virsh"
    program.write_text(f"#!/bin/sh\ncat {tmp_path}/printed\n", encoding="utf-8")
    program.chmod(0o755)
    (tmp_path / "printed").write_text(printed, encoding="utf-8")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    found = Virsh().job("sg12")
    assert (found.kind, found.done, found.total) == (kind, done, total)


def test_a_refusal_is_one_line_with_its_cause(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "virsh"
    program.write_text("#!/bin/sh\nprintf 'error: failed\\nerror: it is away\\n' >&2\nexit 1\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert subprocess.run(["virsh"], capture_output=True, check=False).returncode == 1
    with pytest.raises(VirshError) as refused:
        Virsh()("dumpxml", "--domain", "sg12")
    assert str(refused.value) == "libvirt: it is away"
