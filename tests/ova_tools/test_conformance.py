"""An archive that does not conform to DSP0243 is read, with a note; `verify --strict` refuses it."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ova_tools import tar
from ova_tools.cli import main
from ova_tools.errors import ManifestError, PackageError
from ova_tools.notes import NoteKind
from ova_tools.package import read_package
from ova_tools.verify import verify_members
from tests.support.appliances import manifest_of, tar_of

from . import build
from .test_cli import refusal
from .test_tar import fixed

TEXT = build.descriptor().encode()
DISK = build.disk(700)  # its last block is padded
FILES = {"vm.ovf": TEXT, "disk.vmdk": DISK}
MEMBERS = [("vm.ovf", TEXT), ("vm.mf", manifest_of(FILES)), ("disk.vmdk", DISK)]
WHOLE = tar_of(MEMBERS)
END = sum(512 + tar.round_up(len(data)) for _, data in MEMBERS)


def kinds(data: bytes, folder: Path) -> list[NoteKind]:
    (folder / "vm.ova").write_bytes(data)
    with read_package(folder / "vm.ova") as package:
        return [note.kind for note in verify_members(package).notes]


def of_v7(data: bytes) -> bytes:
    """The same archive with headers as tar wrote them before there was USTAR."""
    new = bytearray(data)
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member in archive:
            start = member.offset_data - 512
            new[start : start + 512] = fixed(bytes(new[start : start + 257]) + bytes(255))
    return bytes(new)


def pax(mtime: float = 1_700_000_000, **of_all: str) -> bytes:
    """An archive with a pax header for each member if `mtime` has a fraction, and one for `of_all`."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT, pax_headers=of_all) as archive:
        for name, data in MEMBERS:
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(data), mtime
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def folder_first() -> bytes:
    info = tarfile.TarInfo("./")
    info.type = tarfile.DIRTYPE
    return info.tobuf(tarfile.USTAR_FORMAT) + WHOLE


GNU = tar_of(MEMBERS, format=tarfile.GNU_FORMAT)
ODD: dict[str, tuple[bytes, NoteKind, str]] = {
    "GNU": (GNU, NoteKind.USTAR_MAGIC, "3 of 3 headers are of GNU tar, the first is vm.ovf's"),
    "v7": (of_v7(WHOLE), NoteKind.USTAR_MAGIC, "3 of 3 headers are without the magic of USTAR, the first is vm.ovf's"),
    "pax": (pax(0.25), NoteKind.PAX, "3 pax headers, the first is vm.ovf's"),
    "global pax": (pax(comment="c"), NoteKind.PAX, "1 pax headers, the first is of the whole archive"),
    "last": (tar_of(MEMBERS[::-1]), NoteKind.ORDER, "vm.ovf is not the first member, disk.vmdk is"),
    "second": (tar_of(MEMBERS[1::-1] + MEMBERS[2:]), NoteKind.ORDER, "vm.ovf is not the first member, vm.mf is"),
    "after a folder": (folder_first(), NoteKind.ORDER, "vm.ovf is not the first member, ./ is"),
    "no end": (WHOLE[:END], NoteKind.END_BLOCKS, "the archive ends with no block of zeros, two are right"),
    "one block": (WHOLE[: END + 512], NoteKind.END_BLOCKS, "the archive ends with one block of zeros, two are right"),
    "a block and a bit": (WHOLE[: END + 700], NoteKind.END_BLOCKS, "the archive ends with one block of zeros"),
    "a part of a block": (WHOLE[: END + 100], NoteKind.END_BLOCKS, "the archive ends with no block of zeros"),
    "cut in the padding": (WHOLE[: END - 100], NoteKind.END_BLOCKS, "the archive ends with no block of zeros"),
    "no padding": (WHOLE[: END - 512 + 700 % 512], NoteKind.END_BLOCKS, "the archive ends with no block of zeros"),
}


def test_an_archive_as_dsp0243_wants_it_has_no_note(tmp_path: Path) -> None:
    assert kinds(WHOLE, tmp_path) == []
    assert main(["verify", "--strict", str(tmp_path / "vm.ova")]) == 0


@pytest.mark.parametrize("what", ODD)
def test_what_dsp0243_does_not_want_is_a_note_and_an_error_with_strict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    data, kind, text = ODD[what]
    assert kinds(data, tmp_path) == [kind]

    assert main(["verify", str(tmp_path / "vm.ova")]) == 0
    assert f"note: {text}" in capsys.readouterr().out
    assert main(["verify", "--strict", str(tmp_path / "vm.ova")]) == 1
    out, err = capsys.readouterr()
    assert f"note: {text}" in out
    assert err.startswith(f"ova: {tmp_path / 'vm.ova'}: not right with --strict: {text}") and err.count("\n") == 1
    assert main(["inspect", str(tmp_path / "vm.ova")]) == 0
    assert text in capsys.readouterr().out


