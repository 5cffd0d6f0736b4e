"""`ova deploy` with a libvirt of the tests' own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ova_tools.cli import main
from tests.ova_tools.deploy.grids import put_machine
from tests.support.libvirt import MARKS, Host

pytestmark = MARKS


@pytest.fixture
def grid(host: Host, tmp_path: Path) -> Iterator[Path]:
    """A grid of one machine, sg12; its domain is gone after the test."""
    folder = tmp_path / f"grid{os.getpid()}"
    put_machine(folder)
    yield folder
    host.clear(f"{folder.name}-sg12", f"{folder.name}-sg13")


@pytest.fixture
def images(host: Host) -> Iterator[Path]:
    place = host.folder / "images"
    yield place
    shutil.rmtree(place, ignore_errors=True)


def deploy(host: Host, images: Path, folder: Path, *options: str) -> int:
    return main(["deploy", str(folder), "--connect", host.uri, "--images", str(images), *options])


def pattern_at_1m(disk: Path) -> int:
    command = ["qemu-io", "-U", "-r", "-f", "qcow2", "-c", "read -v 1M 16", str(disk)]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"00100000:\s+([0-9a-f]{2})", shown)
    assert found is not None, shown
    return int(found[1], 16)


def write_to(disk: Path) -> None:
    """As the machine does."""
    command = ["qemu-io", "-f", "qcow2", "-c", "write -P 0x77 8M 1M", str(disk)]
    subprocess.run(command, check=True, capture_output=True)


def test_a_grid_is_deployed_and_follows_its_components(
    host: Host, images: Path, grid: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = f"{grid.name}-sg12"
    assert deploy(host, images, grid, "--dry-run") == 0
    said = capsys.readouterr().out
    assert said.startswith(f"{name}: would be new; 1 disk copied (") and said.endswith("); seed copied; defined\n")
    assert not images.exists() and name not in host.virsh("list", "--all", "--name")

    assert deploy(host, images, grid, "--start") == 0
    assert capsys.readouterr().out.endswith("defined; started\n")
    assert host.virsh("domstate", name).strip() == "running"
    assert pattern_at_1m(images / name / "vda.qcow2") == 0x42
    assert deploy(host, images, grid, "--start") == 0
    assert capsys.readouterr().out == f"{name}: unchanged\n"

    put_machine(grid, seed=b"other values")  # an AVU changed
    before = (images / name / "vda.qcow2").stat().st_ino
    assert deploy(host, images, grid) == 0
    assert capsys.readouterr().out == (
        f"{name}: changed; seed copied; runs: it gets its new values when it is started again\n"
    )
    assert (images / name / "seed.iso").read_bytes().startswith(b"other values")
    assert (images / name / "vda.qcow2").stat().st_ino == before

    put_machine(grid, seed=b"other values", memory=80 << 20)
    assert deploy(host, images, grid) == 0
    assert "changed; defined; runs" in capsys.readouterr().out
    assert "<memory unit='KiB'>81920</memory>" in host.virsh("dumpxml", "--inactive", name)


def test_a_new_version_of_the_image_takes_no_disk_that_was_written_to(
    host: Host, images: Path, grid: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    disk = images / f"{grid.name}-sg12" / "vda.qcow2"
    assert deploy(host, images, grid) == 0
    put_machine(grid, content="c2", data="0x43")
    assert deploy(host, images, grid) == 0  # it has never run
    assert pattern_at_1m(disk) == 0x43
    write_to(disk)
    put_machine(grid, content="c3", data="0x44")
    capsys.readouterr()
    assert deploy(host, images, grid) == 1
    assert "its image has a new version, and it has written to" in capsys.readouterr().err
    assert pattern_at_1m(disk) == 0x43
    assert deploy(host, images, grid, "--dry-run") == 0
    assert f"a question, because it has written to {disk}" in capsys.readouterr().out
    host.virsh("start", f"{grid.name}-sg12")
    assert deploy(host, images, grid, "--replace-disks") == 1
    assert "it runs, and its disk is of another version of its image; shut it down first" in capsys.readouterr().err
    host.virsh("destroy", f"{grid.name}-sg12")
    assert deploy(host, images, grid, "--replace-disks") == 0
    assert pattern_at_1m(disk) == 0x44
    capsys.readouterr()
    assert deploy(host, images, grid) == 0
    assert capsys.readouterr().out.endswith("unchanged\n")


def test_a_machine_of_that_name_that_is_not_ours_is_never_touched(
    host: Host, images: Path, grid: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = f"{grid.name}-sg12"
    put_machine(grid, "sg13")
    other = host.folder / "other.xml"
    other.write_text(
        f"<domain type='qemu'><name>{name}</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>"
        "<os><type arch='x86_64' machine='q35'>hvm</type></os></domain>"
    )
    host.virsh("define", str(other))
    before = host.virsh("dumpxml", name)
    assert deploy(host, images, grid) == 1  # and the other one is deployed
    printed = capsys.readouterr()
    assert f"ova: {name}: libvirt has another machine of that name" in printed.err
    assert printed.out.startswith(f"{grid.name}-sg13: new; ")
    assert host.virsh("dumpxml", name) == before
    assert not (images / name / "vda.qcow2").exists()


def test_a_file_that_is_in_the_place_of_a_disk_stays(
    host: Host, images: Path, grid: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (images / f"{grid.name}-sg12").mkdir(parents=True)
    disk = images / f"{grid.name}-sg12" / "vda.qcow2"
    disk.write_bytes(b"mine")
    assert deploy(host, images, grid) == 1
    assert "is there, and was not put there for this machine; it stays as it is" in capsys.readouterr().err
    assert disk.read_bytes() == b"mine"
    assert f"{grid.name}-sg12" not in host.virsh("list", "--all", "--name")


def test_a_disk_that_leads_to_a_file_of_the_host_is_refused_and_the_next_run_goes_on(
    host: Host, images: Path, grid: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    disk = grid / "sg12/sg12.qcow2"
    command = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", "/etc/passwd", str(disk)]
    subprocess.run(command, check=True)
    assert deploy(host, images, grid) == 1
    assert "sg12.qcow2 has a backing file" in capsys.readouterr().err
    assert not (images / f"{grid.name}-sg12" / "vda.qcow2").exists()
    put_machine(grid)
    assert deploy(host, images, grid, "--start") == 0
    assert capsys.readouterr().out.endswith("started\n")


def test_a_redefinition_takes_no_written_disk_for_a_new_one(
    host: Host, images: Path, grid: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    disk = images / f"{grid.name}-sg12" / "vda.qcow2"
    assert deploy(host, images, grid) == 0
    write_to(disk)
    put_machine(grid, memory=80 << 20)
    assert deploy(host, images, grid) == 0
    before = disk.stat().st_ino
    put_machine(grid, content="c2", memory=80 << 20)
    assert deploy(host, images, grid) == 1
    assert "it has written to" in capsys.readouterr().err
    assert disk.stat().st_ino == before


def test_a_machine_of_another_component_is_not_taken_over(
    host: Host, images: Path, grid: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert deploy(host, images, grid) == 0
    seed = (images / f"{grid.name}-sg12" / "seed.iso").read_bytes()
    evil = tmp_path / "evil" / grid.name
    path = put_machine(evil, seed=b"evil")
    text = path.read_text()
    path.write_text(text.replace('component="/tempZone/home/rods/', 'component="/tempZone/home/eve/'))
    assert path.read_text() != text
    assert deploy(host, images, evil) == 1
    assert "libvirt has it for the component /tempZone/home/rods/" in capsys.readouterr().err
    assert (images / f"{grid.name}-sg12" / "seed.iso").read_bytes() == seed


def test_a_machine_that_was_undefined_takes_its_disk_again(
    host: Host, images: Path, grid: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    disk = images / f"{grid.name}-sg12" / "vda.qcow2"
    assert deploy(host, images, grid) == 0
    write_to(disk)
    host.virsh("undefine", f"{grid.name}-sg12")
    before = disk.stat().st_ino
    put_machine(grid, content="c2", data="0x43")
    assert deploy(host, images, grid) == 1
    assert "its image has a new version, and it has written to" in capsys.readouterr().err
    assert disk.stat().st_ino == before
    assert deploy(host, images, grid, "--replace-disks") == 0
    assert pattern_at_1m(disk) == 0x43


def test_a_libvirt_that_is_away_or_elsewhere_is_said(
    host: Host, images: Path, grid: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    away = f"qemu:///system?socket={host.folder}/none"
    assert main(["deploy", str(grid), "--connect", away, "--images", str(images)]) == 1
    assert "libvirt: " in capsys.readouterr().err
    assert main(["deploy", str(grid), "--connect", "qemu+ssh://kvm7/system", "--images", str(images)]) == 1
    assert "is a libvirt on another host; run ova deploy there" in capsys.readouterr().err
