"""Zeros after an archive's end: no reader sees them, they take no room, and no edit keeps them."""

from __future__ import annotations

import subprocess
import tarfile
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ova_tools import tar
from ova_tools.cli import main
from ova_tools.edit import Change, edit
from ova_tools.layout import Extent, Literal, Plan, Zeros, padded, plan_of
from ova_tools.limits import MAX_PADDING
from ova_tools.package import read_package
from ova_tools.verify import verify_members
from ova_tools.write import put_in_place, stream

from . import build

BLOCKS = st.integers(0, 60) | st.just(1_000)
# The number of zero blocks at the end of an archive; None fills the last record, as GNU tar and tarfile do.
ENDS = st.sampled_from([None, 1, 2])


def archive(folder: Path, format: int = tarfile.USTAR_FORMAT, end: int | None = None, disk: int = 9000) -> Path:
    path = build.ova(folder, format=format, disk_data=build.disk(disk))
    if end is not None:
        data = path.read_bytes().rstrip(b"\0")
        path.write_bytes(data + bytes(-len(data) % 512 + end * 512))
    return path


def written(path: Path, plan: Plan, target: Path) -> Path:
    with path.open("rb") as source:
        put_in_place(plan, source.fileno(), target, durable=False)
    return target


def edited(path: Path, value: str | None = "sg12", spare: int = 8192) -> Plan:
    with read_package(path) as package:
        changes = [] if value is None else [Change(package.properties[0], value)]
        return edit(package, changes, spare=spare).plan


def members(path: Path) -> dict[str, tuple[int, bytes]]:
    with tarfile.open(path) as opened:
        found = {member.name: (member.offset_data, opened.extractfile(member)) for member in opened.getmembers()}
        return {name: (offset, stream.read() if stream else b"") for name, (offset, stream) in found.items()}


@settings(max_examples=40, deadline=None)
@given(st.sampled_from([0, 1, 2]), ENDS, st.integers(0, 30_000), BLOCKS)
def test_a_padded_archive_is_read_as_if_it_were_not(format: int, end: int | None, disk: int, blocks: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = archive(folder, format, end, disk)
        plan = edited(path)
        longer = padded(plan, plan.size + blocks * 512)
        plain, new = written(path, plan, folder / "plain.ova"), written(path, longer, folder / "new.ova")

        assert new.read_bytes() == plain.read_bytes() + bytes(blocks * 512)
        with path.open("rb") as source:
            assert b"".join(stream(longer, source.fileno(), block=70_000)) == new.read_bytes()
        assert members(new) == members(plain)
        with read_package(plain) as before, read_package(new) as after:
            assert (after.members, after.descriptor, after.manifest) == (
                before.members,
                before.descriptor,
                before.manifest,
            )
            assert verify_members(after) == verify_members(before)
        assert main(["verify", str(new)]) == 0


@settings(max_examples=40, deadline=None)
@given(ENDS, BLOCKS, st.sampled_from(["", "sg12", "x" * 20_000]), st.sampled_from([0, 8192]))
def test_an_edit_of_a_padded_archive_has_a_normal_end(end: int | None, blocks: int, value: str, spare: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = archive(folder, end=end)
        size = path.stat().st_size
        long = written(path, padded(Plan((Extent(0, size),)), size + blocks * 512), folder / "long.ova")

        once, again = edited(path, value, spare), edited(long, value, spare)

        assert 0 <= again.size - once.size < tar.RECORD
        if end is None:
            assert again == once


@pytest.mark.parametrize("end", [None, 1, 2])
def test_no_change_of_a_padded_archive_leaves_the_zeros_out(tmp_path: Path, end: int | None) -> None:
    path = archive(tmp_path, end=end)
    size = path.stat().st_size
    whole = Plan((Extent(0, size),))
    assert edited(path, None, spare=0) == (padded(whole, size + 512) if end == 1 else whole)
    with path.open("r+b") as file:
        file.truncate(size + (1 << 20))

    assert edited(path, None, spare=0).size < size + tar.RECORD


def test_zeros_do_not_gather_along_a_chain_of_edits(tmp_path: Path) -> None:
    path = archive(tmp_path, end=2)
    sizes = set()
    for number in range(6):
        plan = edited(path)
        sizes.add(plan.size)
        path = written(path, padded(plan, plan.size + (number + 1) * 99 * 512), tmp_path / f"{number}.ova")

    assert max(sizes) - min(sizes) < tar.RECORD


def test_zeros_take_no_room(tmp_path: Path) -> None:
    path = archive(tmp_path)
    plan = edited(path)
    seen: list[int] = []

    with path.open("rb") as source:
        longer = padded(plan, plan.size + MAX_PADDING)
        put_in_place(longer, source.fileno(), tmp_path / "new.ova", report=seen.append)

    assert sum(seen) == longer.size == (tmp_path / "new.ova").stat().st_size
    assert (tmp_path / "new.ova").stat().st_blocks * 512 < 1 << 20
    with read_package(tmp_path / "new.ova") as package:
        assert package.size == longer.size


def test_a_stream_of_zeros_is_made_piece_by_piece() -> None:
    pieces = stream(Plan((Zeros(1 << 50), Literal(b"end"))), source_fd=-1, block=1000)

    assert [next(pieces) for _ in range(3)] == [bytes(1000)] * 3
    assert list(stream(Plan((Zeros(2500),)), -1, 1000)) == [bytes(1000), bytes(1000), bytes(500)]


def test_gnu_tar_reads_a_padded_archive(tmp_path: Path) -> None:
    path = archive(tmp_path)
    plan = edited(path)
    new = written(path, padded(plan, plan.size + 777 * 512), tmp_path / "new.ova")

    listed = subprocess.run(["tar", "tf", new], capture_output=True, check=True, text=True)

    assert listed.stdout == "vm.ovf\nvm.mf\ndisk.vmdk\n"
    assert listed.stderr == ""


def test_neighbours_of_zeros_are_one_and_none_is_empty() -> None:
    assert plan_of([Zeros(0), Zeros(512), Zeros(512), Literal(b""), Extent(0, 1), Zeros(0)]) == Plan(
        (Zeros(1024), Extent(0, 1))
    )


@pytest.mark.parametrize("more", [-512, 1, 511, 513, MAX_PADDING + 512])
def test_what_is_no_padding_is_refused(more: int) -> None:
    plan = Plan((Literal(bytes(10_240)),))

    with pytest.raises(ValueError, match="an archive of 10240 bytes cannot be padded to"):
        padded(plan, plan.size + more)


def test_a_plan_of_its_own_size_is_itself() -> None:
    plan = Plan((Literal(bytes(10_240)),))

    assert padded(plan, plan.size) == plan


def test_a_tail_of_other_bytes_is_seen_behind_a_hole(tmp_path: Path) -> None:
    path = archive(tmp_path)
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.truncate(size + (8 << 20))
        file.seek(size + (5 << 20))
        file.write(b"x")

    assert main(["inspect", str(path)]) == 1
