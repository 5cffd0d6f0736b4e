"""Archives: every tar dialect is read, unsafe or incomplete ones are refused, and the output is USTAR."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from ova_tools import tar
from ova_tools.edit import Change, edit
from ova_tools.errors import PackageError
from ova_tools.limits import MAX_HEADERS
from ova_tools.notes import NoteKind
from ova_tools.package import read_package
from ova_tools.verify import verify_members
from tests.support.appliances import manifest_of, tar_of

from . import build

TEXT = build.descriptor().encode()
FORMATS = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}


def fixed(header: bytes) -> bytes:
    """Return the header with its checksum made right."""
    blank = header[:148] + b" " * 8 + header[156:]
    return header[:148] + b"%06o\0 " % sum(blank) + header[156:]


def special(name: str, kind: bytes, link: str = "") -> bytes:
    """Return the header of a member of any tar type."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info.tobuf(tarfile.GNU_FORMAT)


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("format", FORMATS)
def test_every_dialect_is_read_as_tarfile_reads_it(tmp_path: Path, format: str) -> None:
    long = "directory/" * 12 + "a-long-name-" * 3 + ".vmdk"
    data = tar_of([("vm.ovf", TEXT), (long, b"d" * 1000), ("ünï.iso", b"")], format=FORMATS[format])

    with read_package(write(tmp_path / "a.ova", data)) as package, tarfile.open(fileobj=io.BytesIO(data)) as archive:
        expected = [(m.name, m.offset_data, m.size) for m in archive.getmembers()]
        assert [(m.name, m.offset, m.size) for m in package.members] == expected


def test_a_size_in_base_256_is_read(tmp_path: Path) -> None:
    """Sizes over 8 GiB are written so by GNU tar; the file here is sparse."""
    size = 9 << 30
    header = tarfile.TarInfo("disk.vmdk")
    header.size = size
    path = write(tmp_path / "big.ova", tar_of([("vm.ovf", TEXT)])[: 512 + 1024] + header.tobuf(tarfile.GNU_FORMAT))
    with path.open("r+b") as file:
        file.truncate(512 + 1024 + 512 + size + 1024)

    with read_package(path) as package:
        assert package.members[1].size == size
        plan = edit(package, [Change(package.properties[0], "sg12")]).plan

    assert plan.size % 4096 == path.stat().st_size % 4096


def test_a_pax_size_over_8_gib_is_read(tmp_path: Path) -> None:
    size = 9 << 30
    header = tarfile.TarInfo("disk.vmdk")
    header.size = size
    start = tar_of([("vm.ovf", TEXT)])[:1536] + header.tobuf(tarfile.PAX_FORMAT)
    path = write(tmp_path / "big.ova", start)
    with path.open("r+b") as file:
        file.truncate(len(start) + size + 1024)

    with read_package(path) as package:
        assert package.members[1].size == size


@pytest.mark.parametrize("name", ["./vm.ovf", ".//vm.ovf"])
def test_a_leading_dot_is_no_part_of_a_name(tmp_path: Path, name: str) -> None:
    with read_package(write(tmp_path / "a.ova", tar_of([(name, TEXT), ("./disk.vmdk", b"d")]))) as package:
        assert [m.name for m in package.members] == ["vm.ovf", "disk.vmdk"]


def test_a_package_in_a_directory_of_the_archive_is_one(tmp_path: Path) -> None:
    """Names in the manifest and the descriptor are relative to where these lie."""
    files = {"vm.ovf": TEXT, "disk.vmdk": b"d"}
    listed = manifest_of(files)
    members = [("dir/vm.ovf", TEXT), ("dir/vm.mf", listed), ("dir/disk.vmdk", b"d")]
    directory = tarfile.TarInfo("dir/")
    directory.type = tarfile.DIRTYPE
    path = write(tmp_path / "a.ova", directory.tobuf(tarfile.USTAR_FORMAT) + tar_of(members))

    result, new = build.edited(path, ("hostname", "sg12"))
    with read_package(write(tmp_path / "b.ova", new)) as after:
        assert verify_members(after).notes == ()
        assert result.manifest == manifest_of({**files, "vm.ovf": result.descriptor})