@pytest.mark.parametrize("what", ODD)
@pytest.mark.parametrize("spare", [0, 8192])
@pytest.mark.parametrize("value", [None, "sg12", "s" * 3000])
def test_an_edit_puts_the_descriptor_first_and_ends_the_archive(
    tmp_path: Path, what: str, spare: int, value: str | None
) -> None:
    data, kind, _ = ODD[what]
    (tmp_path / "vm.ova").write_bytes(data)

    result, new = build.edited(tmp_path / "vm.ova", *([("hostname", value)] if value else []), spare=spare)

    assert result.plan.size == len(new)
    assert [note.kind for note in result.notes] == [kind]
    assert len(new) % 512 == 0 and new.endswith(bytes(1024))
    with tarfile.open(fileobj=io.BytesIO(new)) as archive:
        files = {m.name: archive.extractfile(m).read() for m in archive if m.isfile()}  # type: ignore[union-attr]
    assert (files["vm.ovf"], files["disk.vmdk"]) == (result.descriptor, DISK)
    assert set(kinds(new, tmp_path)) <= {kind} - {NoteKind.ORDER, NoteKind.END_BLOCKS}
    if value:
        assert new[257:265] == b"ustar\x0000"


def test_what_set_mends_is_said_on_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "vm.ova").write_bytes(WHOLE[:END])

    assert main(["set", str(tmp_path / "vm.ova"), "hostname=a", "--in-place"]) == 0

    assert "note: the archive lacked the two blocks of zeros at its end; it gets them" in capsys.readouterr().err
    assert main(["verify", "--strict", str(tmp_path / "vm.ova")]) == 0


def test_several_notes_are_counted_with_strict(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "vm.ova").write_bytes(tar_of([*MEMBERS[::-1], ("x", b"")], format=tarfile.GNU_FORMAT))

    assert main(["verify", "--strict", str(tmp_path / "vm.ova")]) == 1
    out, err = capsys.readouterr()
    assert out.count("note: ") == 4
    assert err.endswith("(DSP0243 5.3), and 3 more\n")


def test_a_size_in_base_256_is_not_ustar(tmp_path: Path) -> None:
    data = WHOLE[:124] + b"\x80" + len(TEXT).to_bytes(11, "big") + WHOLE[136:512]

    assert kinds(fixed(data) + WHOLE[512:], tmp_path) == [NoteKind.USTAR_MAGIC]


def test_an_archive_without_an_end_needs_a_manifest(tmp_path: Path) -> None:
    data = tar_of([("vm.ovf", TEXT), ("disk.vmdk", DISK)])
    (tmp_path / "vm.ova").write_bytes(data[: 1024 + tar.round_up(len(TEXT)) + tar.round_up(len(DISK))])

    with pytest.raises(PackageError, match="no manifest by which the members could be known to be all"):
        read_package(tmp_path / "vm.ova")


def test_an_archive_without_an_end_whose_disk_is_wrong_or_lost_is_not_edited(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged = bytearray(WHOLE[:END])
    damaged[END - 1024 + 5] ^= 1
    lost = WHOLE[: END - 512 - 1024]

    for data, message in ((damaged, "the SHA256 digest of disk.vmdk is wrong"), (lost, "disk.vmdk is listed but not")):
        (tmp_path / "vm.ova").write_bytes(data)
        assert message in refusal(capsys, "set", tmp_path / "vm.ova", "hostname=a", "-o", tmp_path / "new.ova")
        assert not (tmp_path / "new.ova").exists()


@given(st.integers(0, END + 1024))
def test_wherever_an_archive_is_cut_it_is_refused_or_whole(
    tmp_path_factory: pytest.TempPathFactory, length: int
) -> None:
    """Whole: all data of all members is there, whatever padding and end are."""
    path = tmp_path_factory.getbasetemp() / "cut.ova"
    path.write_bytes(WHOLE[:length])
    if length < END - tar.round_up(len(DISK)) + len(DISK):
        with pytest.raises((PackageError, ManifestError)), read_package(path) as package:
            verify_members(package)
        return

    _, new = build.edited(path, ("hostname", "sg12"))
    path.write_bytes(new)
    with read_package(path) as package:
        assert verify_members(package).notes == ()
