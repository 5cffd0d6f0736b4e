"""The file of a saved grid: reading gives what was written, and damaged or hostile files are refused."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ova_grid.errors import GridError
from ova_grid.restore import moved
from ova_grid.saved import Archive, SavedAvu, SavedCollection, SavedGrid, SavedObject, parse, write

NAMES = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1).filter(
    lambda name: name not in (".", "..")
)
AVUS = st.lists(st.builds(SavedAvu, st.text(), st.text(), st.text()), max_size=3).map(tuple)


@st.composite
def grids(draw: st.DrawFn) -> tuple[SavedGrid, list[bytes]]:
    machines = sorted(draw(st.sets(NAMES, max_size=3)))
    collections = ["", *machines, *(f"{machine}/install" for machine in machines)]
    contents = draw(st.lists(st.binary(max_size=50), min_size=len(machines), max_size=len(machines)))
    objects = [
        SavedObject(f"{machine}/install/{draw(NAMES)}", draw(AVUS), len(data), hashlib.sha256(data).hexdigest())
        for machine, data in zip(machines, contents)
    ]
    return SavedGrid("/z/g", tuple(SavedCollection(path, draw(AVUS)) for path in collections), tuple(objects)), contents


def written(grid: SavedGrid, contents: list[bytes]) -> bytes:
    out = io.BytesIO()
    write(grid, [io.BytesIO(data) for data in contents], out)
    return out.getvalue()


@given(grids())
def test_what_goes_in_comes_out(made: tuple[SavedGrid, list[bytes]]) -> None:
    grid, contents = made
    with Archive(io.BytesIO(written(grid, contents))) as archive:
        archive.check()
        assert archive.grid == grid
        assert [b"".join(archive.content(number)) for number in range(len(contents))] == contents


@given(grids(), st.data())
def test_a_file_that_is_cut_or_changed_is_refused_or_the_same(
    made: tuple[SavedGrid, list[bytes]], data: st.DataObject
) -> None:
    whole = bytearray(written(*made))
    if data.draw(st.booleans()):
        whole = whole[: data.draw(st.integers(0, len(whole)))]
    else:
        whole[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        with Archive(io.BytesIO(whole)) as archive:
            archive.check()
            found = [b"".join(archive.content(number)) for number in range(len(archive.grid.objects))]
    except GridError as error:
        assert len(str(error).splitlines()) <= 1 or str(error)
        return
    assert [hashlib.sha256(each).hexdigest() for each in found] == [each.sha256 for each in archive.grid.objects]


def index(**changes: Any) -> bytes:
    parts: dict[str, Any] = {"format": 1, "root": "/z/g", "collections": [{"path": "", "avus": []}], "objects": []}
    return json.dumps({**parts, **changes}).encode()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"[]", "its format is None"),
        (b"{", "its index cannot be read"),
        (b"[" * 100_000, "its index cannot be read"),
        (index(format=2), "its format is 2"),
        (index(root="z/g"), "no absolute path"),
        (index(root="/z/../g"), "no absolute path"),
        (index(collections=[{"path": "", "avus": [["a", "b"]]}]), "its index cannot be read"),
        (index(collections=[{"path": "", "avus": []}, {"path": "../x", "avus": []}]), "leads out of the grid"),
        (index(collections=[{"path": "", "avus": []}, {"path": "/etc", "avus": []}]), "leads out of the grid"),
        (index(collections=[{"path": "", "avus": []}, {"path": "a/../b", "avus": []}]), "leads out of the grid"),
        (index(collections=[{"path": "", "avus": []}, {"path": "a//b", "avus": []}]), "leads out of the grid"),
        (index(collections=[{"path": "", "avus": []}] * 2), "twice"),
        (index(collections=[{"path": "", "avus": []}, {"path": "a/b", "avus": []}]), "is missing in it"),
        (index(objects=[{"path": "a", "avus": [], "size": -1, "sha256": ""}]), "no number of bytes"),
    ],
)
def test_what_is_no_grid_is_refused_in_one_line(text: bytes, why: str) -> None:
    with pytest.raises(GridError, match=why):
        parse(text)


def archive_of(*members: tuple[str, bytes], kind: bytes = tarfile.REGTYPE) -> io.BytesIO:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size, info.type = len(data), kind
            tar.addfile(info, io.BytesIO(data))
    out.seek(0)
    return out


@pytest.mark.parametrize(
    "stream",
    [
        io.BytesIO(b""),
        io.BytesIO(b"no archive at all" * 100),
        archive_of(("other.json", index())),
        archive_of(("grid.json", b""), kind=tarfile.SYMTYPE),
    ],
)
def test_what_is_no_archive_is_refused(stream: io.BytesIO) -> None:
    stream.seek(0)
    with pytest.raises(GridError, match="no saved grid"):
        Archive(stream)


def test_members_that_the_index_does_not_know_are_refused() -> None:
    one = {"path": "a", "avus": [], "size": 1, "sha256": hashlib.sha256(b"x").hexdigest()}
    for members in ([("objects/000001", b"x")], [("../../etc/passwd", b"x")], [], [("objects/000000", b"xy")]):
        with (
            Archive(archive_of(("grid.json", index(objects=[one])), *members)) as archive,
            pytest.raises(GridError),
        ):
            archive.check()


@pytest.mark.parametrize(
    ("attribute", "value", "at_its_new_place"),
    [
        ("ova_url", "/z/g/images/base.ova", "/y/h/images/base.ova"),
        ("ova_url", "/z/g2/base.ova", "/z/g2/base.ova"),
        ("ova_url", "../images/base.ova", "../images/base.ova"),
        ("ova_like", "/z/g/a", "/y/h/a"),
        ("ova_url", "${/z/g/a:ova_url}", "${/y/h/a:ova_url}"),
        ("hostname", "${/z/g/a:hostname}.${/z/other:x}", "${/y/h/a:hostname}.${/z/other:x}"),
        ("comment", "see /z/g/a", "see /z/g/a"),
        ("hostname", "${a:hostname}", "${a:hostname}"),
    ],
)
def test_paths_into_the_grid_lead_into_the_new_one(attribute: str, value: str, at_its_new_place: str) -> None:
    assert moved("/z/g", "/y/h", "/y/h/m", SavedAvu(attribute, value)).value == at_its_new_place