def test_very_many_headers_are_refused(tmp_path: Path) -> None:
    data = special("x", b"x") * (MAX_HEADERS + 1)

    with pytest.raises(PackageError, match="more than 20000 headers"):
        read_package(write(tmp_path / "a.ova", data))


def test_directories_and_what_macos_adds_are_no_descriptors(tmp_path: Path) -> None:
    data = special("./", b"5") + tar_of([("._vm.ovf", b"finder"), ("vm.ovf", TEXT)])

    with read_package(write(tmp_path / "a.ova", data)) as package:
        assert package.descriptor.name == "vm.ovf"


GOOD = tar_of([("vm.ovf", TEXT), ("disk.vmdk", b"d" * 600)])
END = 512 + tar.round_up(len(TEXT)) + 512 + 1024

REFUSED: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "is empty, neither a tar archive"),
    "short": (b"abc", "has 3 bytes only"),
    "no archive": (b"a" * 5000, "is neither a tar archive"),
    "gzip": (b"\x1f\x8b" + b"a" * 5000, "compressed with gzip; an OVA is a plain tar archive"),
    "an empty archive": (bytes(10240), "no descriptor"),
    "no descriptor": (tar_of([("disk.vmdk", b"d")]), "no descriptor: no member's name ends with .ovf"),
    "two descriptors": (
        tar_of([("a.ovf", TEXT), ("b.ovf", TEXT)]),
        "2 descriptors: a.ovf, b.ovf; one",
    ),
    "two manifests": (
        tar_of([("a.ovf", TEXT), ("b.mf", b""), ("c.mf", b"")]),
        "2 members end with .mf: b.mf, c.mf; a.mf would be right",
    ),
    "absolute": (tar_of([("vm.ovf", TEXT)]).replace(b"vm.ovf", b"/m.ovf", 1), "checksum error"),
    "a hard link": (GOOD[:END] + special("l", tarfile.LNKTYPE, "vm.ovf") + bytes(1024), "member l: a hard link"),
    "a symbolic link": (GOOD[:END] + special("l", tarfile.SYMTYPE, "/etc") + bytes(1024), "member l: a symbolic link"),
    "a device": (GOOD[:END] + special("n", tarfile.BLKTYPE) + bytes(1024), "member n: a block device"),
    "a terminal": (GOOD[:END] + special("n", tarfile.CHRTYPE) + bytes(1024), "member n: a character device"),
    "a pipe": (GOOD[:END] + special("n", tarfile.FIFOTYPE) + bytes(1024), "member n: a named pipe"),
    "a sparse member": (GOOD[:END] + special("n", b"S") + bytes(1024), "member n: a sparse member"),
    "an unknown type": (GOOD[:END] + special("n", b"Z") + bytes(1024), "member n: unknown tar type"),
    "an absolute name": (GOOD[:END] + special("/n", b"0") + bytes(1024), "member /n: an absolute name"),
    "a climbing name": (GOOD[:END] + special("a/../../n", b"0") + bytes(1024), "climbs out of the package"),
    "a climbing Windows name": (GOOD[:END] + special("..\\n", b"0") + bytes(1024), "climbs out of the package"),
    "a drive": (GOOD[:END] + special("C:n", b"0") + bytes(1024), "an absolute name"),
    "a repeated name": (GOOD[:END] + special("disk.vmdk", b"0") + bytes(1024), "member disk.vmdk occurs twice"),
    "a repeated name, dotted": (GOOD[:END] + special("./vm.ovf", b"0") + bytes(1024), "member vm.ovf occurs twice"),
    "garbage at the end": (GOOD + b"\1", "trailing garbage: data after the end-of-archive blocks"),
    "a second archive": (GOOD + GOOD, "trailing garbage"),
    "a checksum error": (GOOD[:100] + b"1" + GOOD[101:], "checksum error in the tar header at byte 0"),
    "a later checksum error": (
        GOOD[:END] + b"\1" * 512 + bytes(1024),
        f"checksum error in the tar header at byte {END}",
    ),
    "cut in a header": (GOOD[: END - 1024 - 100], "truncated archive: a part of a header only"),
    "cut in the data": (GOOD[: END - 500], "truncated archive: member disk.vmdk ends at byte"),
    "cut in the padding": (
        GOOD[: END - 100],
        f"truncated archive: no end-of-archive block at byte {END}, and no manifest",
    ),
    "cut between members": (GOOD[:END], f"truncated archive: no end-of-archive block at byte {END}"),
    "cut after an extension": (
        special("././@LongLink", b"L") + bytes(1024),
        "an extension header at byte 0 has no member",
    ),
    "an impossible size": (fixed(GOOD[:124] + b"\xff" * 12 + GOOD[136:512]) + bytes(1024), "has an impossible size"),
    "a size that is no number": (fixed(GOOD[:124] + b"9" * 12 + GOOD[136:512]) + bytes(1024), "not an octal number"),
    "a huge extension": (
        fixed(special("x", b"x")[:124] + b"77777777777\0" + special("x", b"x")[136:]) + bytes(1024),
        "an extension header at byte 0 claims 8589934591 bytes",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_safe_and_whole_package_is_refused_with_its_reason(tmp_path: Path, name: str) -> None:
    data, message = REFUSED[name]

    with pytest.raises(PackageError) as caught:
        read_package(write(tmp_path / "a.ova", data))

    assert message in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("pax", "message"),
    [
        ({"GNU.sparse.major": "1"}, "a sparse member"),
        ({"path": "../x"}, "climbs out of the package"),
        ({"path": "/x"}, "an absolute name"),
    ],
)
def test_what_a_pax_header_says_is_judged_too(tmp_path: Path, pax: dict[str, str], message: str) -> None:
    info = tarfile.TarInfo("n")
    info.pax_headers = pax
    data = GOOD[:END] + info.tobuf(tarfile.PAX_FORMAT) + bytes(1024)

    with pytest.raises(PackageError, match=message):
        read_package(write(tmp_path / "a.ova", data))


