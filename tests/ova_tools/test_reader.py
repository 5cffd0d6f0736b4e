"""An archive behind a reader, which is no file of this machine: what is read of it, and that it is read once."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from ova_tools.edit import Change, Edit, edit
from ova_tools.package import Package, read_archive, read_archive_from
from ova_tools.properties import select
from tests.support.appliances import descriptor_of, manifest_of, ova, tar_of

DISK = bytes(range(256)) * 4096


class Bytes:
    """A reader of bytes that gives less than is asked for, and notes what it has given."""

    def __init__(self, data: bytes, most: int = 100_000) -> None:
        self.data, self.size, self.most = data, len(data), most
        self.given: list[tuple[int, int]] = []

    def pread(self, count: int, offset: int) -> bytes:
        found = self.data[offset : offset + min(count, self.most)]
        self.given.append((offset, len(found)))
        return found

    @property
    def count(self) -> int:
        return sum(length for _, length in self.given)


def on_disk(tmp_path: Path, data: bytes) -> Path:
    file = tmp_path / "source.ova"
    file.write_bytes(data)
    return file


def renamed(package: Package) -> Edit:
    return edit(package, [Change(select(package.properties, "host.hostname"), "sg17")])


@pytest.mark.parametrize("most", [100, 100_000])
@pytest.mark.parametrize("name", ["disk1.vmdk", f"{'d' * 200}.vmdk"])
def test_a_package_behind_a_reader_is_the_one_in_the_file(name: str, most: int, tmp_path: Path) -> None:
    members = {"vm.ovf": descriptor_of(disk=name), name: DISK}
    data = tar_of({**members, "vm.mf": manifest_of(members)}, tarfile.PAX_FORMAT)
    reader = Bytes(data, most)

    package = read_archive_from(reader, "/tempZone/source.ova")

    with read_archive(on_disk(tmp_path, data)) as same:
        assert (package.members, package.descriptor, package.manifest) == (
            same.members,
            same.descriptor,
            same.manifest,
        )
        assert renamed(package).plan == renamed(same).plan
    assert package.location == "/tempZone/source.ova"
    assert package.archive is reader
    with pytest.raises(io.UnsupportedOperation, match="is no file of this machine"):
        package.fileno()


def test_no_disk_is_read_for_headers_descriptor_and_manifest() -> None:
    reader = Bytes(ova(DISK))
    read_archive_from(reader, "source.ova")
    assert reader.count < 40_000 < len(DISK)
