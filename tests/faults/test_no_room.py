"""A vault that is full in the middle of a conversion: nothing is left of it, and the next change makes the disk."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ova_tools.cli import main
from tests.ova_tools.compose.domains import disk, domain
from tests.support.waiting import until
from tests.support.zones import Place, embedded_zone, rule_folder

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.getuid() != 0, reason="a file system is mounted as root"),
    pytest.mark.skipif(shutil.which("qemu-img") is None, reason="qemu-img is not installed here (Debian: qemu-utils)"),
]

_DISK = 30  # MiB of noise; the vault holds the image, the ready OVA, and a copy of the disk while it is converted
_TOO_SMALL, _ENOUGH = 112, 300


@pytest.fixture
def vault() -> Iterator[tuple[Path, Callable[[int], None]]]:
    """A folder with a file system of its own, and what changes its size in MiB."""
    folder = Path(tempfile.mkdtemp(prefix="ova-no-room-"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={_TOO_SMALL}m", "tmpfs", folder], check=True)

    def resize(size: int) -> None:
        subprocess.run(["mount", "-o", f"remount,size={size}m", folder], check=True)

    yield folder, resize
    subprocess.run(["umount", folder], check=True)
    folder.rmdir()


def test_a_conversion_without_room_leaves_nothing_and_is_made_good(
    tmp_path: Path, vault: tuple[Path, Callable[[int], None]]
) -> None:
    folder, resize = vault
    (tmp_path / "vda.raw").write_bytes(os.urandom(_DISK << 20))
    (tmp_path / "sg12.xml").write_bytes(domain(disk(format="raw", source=str(tmp_path / "vda.raw"))))
    package = tmp_path / "sg12.ova"
    assert main(["compose", "--domain", str(tmp_path / "sg12.xml"), "-o", str(package)]) == 0
    with embedded_zone(folder / "zone", rule_folder(tmp_path / "etc")) as zone:
        place = Place(zone, package.read_bytes(), 1)
        client, component = place.client, place.components[0]

        def notes() -> list[str]:
            until(lambda: place.status(component) in ("ready", "failed"), "it is not built")
            return sorted(avu.value for avu in client.metadata(component).get_all("ova::note"))

        def names() -> set[str]:
            return {each.name for each in client.session.collections.get(component).data_objects}

        client.set(component, "ova_forms", "libvirt")
        assert notes() == [
            "comp00.qcow2: sg12-disk1.vmdk cannot be converted: there is no room left for it",
            "comp00.xml: is of no use without comp00.qcow2",
        ]
        assert names() == {"comp00.ova", "comp00.iso"}
        assert client.ready(component).whole
        used = sum(each.stat().st_blocks * 512 for each in folder.rglob("*") if each.is_file())
        free = os.statvfs(folder)
        assert (free.f_blocks - free.f_bfree) * free.f_frsize - used < 2 << 20  # no file without a name holds room
        resize(_ENOUGH)
        client.set(component, "hostname", "sg17")
        until(lambda: notes() == [], "the disk is not made")
        assert names() == {"comp00.ova", "comp00.iso", "comp00.qcow2", "comp00.xml"}