def test_a_name_with_control_characters_gives_one_printable_line(tmp_path: Path) -> None:
    data = GOOD[:END] + special("a\n\x1b[31mb", tarfile.SYMTYPE) + bytes(1024)

    with pytest.raises(PackageError) as caught:
        read_package(write(tmp_path / "a.ova", data))

    assert str(caught.value) == "member a\\n\\x1b[31mb: a symbolic link, plain files only are right in an OVA"


@pytest.mark.parametrize("zeros", [512, 1024, 5120, 1 << 20])
def test_any_number_of_zero_blocks_ends_an_archive(tmp_path: Path, zeros: int) -> None:
    with read_package(write(tmp_path / "a.ova", GOOD[:END] + bytes(zeros))) as package:
        assert len(package.members) == 2


def test_too_many_zeros_at_the_end_are_refused_unread(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ova", GOOD)
    with path.open("r+b") as file:
        file.truncate(1 << 40)

    with pytest.raises(PackageError, match="bytes after the last member, at most"):
        read_package(path)


def test_what_is_no_regular_file_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    for path, message in ((tmp_path / "pipe", "not a regular file"), (tmp_path, "is a directory"),
                          (Path("/dev/zero"), "not a regular file"), (tmp_path / "none", "No such file"),
                          (Path("a\0b"), "cannot be opened")):  # fmt: skip
        with pytest.raises(PackageError, match=message):
            read_package(path)


@pytest.mark.parametrize("format", FORMATS)
def test_a_changed_header_is_ustar_and_all_others_are_copied(tmp_path: Path, format: str) -> None:
    long = "directory/" * 12 + "disk.vmdk"
    data = tar_of([("vm.ovf", TEXT), (long, b"d" * 600)], format=FORMATS[format])
    result, new = build.edited(write(tmp_path / "a.ova", data), ("hostname", "sg12"))

    with tarfile.open(fileobj=io.BytesIO(new)) as archive, tarfile.open(fileobj=io.BytesIO(data)) as source:
        first, second = archive.getmembers()
        old = source.getmembers()
        assert new[257:265] == b"ustar\x0000"
        assert (first.name, first.mtime, first.mode, first.uname) == ("vm.ovf", 1_700_000_000, 0o640, "someone")
        assert first.size == len(result.descriptor)
        headers = data[old[1].offset : old[1].offset_data]
        assert new[second.offset : second.offset_data] == headers


def test_extension_headers_of_a_changed_descriptor_go_and_disks_stay_aligned(tmp_path: Path) -> None:
    name = "d" * 49 + "/" + "d" * 60 + ".ovf"
    data = tar_of([(name, TEXT), ("disk.vmdk", build.disk())], format=tarfile.GNU_FORMAT)
    path = write(tmp_path / "a.ova", data)
    _, new = build.edited(path, ("hostname", "thisho"), spare=0)  # as long as the old value

    assert new[257:265] == b"ustar\x0000"
    with read_package(path) as before, read_package(write(tmp_path / "b.ova", new)) as after:
        assert after.descriptor.name == name
        assert (after.members[1].offset - before.members[1].offset) % 4096 == 0


@pytest.mark.parametrize("length", [99, 100, 101, 150, 250])
def test_ustar_headers_hold_long_names_as_tarfile_reads_them(length: int) -> None:
    name = "/".join(["d" * 49] * 6)[: length - 4] + ".ovf"

    header = tar.header_for(name, 1234)

    assert header is not None
    info = tarfile.TarInfo.frombuf(header, "utf-8", "strict")
    assert (info.name, info.size, info.mode) == (name, 1234, 0o644)


def test_ustar_cannot_hold_every_name() -> None:
    assert tar.header_for("n" * 101, 1) is None
    assert tar.header_for("n", 8 << 30) is None


def test_a_descriptor_that_is_not_first_is_put_first(tmp_path: Path) -> None:
    disk = build.disk()
    listed = manifest_of({"disk.vmdk": disk, "vm.ovf": TEXT})
    data = tar_of([("disk.vmdk", disk), ("vm.mf", listed), ("vm.ovf", TEXT), ("extra.iso", b"e")])
    result, new = build.edited(write(tmp_path / "a.ova", data), ("hostname", "sg12"))

    with read_package(write(tmp_path / "b.ova", new)) as after:
        assert [m.name for m in after.members] == ["vm.ovf", "disk.vmdk", "vm.mf", "extra.iso"]
        assert after.members[1].offset % 4096 == 512
        assert after.properties[0].value == "sg12"
    assert "vm.ovf is moved to the front" in result.notes[0].text
    assert result.notes[0].kind is NoteKind.ORDER


def test_putting_the_descriptor_first_alone_changes_no_byte_of_a_member(tmp_path: Path) -> None:
    data = tar_of([("disk.vmdk", b"d" * 600), ("vm.ovf", TEXT), ("vm.cert", b"c")])
    result, new = build.edited(write(tmp_path / "a.ova", data), spare=0)

    assert (result.descriptor, result.certificate) == (TEXT, b"c")
    with tarfile.open(fileobj=io.BytesIO(new)) as archive:
        assert archive.getnames() == ["vm.ovf", "disk.vmdk", "vm.cert"]


def test_a_member_of_eight_gibibytes_has_a_header_that_all_tars_read(tmp_path: Path) -> None:
    size = 9 << 30
    header = tar.large_header("disk.vmdk", size)
    assert header is not None
    path = tmp_path / "large.tar"
    with path.open("wb") as file:
        file.write(header)
        file.truncate(512 + size + 1024)
    with tarfile.open(path) as archive:
        assert [(each.name, each.size) for each in archive] == [("disk.vmdk", size)]
    with path.open("rb") as file:
        (entry,) = tar.read_index(file.fileno(), path.stat().st_size).entries
    assert (entry.name, entry.size) == ("disk.vmdk", size)
    assert tar.large_header("x" * 300, size) is None
