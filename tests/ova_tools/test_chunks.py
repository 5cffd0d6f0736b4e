"""A file in chunks is complete if all its chunks exist with the right sizes; a manifest does not change that."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ova_tools.chunks import chunk_fault
from ova_tools.edit import edit
from ova_tools.errors import PackageError
from ova_tools.inspect import report
from ova_tools.model import Reference
from ova_tools.notes import NoteKind
from ova_tools.package import Package, read_package
from ova_tools.verify import Verification, verify_members
from tests.support.appliances import manifest_of, tar_of

from . import build


def chunk(number: int, name: str = "disk.vmdk") -> str:
    return f"{name}.{number:09d}"


def descriptor(attributes: str) -> bytes:
    return build.descriptor(href=f'disk.vmdk" {attributes} ovf:x="').encode()


def package(folder: Path, attributes: str, files: dict[str, bytes], *, manifest: bool, plain: bool = False) -> Package:
    """A package whose only reference, disk.vmdk, has these attributes, and that has these files."""
    text = descriptor(attributes)
    members = {"vm.ovf": text, **({"vm.mf": manifest_of({"vm.ovf": text, **files})} if manifest else {}), **files}
    if not plain:
        (folder / "vm.ova").write_bytes(tar_of(members))
        return read_package(folder / "vm.ova")
    for name, data in members.items():
        (folder / name).write_bytes(data)
    return read_package(folder / "vm.ovf")


def verified(package: Package) -> Verification:
    with package:
        return verify_members(package)


WHOLE = {chunk(0): b"aaa", chunk(1): b"bbb", chunk(2): b"cc"}
SAID = 'ovf:size="8" ovf:chunkSize="3"'


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("manifest", [False, True])
def test_all_chunks_of_their_sizes_are_the_file(tmp_path: Path, manifest: bool, plain: bool) -> None:
    found = package(tmp_path, SAID, WHOLE, manifest=manifest, plain=plain)

    assert report(found)["references"][0]["present"] is True
    assert {note.kind for note in verified(found).notes} <= {NoteKind.NOT_CHECKED}


WRONG: dict[str, tuple[str, dict[str, bytes], str]] = {
    "the first is missing": (SAID, {chunk(1): b"bbb", chunk(2): b"cc"}, f"{chunk(0)} is not in the package"),
    "one between is missing": (SAID, {chunk(0): b"aaa", chunk(2): b"cc"}, f"{chunk(1)} is not in the package; 8 bytes"),
    "the last is missing": (SAID, {chunk(0): b"aaa", chunk(1): b"bbb"}, f"{chunk(2)} is not in the package; 8 bytes"),
    "all are missing": (SAID, {}, "disk.vmdk is not in the package"),
    "one too many": (SAID, {**WHOLE, chunk(3): b"d"}, f"{chunk(3)} is a chunk too many; 8 bytes in chunks of 3 are 3"),
    "an empty one too many": (SAID, {**WHOLE, chunk(3): b""}, f"{chunk(3)} is a chunk too many"),
    "a short one between": (SAID, {**WHOLE, chunk(1): b"b"}, f"{chunk(1)} has 1 bytes; all chunks but the last have 3"),
    "a long one between": (SAID, {**WHOLE, chunk(1): b"bbbb"}, f"{chunk(1)} has 4 bytes; all chunks but the last"),
    "the last too long": (SAID, {**WHOLE, chunk(2): b"ccc"}, f"{chunk(2)} has 3 bytes; the last of 8 bytes in chunks"),
    "the last too short": (SAID, {**WHOLE, chunk(2): b"c"}, f"{chunk(2)} has 1 bytes; the last of 8 bytes in chunks"),
    "a far number": (SAID, {**WHOLE, chunk(999_999_999): b"d"}, f"{chunk(3)} is not in the package"),
    "eight digits": (SAID, {name[:-9] + name[-8:]: data for name, data in WHOLE.items()}, "is not in the package"),
    "size 0 and yet bytes": ('ovf:size="0" ovf:chunkSize="3"', {chunk(0): b"a"}, "has 1 bytes; the last of 0 bytes"),
    "no size, a gap": ('ovf:chunkSize="3"', {chunk(0): b"aaa", chunk(2): b"c"}, f"{chunk(1)} is not in the package"),
    "no size, the last too long": ('ovf:chunkSize="3"', {chunk(0): b"aaaa"}, "has 4 bytes; the last chunk has 1 to 3"),
    "no chunkSize, a gap": ("", {chunk(0): b"aa", chunk(2): b"c"}, f"{chunk(1)} is not in the package"),
    "no chunkSize, uneven": ("", {chunk(0): b"aa", chunk(1): b"b", chunk(2): b"c"}, f"{chunk(1)} has 1 bytes"),
    "no chunkSize, too few": ('ovf:size="5"', {chunk(0): b"aa", chunk(1): b"bb"}, f"{chunk(2)} is not in the package"),
}


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("manifest", [False, True])
@pytest.mark.parametrize("what", WRONG)
def test_chunks_that_are_not_the_file_are_refused(tmp_path: Path, what: str, manifest: bool, plain: bool) -> None:
    attributes, files, message = WRONG[what]
    found = package(tmp_path, attributes, files, manifest=manifest, plain=plain)

    assert report(found)["references"][0]["present"] is False
    with pytest.raises(PackageError) as caught:
        verified(found)
    assert str(caught.value).startswith("file file1: ")
    assert message in str(caught.value)


ODD: dict[str, tuple[str, dict[str, bytes], str]] = {
    "no size": ('ovf:chunkSize="3"', WHOLE, "disk.vmdk is in chunks, and without ovf:size nothing says how many"),
    "in one piece": (SAID, {"disk.vmdk": b"a" * 8}, "disk.vmdk is in one piece, the descriptor says chunks of 3 bytes"),
    "chunkSize 0": ('ovf:size="1" ovf:chunkSize="0"', {"disk.vmdk": b"a"}, "disk.vmdk has a chunkSize of 0"),
    "a snapshot": ("", {chunk(0): b"a"}, f"disk.vmdk is there as {chunk(0)}, though the descriptor says nothing of"),
    "a snapshot, with size": ('ovf:size="1"', {chunk(0): b"a"}, f"disk.vmdk is there as {chunk(0)}, though"),
    "no chunkSize": ('ovf:size="3"', {chunk(0): b"aa", chunk(1): b"b"}, f"disk.vmdk is there as {chunk(0)}, though"),
    "order": (SAID, dict(reversed(WHOLE.items())), "the chunks of disk.vmdk do not follow each other in their order"),
}


@pytest.mark.parametrize("manifest", [False, True])
@pytest.mark.parametrize("what", ODD)
def test_what_is_odd_about_chunks_is_a_note_of_verify_inspect_and_set(
    tmp_path: Path, what: str, manifest: bool
) -> None:
    attributes, files, message = ODD[what]
    found = package(tmp_path, attributes, files, manifest=manifest)

    texts = [note.text for note in found.notes if note.kind is NoteKind.CHUNKS]
    assert len(texts) == 1 and message in texts[0]
    assert {"kind": "chunks", "text": texts[0]} in report(found)["notes"]
    assert found.notes[0] in edit(found, []).notes
    assert found.notes[0] in verified(found).notes


@pytest.mark.parametrize(
    ("attributes", "files"),
    [
        ('ovf:size="2" ovf:chunkSize="3"', {chunk(0): b"aa"}),
        ('ovf:size="6" ovf:chunkSize="3"', {chunk(0): b"aaa", chunk(1): b"bbb"}),
        ('ovf:size="0" ovf:chunkSize="3"', {chunk(0): b""}),
        ('ovf:size="1" ovf:chunkSize="99999999999999999999999"', {chunk(0): b"a"}),
    ],
)
def test_one_chunk_and_full_chunks_are_right(tmp_path: Path, attributes: str, files: dict[str, bytes]) -> None:
    assert len(verified(package(tmp_path, attributes, files, manifest=True)).hashed) == len(files) + 1


def test_a_snapshot_of_another_size_than_said_is_a_note_as_for_any_file(tmp_path: Path) -> None:
    notes = verified(package(tmp_path, 'ovf:size="7"', {chunk(0): b"a"}, manifest=True)).notes

    assert [note.text for note in notes if note.kind is NoteKind.SIZE] == [
        "disk.vmdk has 1 bytes, the descriptor says 7"
    ]


def test_a_file_in_one_piece_makes_what_looks_like_its_chunks_extra_members(tmp_path: Path) -> None:
    found = package(tmp_path, "", {"disk.vmdk": b"a", chunk(0): b"b"}, manifest=True)

    assert [note.text for note in verified(found).notes if note.kind is NoteKind.EXTRA_MEMBER] == [
        f"{chunk(0)} is an extra member: the descriptor does not refer to it"
    ]


@given(st.integers(0, 40), st.integers(1, 9), st.data())
def test_only_the_chunks_of_a_cut_file_are_that_file(size: int, unit: int, data: st.DataObject) -> None:
    """Cut as DSP0243 7.1 says, then one chunk is taken away, added, or made longer or shorter."""
    count = max(1, -(-size // unit))
    sizes = {number: min(unit, size - number * unit) for number in range(count)}
    reference = Reference("f", "d", size, chunk_size=unit)

    def fault(sizes: dict[int, int]) -> str:
        by_name = {chunk(number, "d"): length for number, length in sizes.items()}
        return chunk_fault(reference, "d", {number: chunk(number, "d") for number in sizes}, by_name.__getitem__)

    assert fault(sizes) == ""
    number = data.draw(st.integers(0, count - 1))
    other = data.draw(st.integers(0, 2 * unit).filter(lambda length: length != sizes[number]))
    assert chunk(number, "d") in fault({**sizes, number: other})
    assert chunk(number, "d") in fault({each: length for each, length in sizes.items() if each != number})
    beyond = data.draw(st.integers(count, count + 3))
    assert fault({**sizes, beyond: data.draw(st.integers(0, unit))})
