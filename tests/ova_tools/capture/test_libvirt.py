"""Captures of machines that a libvirt runs: one of the test's own, on a socket in a temporary folder."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ova_tools.cli import main

PROGRAMS = ("libvirtd", "virtlogd", "virsh", "qemu-system-x86_64", "qemu-img", "qemu-io")
MACHINE = """\
<domain type='qemu'><name>{name}</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='q35'>hvm</type></os>
<devices><emulator>/usr/bin/qemu-system-x86_64</emulator>
<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='{disk}'/>
<target dev='vda' bus='virtio'/></disk></devices></domain>
"""


def _missing() -> str:
    """What this host lacks, '' for nothing."""
    programs = [name for name in PROGRAMS if shutil.which(name) is None]
    if programs:
        return f"{', '.join(programs)}: not installed here (libvirt-daemon-system libvirt-clients qemu-system-x86)"
    if os.getuid() != 0:
        return "libvirtd is started as root"
    try:
        pwd.getpwnam("libvirt-qemu")
    except KeyError:
        return "no account libvirt-qemu here (libvirt-daemon-system)"
    return ""


pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("libvirt"),
    pytest.mark.skipif(bool(_missing()), reason=_missing() or "all is here"),
]


class Host:
    """A libvirt, and a folder that its emulator may enter."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.uri = f"qemu:///system?socket={folder}/libvirt-sock"

    def virsh(self, *arguments: str) -> str:
        command = ["virsh", "--quiet", "--connect", self.uri, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=300).stdout


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    folder = Path(tempfile.mkdtemp(prefix="ova-libvirt-"))
    folder.chmod(0o755)
    for place in ("/var/log/libvirt", "/run/libvirt"):
        Path(place).mkdir(parents=True, exist_ok=True)
    found = Host(folder)
    configuration = f'unix_sock_dir = "{folder}"\nauth_unix_ro = "none"\nauth_unix_rw = "none"\n'
    (folder / "libvirtd.conf").write_text(configuration, encoding="utf-8")
    log = (folder / "log").open("wb")
    logger = subprocess.Popen(["virtlogd", "-p", str(folder / "virtlogd.pid")], stdout=log, stderr=log)
    arguments = ["-f", str(folder / "libvirtd.conf"), "-p", str(folder / "libvirtd.pid")]
    daemon = subprocess.Popen(["libvirtd", *arguments], stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 30
        while not (folder / "libvirt-sock").exists():
            assert daemon.poll() is None and time.monotonic() < deadline, (folder / "log").read_text()[-2000:]
            time.sleep(0.05)
        yield found
    finally:
        for process in (daemon, logger):
            process.terminate()
            process.wait(30)
        log.close()
        shutil.rmtree(folder)


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
