"""An archive behind a reader, which is no file of this machine: what is read of it, and that it is read once."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from ova_tools.edit import Change, Edit, edit
from ova_tools.errors import DescriptorError, ManifestError, OvaError, PackageError, WriteError
from ova_tools.layout import Extent, Plan
from ova_tools.package import Package, read_archive, read_archive_from
from ova_tools.properties import select
from ova_tools.verify import Verifier, verify_members
from ova_tools.write import pieces, stream
from tests.support.appliances import descriptor_of, manifest_of, ova, read, tar_of

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


@pytest.mark.parametrize("block", [1000, 1 << 20])
def test_a_plan_is_streamed_from_a_reader(block: int) -> None:
    reader = Bytes(ova(DISK), most=7777)
    plan = renamed(read_archive_from(reader, "source.ova")).plan

    streamed = list(stream(plan, reader, block))

    assert max(map(len, streamed)) <= block
    found = read(b"".join(streamed))
    assert found.whole and found.values["host.hostname"] == "sg17"
    assert len(b"".join(streamed)) == plan.size


def test_the_extents_of_a_plan_are_given_in_pieces_unread() -> None:
    assert list(pieces(Plan((Extent(10, 25),)), 10)) == [Extent(10, 10), Extent(20, 10), Extent(30, 5)]


def test_a_source_that_became_shorter_is_no_stream() -> None:
    reader = Bytes(ova(DISK))
    plan = edit(read_archive_from(reader, "source.ova"), []).plan
    reader.data = reader.data[:100_000]
    with pytest.raises(WriteError, match="the source ends at byte 100000"):
        list(stream(plan, reader))


def test_members_are_verified_behind_a_reader_as_in_a_file(tmp_path: Path) -> None:
    reader = Bytes(ova(DISK))
    reported: list[int] = []

    found = verify_members(read_archive_from(reader, "source.ova"), reported.append)

    with read_archive(on_disk(tmp_path, reader.data)) as same:
        assert found == verify_members(same)
    assert sum(reported) == len(DISK)


def test_an_archive_is_verified_and_streamed_in_one_pass() -> None:
    reader = Bytes(ova(DISK))
    package = read_archive_from(reader, "source.ova")
    plan = renamed(package).plan
    verifier, reader.given = Verifier(package), []

    for piece in pieces(plan, 65_536):
        if isinstance(piece, Extent):
            verifier.feed(piece.offset, reader.pread(piece.length, piece.offset))
    passed = reader.count
    verifier.finish()

    assert reader.count == passed < len(reader.data)


def test_what_did_not_pass_by_is_read_once_for_all_algorithms() -> None:
    text = descriptor_of()
    lines = manifest_of({"vm.ovf": text, "disk1.vmdk": DISK}) + manifest_of({"disk1.vmdk": DISK}, "SHA1")
    reader = Bytes(tar_of({"vm.ovf": text, "vm.mf": lines, "disk1.vmdk": DISK}))
    package = read_archive_from(reader, "source.ova")
    verifier, reader.given = Verifier(package), []
    [disk] = [member for member in package.members if member.name == "disk1.vmdk"]
    verifier.feed(disk.offset - 512, reader.data[disk.offset - 512 : disk.offset + 1000])
    verifier.feed(disk.offset + 5000, reader.data[disk.offset + 5000 : disk.offset + 6000])  # out of order: read again

    found = verifier.finish()

    assert found.hashed == (("vm.ovf", "SHA256"), ("disk1.vmdk", "SHA256"), ("disk1.vmdk", "SHA1"))
    assert reader.count == len(DISK) - 1000


def wrong(disk: bytes = DISK, listed: str = "disk1.vmdk", href: str = "disk1.vmdk") -> bytes:
    text = descriptor_of(disk=href)
    digest = hashlib.sha256(DISK).hexdigest()
    lines = manifest_of({"vm.ovf": text}) + f"SHA256({listed})= {digest}\n".encode()
    return tar_of({"vm.ovf": text, "vm.mf": lines, "disk1.vmdk": disk})


@pytest.mark.parametrize(
    "data",
    [
        wrong(DISK[:-1] + b"!"),
        wrong(listed="disk2.vmdk"),
        wrong(href="disk2.vmdk"),
        tar_of({"vm.ovf": descriptor_of(), "vm.mf": b"MD5(x)= 0\n"}),
    ],
    ids=["digest", "listed", "reference", "unreadable"],
)
def test_what_is_wrong_is_said_as_of_a_file(data: bytes, tmp_path: Path) -> None:
    with read_archive(on_disk(tmp_path, data)) as package, pytest.raises(OvaError) as said:
        verify_members(package)
    with pytest.raises(type(said.value)) as also:
        verify_members(read_archive_from(Bytes(data), "source.ova"))
    assert str(also.value) == str(said.value)


@pytest.mark.parametrize(
    ("data", "error", "said"),
    [
        (b"", PackageError, "is empty"),
        (b"\x1f\x8b" + bytes(600), PackageError, "is compressed with gzip"),
        (descriptor_of(), PackageError, "an OVF descriptor without its files"),
        (b"<html></html>", DescriptorError, "html"),
        (ova(DISK)[:100_000], PackageError, "truncated archive"),
        (ova(DISK) + b"garbage!" * 64, PackageError, "trailing garbage"),
        (ova(DISK, manifest=b"SHA256(vm.ovf)= 0\n"), ManifestError, "cannot be read"),
    ],
)
def test_what_is_no_package_is_refused_as_a_file_is(data: bytes, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        verify_members(read_archive_from(Bytes(data), "source.ova"))


def test_a_reader_that_fails_is_named_as_the_cause() -> None:
    class Broken(Bytes):
        def pread(self, count: int, offset: int) -> bytes:
            if offset >= 100_000:
                raise OSError(5, "the network is away")
            return super().pread(count, offset)

    with pytest.raises(PackageError, match="cannot be read: the network is away") as failed:
        verify_members(read_archive_from(Broken(ova(DISK)), "source.ova"))
    assert isinstance(failed.value.__cause__, OSError)
