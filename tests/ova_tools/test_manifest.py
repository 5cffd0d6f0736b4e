"""Manifests are read in every known spelling, and written in one."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

import pytest

from ova_tools.edit import Change, edit
from ova_tools.errors import ManifestError
from ova_tools.manifest import check_digest, check_readable, parse_manifest, renew
from ova_tools.notes import Note, NoteKind
from ova_tools.package import read_package
from ova_tools.verify import verify_members
from tests.support.appliances import manifest_of, tar_of

from . import build

OLD, NEW = hashlib.sha256(b"old").hexdigest(), hashlib.sha256(b"new").hexdigest()


@pytest.mark.parametrize(
    "line",
    [
        f"SHA256(a.ovf)= {OLD}",
        f"SHA256 (a.ovf) = {OLD}",
        f"SHA256( a.ovf )={OLD.upper()}  ",
        f"sha256(a.ovf)= {OLD}",
        f"SHA2-256(a.ovf)= {OLD}",
        f"SHA-256(./a.ovf)= {OLD}",
        f"\ufeffSHA256(a.ovf)= {OLD}",
    ],
)
@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n\n"])
def test_a_line_is_read_in_any_spelling_and_renewed_in_the_right_one(line: str, end: str) -> None:
    read = parse_manifest("a.mf", (line + end).encode())

    check_readable(read)
    check_digest(read, "a.ovf", b"old")
    assert renew(read, "a.ovf", b"new") == f"SHA256(a.ovf)= {NEW}\n".encode()


@pytest.mark.parametrize("algorithm", ["SHA1", "SHA256", "SHA512"])
def test_lines_of_other_files_keep_their_text(algorithm: str) -> None:
    digest = hashlib.new(algorithm.lower(), b"old").hexdigest()
    other = f"{algorithm} (disk (1).vmdk) = {digest.upper()}"
    read = parse_manifest("a.mf", f"{other}\r\n\r\n{algorithm}(a.ovf)= {digest}".encode())

    new = renew(read, "a.ovf", b"new")

    assert new == f"{other}\n{algorithm}(a.ovf)= {hashlib.new(algorithm.lower(), b'new').hexdigest()}\n".encode()
    assert read.lines_for("disk (1).vmdk")[0].digest == digest


@pytest.mark.parametrize(
    "line", ["garbage", "MD5(a.ovf)= " + "0" * 32, "SHA256(a.ovf)= 00", "SHA256(a.ovf)", "\0" * 512]
)
def test_a_line_that_cannot_be_read_is_refused(line: str) -> None:
    read = parse_manifest("a.mf", f"SHA256(a.ovf)= {OLD}\n{line}\n".encode())

    with pytest.raises(ManifestError, match=r"a\.mf, line 2 cannot be read"):
        check_readable(read)


def test_a_manifest_of_very_many_lines_about_one_file_costs_one_digest() -> None:
    data = b"d" * 1_000_000
    line = f"SHA256(a.ovf)= {hashlib.sha256(data).hexdigest()}\n"
    read = parse_manifest("a.mf", (line * 20_000).encode())
    start = time.process_time()

    check_digest(read, "a.ovf", data)
    renew(read, "a.ovf", data)

    assert time.process_time() - start < 5


def test_a_wrong_digest_is_refused_and_both_digests_are_said() -> None:
    read = parse_manifest("a.mf", f"SHA256(a.ovf)= {OLD}\n".encode())

    with pytest.raises(ManifestError, match=f"the SHA256 digest of a.ovf is wrong, {OLD} is listed, {NEW} is that of"):
        check_digest(read, "a.ovf", b"new")


@pytest.mark.parametrize("last", [False, True])
def test_the_manifest_keeps_its_place(tmp_path: Path, last: bool) -> None:
    path = build.ova(tmp_path, manifest_last=last)
    _, data = build.edited(path, ("hostname", "sg12"))
    (tmp_path / "new.ova").write_bytes(data)

    with read_package(path) as package, read_package(tmp_path / "new.ova") as after:
        assert [member.name for member in after.members] == [member.name for member in package.members]
        assert verify_members(after).hashed == (("vm.ovf", "SHA256"), ("disk.vmdk", "SHA256"))


def test_a_wrong_digest_of_a_disk_is_found_by_verify_and_not_looked_for_by_edit(tmp_path: Path) -> None:
    path = build.ova(tmp_path)
    data = bytearray(path.read_bytes())
    data[data.index(build.disk()) + 5] ^= 1
    path.write_bytes(data)

    with read_package(path) as package:
        edit(package, [Change(package.properties[0], "sg12")])
        with pytest.raises(ManifestError, match=r"line 2: the SHA256 digest of disk\.vmdk is wrong"):
            verify_members(package)


def test_a_listed_file_that_is_missing_is_found_by_verify(tmp_path: Path) -> None:
    text = build.descriptor().encode()
    listed = manifest_of({"vm.ovf": text, "gone.vmdk": b""})
    path = tmp_path / "vm.ova"
    path.write_bytes(tar_of([("vm.ovf", text), ("vm.mf", listed), ("disk.vmdk", b"d")]))

    with read_package(path) as package, pytest.raises(ManifestError, match="is listed but not in the package"):
        verify_members(package)


def test_a_manifest_without_the_descriptor_is_left_as_it_is_and_said(tmp_path: Path) -> None:
    text = build.descriptor().encode()
    listed = manifest_of({"disk.vmdk": b"d"})
    path = tmp_path / "vm.ova"
    path.write_bytes(tar_of([("vm.ovf", text), ("vm.mf", listed), ("disk.vmdk", b"d")]))

    result, _ = build.edited(path, ("hostname", "sg12"))

    assert result.manifest == listed
    assert result.notes == (Note(NoteKind.MANIFEST_LINE, "vm.mf has no line for vm.ovf; none is added"),)
