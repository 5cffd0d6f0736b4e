"""Captures of machines that a libvirt runs: one of the test's own, on a socket in a temporary folder."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ova_tools.cli import main
from tests.support.libvirt import MARKS, Host

MACHINE = """\
<domain type='qemu'><name>{name}</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='q35'>hvm</type></os>
<devices><emulator>/usr/bin/qemu-system-x86_64</emulator>
<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='{disk}'/>
<target dev='vda' bus='virtio'/></disk></devices></domain>
"""


pytestmark = MARKS


@pytest.fixture
def machine(host: Host) -> Iterator[str]:
    """The name of a running machine with a disk of 200 MiB, of which 20 are data."""
    name = f"ova-test-{os.getpid()}"
    disk = host.folder / "disk.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", disk, "200M"], check=True)
    subprocess.run(["qemu-io", "-f", "qcow2", "-c", "write -P 0x42 1M 20M", disk], check=True, capture_output=True)
    (host.folder / "machine.xml").write_text(MACHINE.format(name=name, disk=disk), encoding="utf-8")
    host.virsh("create", str(host.folder / "machine.xml"))
    yield name
    host.virsh("destroy", name)


def test_a_running_machine_is_captured_and_becomes_a_package(
    host: Host, machine: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = host.folder / "captured"
    assert main(["capture", machine, "--connect", host.uri, "-o", str(folder)]) == 0
    printed = capsys.readouterr()
    assert printed.out.splitlines() == [f"{folder}/{machine}.qcow2", f"{folder}/{machine}.xml"]
    assert "disks are as after a power cut" in printed.err
    assert sorted(each.name for each in folder.iterdir()) == [f"{machine}.qcow2", f"{machine}.xml"]
    assert host.virsh("domstate", machine).strip() == "running"
    compared = ["qemu-img", "compare", "-U", str(host.folder / "disk.qcow2"), str(folder / f"{machine}.qcow2")]
    assert subprocess.run(compared, capture_output=True, check=False).returncode == 0
    package = host.folder / "sg12.ova"
    assert main(["compose", "--domain", str(folder / f"{machine}.xml"), "-o", str(package)]) == 0
    assert main(["verify", str(package)]) == 0


def test_a_capture_that_libvirt_refuses_leaves_the_one_before(
    host: Host, machine: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = host.folder / "kept"
    assert main(["capture", machine, "--connect", host.uri, "-o", str(folder)]) == 0
    before = {each.name: each.stat().st_ino for each in folder.iterdir()}
    busy = host.folder / "busy.xml"
    socket = f"{tempfile.gettempdir()}/{machine}.sock"  # which the emulator's account may make
    busy.write_text(f"<domainbackup mode='pull'><server transport='unix' socket='{socket}'/></domainbackup>", "utf-8")
    host.virsh("backup-begin", machine, str(busy))
    capsys.readouterr()
    assert main(["capture", machine, "--connect", host.uri, "-o", str(folder)]) == 1
    assert capsys.readouterr().err.startswith("ova: libvirt: ")
    assert {each.name: each.stat().st_ino for each in folder.iterdir()} == before
    assert "Unbounded" in host.virsh("domjobinfo", machine)  # the other's job goes on
    host.virsh("domjobabort", machine)


def test_an_unknown_machine_is_one_line(host: Host, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["capture", "nobody", "--connect", host.uri, "-o", str(tmp_path)]) == 1
    assert capsys.readouterr().err == "ova: libvirt: failed to get domain 'nobody'\n"
    assert not list(tmp_path.iterdir())
