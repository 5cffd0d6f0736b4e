"""A file is found under its name in another normalisation or case, with a note, but never if two are possible."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ova_tools.cli import main
from ova_tools.errors import ManifestError, PackageError
from ova_tools.inspect import report
from ova_tools.member_names import MemberNames, composed, folded
from ova_tools.notes import NoteKind
from ova_tools.package import Package, read_package
from ova_tools.verify import verify_members
from tests.support.appliances import manifest_of, tar_of

from . import build
from .test_cli import refusal

NFC = "Ger\u00e4t-disk1.vmdk"
FOLDER = "Ger\u00e4te"
NFD = unicodedata.normalize("NFD", NFC)
# One letter in three ways: composed, half composed, decomposed.
THREE = ["\u1ead.vmdk", "\u1ea1\u0302.vmdk", "a\u0323\u0302.vmdk"]


def package(folder: Path, href: str, listed: list[str], member: str, *others: str, plain: bool = False) -> Path:
    """A package that refers to `href`, lists `listed`, and has `member`, all about one file; and some `others`."""
    text = build.descriptor(href=href).encode()
    lines = manifest_of({"vm.ovf": text, **dict.fromkeys(listed, b"disk")})
    members = [("vm.ovf", text), ("vm.mf", lines), (member, b"disk"), *((name, b"other") for name in others)]
    if not plain:
        (folder / "vm.ova").write_bytes(tar_of(members))
        return folder / "vm.ova"
    for name, data in members:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)
    return folder / "vm.ovf"


def odd(package: Package) -> list[NoteKind]:
    return [note.kind for note in package.notes]


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize(
    ("href", "listed", "member"),
    [
        (NFC, NFC, NFD),
        (NFD, NFD, NFC),
        ("Disk.vmdk", "Disk.vmdk", "disk.vmdk"),
        ("disk.vmdk", "disk.vmdk", "DISK.VMDK"),
        (NFC.upper(), NFC.upper(), NFD),
        ("Ger%C3%A4t-disk1.vmdk", NFC, NFD),
        (f"{FOLDER}/{NFC}", f"{FOLDER}/{NFC}", unicodedata.normalize("NFD", f"{FOLDER}/{NFC}")),
        ("sub/Disk.vmdk", "sub/Disk.vmdk", "SUB/disk.vmdk"),
    ],
)
def test_a_name_in_another_normalisation_or_case_is_found_and_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], href: str, listed: str, member: str, plain: bool
) -> None:
    path = package(tmp_path, href, [listed], member, plain=plain)

    with read_package(path) as found:
        assert odd(found) == [NoteKind.MEMBER_NAME, NoteKind.MEMBER_NAME]
        assert all(ascii(member) in note.text for note in found.notes)
        assert verify_members(found).hashed == (("vm.ovf", "SHA256"), (member, "SHA256"))
        assert report(found)["references"][0]["present"] is True
    assert main(["set", str(path), "hostname=sg12", "--in-place"]) == 0
    assert capsys.readouterr().err.count(": note: ") == 2
    with read_package(path) as after:
        assert verify_members(after).hashed == (("vm.ovf", "SHA256"), (member, "SHA256"))
        assert after.manifest is not None
        assert after.manifest.lines[1].written == listed
        assert member in [each.name for each in after.members]


def test_a_chunk_is_found_in_another_normalisation(tmp_path: Path) -> None:
    href = f'{NFC}" ovf:size="4" ovf:chunkSize="4'
    path = package(tmp_path, href, [f"{NFC}.000000000"], f"{NFD}.000000000")

    with read_package(path) as found:
        assert verify_members(found).hashed[1] == (f"{NFD}.000000000", "SHA256")


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize(("href", "both"), [(THREE[0], THREE[:0:-1]), ("a.vmdk", ["A.vmdk", "a.VMDK"])])
def test_of_two_that_could_be_meant_none_is_and_both_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], href: str, both: list[str], plain: bool
) -> None:
    path = package(tmp_path, href, [], *both, plain=plain)

    line = refusal(capsys, "verify", path)
    assert line.endswith(
        f"file file1: {href} may be {both[0]!a} and {both[1]!a}; the name of one as it stands is right"
    )
    with read_package(path) as found:
        assert report(found)["references"][0]["present"] is False

    listed = package(tmp_path, both[0], [href], *both, plain=plain)
    for command in (["verify"], ["set", "--in-place", "hostname=a"]):
        line = refusal(capsys, command[0], listed, *command[1:])
        assert f"vm.mf, line 2: {href} may be {both[0]!a} and {both[1]!a}" in line


def test_a_name_as_it_stands_is_meant_before_any_other(tmp_path: Path) -> None:
    path = package(tmp_path, "a.vmdk", ["a.vmdk"], "a.vmdk", "A.vmdk", THREE[0])

    with read_package(path) as found:
        assert odd(found) == []
        assert found.located[0].members == ("a.vmdk",)


def test_a_normalisation_is_meant_before_a_case(tmp_path: Path) -> None:
    path = package(tmp_path, NFC, [NFC], NFD, NFC.upper())

    with read_package(path) as found:
        assert found.located[0].members == (NFD,)


def test_a_file_is_not_there_for_two_references(tmp_path: Path) -> None:
    """A disk that is missing does not hide behind another whose name differs in case."""
    text = build.descriptor().replace("<File", '<File ovf:id="other" ovf:href="DISK.vmdk"/><File').encode()
    (tmp_path / "vm.ova").write_bytes(tar_of([("vm.ovf", text), ("disk.vmdk", b"d")]))

    with (
        read_package(tmp_path / "vm.ova") as found,
        pytest.raises(PackageError, match=r"DISK\.vmdk is not in"),
    ):
        verify_members(found)


def test_no_reference_means_the_descriptor_or_what_signs_it(tmp_path: Path) -> None:
    for href in ("VM.ovf", "VM.mf"):
        path = package(tmp_path, href, [], "disk.vmdk")
        with read_package(path) as found, pytest.raises(PackageError, match="is not in the package"):
            verify_members(found)


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize(("name", "listed"), [("vm", "VM.ovf"), ("VM", "vm.OVF"), (NFD, f"{NFC}.ovf")])
def test_the_descriptor_listed_in_another_spelling_gets_one_answer_of_verify_and_set(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, listed: str, plain: bool
) -> None:
    text = build.descriptor().encode()

    def made(data: bytes) -> Path:
        members = {f"{name}.ovf": text, f"{name}.mf": manifest_of({listed: data, "disk.vmdk": b"d"}), "disk.vmdk": b"d"}
        if not plain:
            (tmp_path / "vm.ova").write_bytes(tar_of(members))
            return tmp_path / "vm.ova"
        for each, content in members.items():
            (tmp_path / each).write_bytes(content)
        return tmp_path / f"{name}.ovf"

    path = made(b"another")
    for command in (["verify"], ["set", "--in-place", "hostname=a"]):
        line = refusal(capsys, command[0], path, *command[1:])
        assert f"line 1: the SHA256 digest of {name}.ovf is wrong" in line

    path = made(text)
    assert main(["verify", str(path)]) == 0
    assert f"note: {name}.mf lists {listed}, {name + '.ovf'!a} is taken for it" in capsys.readouterr().out
    assert main(["set", str(path), "hostname=a", "--in-place"]) == 0
    assert main(["verify", str(path)]) == 0
    with read_package(path) as after:
        assert after.manifest is not None
        assert after.manifest.lines[0].written == listed
        assert after.properties[0].value == "a"


LETTERS = st.text("aA\u00e4\u0308\u1ea1\u0323\u0302\u212a/.", min_size=1, max_size=8)


@given(st.lists(LETTERS, max_size=8), LETTERS)
def test_what_is_found_is_alike_and_nearer_than_all_else(names: list[str], wanted: str) -> None:
    found = MemberNames(names).alike(wanted)

    assert set(found) <= set(names) and len(set(found)) == len(found)
    if wanted in names:
        assert found == (wanted,)
    elif any(composed(name) == composed(wanted) for name in names):
        assert set(found) == {name for name in names if composed(name) == composed(wanted)}
    else:
        assert set(found) == {name for name in names if folded(name) == folded(wanted)}


@given(st.text(max_size=20))
def test_every_normalisation_and_case_of_a_name_is_alike(name: str) -> None:
    assume(len(unicodedata.normalize("NFD", name)) <= 255)
    for form in ("NFC", "NFD"):
        assert composed(unicodedata.normalize(form, name)) == composed(name)
        assert folded(unicodedata.normalize(form, name)) == folded(name)
    if name.isascii():
        assert folded(name.upper()) == folded(name.lower()) == folded(name)


def test_a_line_about_a_file_that_is_missing_stays_missing(tmp_path: Path) -> None:
    path = package(tmp_path, "disk.vmdk", ["disk.vmdk", "disks.vmdk"], "disk.vmdk")

    with (
        read_package(path) as found,
        pytest.raises(ManifestError, match=r"disks\.vmdk is listed but not in"),
    ):
        verify_members(found)
