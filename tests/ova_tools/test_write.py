"""Writes a plan completely or not at all, on any file system."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ova_tools import extents
from ova_tools.errors import WriteError
from ova_tools.extents import Method, can_share
from ova_tools.layout import Extent, Literal, Plan, plan_of
from ova_tools.write import put_in_place, stream, write

from . import build


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.write_bytes(build.disk(300_001))
    return path


PLAN = plan_of(
    [Literal(b"head" * 1024), Extent(4096, 200_000), Literal(b"middle"), Extent(0, 3), Extent(250_000, 50_001)]
)


def expected(source: Path) -> bytes:
    data = source.read_bytes()
    return b"head" * 1024 + data[4096:204_096] + b"middle" + data[:3] + data[250_000:300_001]


def test_a_plan_is_written_as_planned(source: Path, tmp_path: Path) -> None:
    with source.open("rb") as old, (tmp_path / "new").open("wb") as new:
        write(PLAN, old.fileno(), new.fileno())

    assert (tmp_path / "new").read_bytes() == expected(source)
    assert PLAN.size == len(expected(source))


@pytest.mark.parametrize("missing", ["_clone", "_clone and copy_file_range"])
def test_a_plan_is_written_the_same_where_the_kernel_helps_less(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(extents, "_clone", lambda *_: False)
    if "copy_file_range" in missing:
        monkeypatch.setattr(os, "copy_file_range", refuse)

    with source.open("rb") as old, (tmp_path / "new").open("wb") as new:
        method = write(PLAN, old.fileno(), new.fileno())

    assert (tmp_path / "new").read_bytes() == expected(source)
    assert method is (Method.COPIED if "copy_file_range" in missing else Method.COPIED_IN_KERNEL)


def test_a_stream_gives_the_same_bytes(source: Path) -> None:
    with source.open("rb") as old:
        pieces = list(stream(PLAN, old.fileno(), block=1000))

    assert b"".join(pieces) == expected(source)
    assert max(map(len, pieces)) == 1000


def test_holes_of_the_source_stay_holes(tmp_path: Path) -> None:
    with (tmp_path / "source").open("wb") as file:
        file.truncate(64 << 20)
        os.pwrite(file.fileno(), b"end", (64 << 20) - 3)

    with (tmp_path / "source").open("rb") as old:
        put_in_place(Plan((Extent(0, 64 << 20),)), old.fileno(), tmp_path / "new")

    assert (tmp_path / "new").stat().st_size == 64 << 20
    assert (tmp_path / "new").stat().st_blocks * 512 < 1 << 20


def test_publishing_replaces_the_target_in_one_step_and_keeps_its_mode(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"old")
    target.chmod(0o640)

    with source.open("rb") as old, target.open("rb") as reader:
        put_in_place(PLAN, old.fileno(), target)
        assert reader.read() == b"old"

    assert target.read_bytes() == expected(source)
    assert target.stat().st_mode & 0o777 == 0o640
    assert sorted(p.name for p in tmp_path.iterdir()) == ["source", "target"]


def test_a_new_target_is_private_unless_told_otherwise(source: Path, tmp_path: Path) -> None:
    with source.open("rb") as old:
        put_in_place(PLAN, old.fileno(), tmp_path / "private")
        put_in_place(PLAN, old.fileno(), tmp_path / "shared", mode=0o644)

    assert (tmp_path / "private").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "shared").stat().st_mode & 0o777 == 0o644


def test_a_source_that_became_shorter_leaves_the_old_target(source: Path, tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"old")
    os.truncate(source, 100_000)

    with source.open("rb") as old, pytest.raises(WriteError, match="the source ends at byte 100000"):
        put_in_place(PLAN, old.fileno(), tmp_path / "target")

    assert (tmp_path / "target").read_bytes() == b"old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["source", "target"]


def test_a_full_disk_leaves_the_old_target(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    (tmp_path / "target").write_bytes(b"old")
    monkeypatch.setattr(os, "pwrite", full)

    with source.open("rb") as old, pytest.raises(WriteError, match="No space left on device"):
        put_in_place(PLAN, old.fileno(), tmp_path / "target")

    assert (tmp_path / "target").read_bytes() == b"old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["source", "target"]


def test_a_full_disk_is_known_before_anything_is_copied(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(extents, "_clone", lambda *_: False)
    monkeypatch.setattr(extents, "_file_system", lambda _: "ext4")
    monkeypatch.setattr(os, "posix_fallocate", full)
    monkeypatch.setattr(os, "copy_file_range", lambda *_: pytest.fail("something was copied"))

    with source.open("rb") as old, pytest.raises(WriteError, match="No space left on device"):
        put_in_place(PLAN, old.fileno(), tmp_path / "target")

    assert [p.name for p in tmp_path.iterdir()] == ["source"]


@pytest.mark.parametrize(("kind", "asked"), [("ext4", 1), ("zfs", 0)])
def test_blocks_are_asked_for_at_once_only_where_that_costs_nothing(
    kind: str, asked: int, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[object] = []

    def refuse(*arguments: object) -> None:
        calls.append(arguments)
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(extents, "_clone", lambda *_: False)
    monkeypatch.setattr(extents, "_file_system", lambda _: kind)
    monkeypatch.setattr(os, "posix_fallocate", refuse)

    with source.open("rb") as old:
        put_in_place(PLAN, old.fileno(), tmp_path / "target")

    assert (tmp_path / "target").read_bytes() == expected(source)
    assert len(calls) == asked


def test_the_kind_of_file_system_is_the_one_that_is_mounted_there() -> None:
    with Path("/proc/self/status").open("rb") as file:
        assert extents._file_system(file.fileno()) == "proc"


@pytest.mark.parametrize("share", [True, False])
def test_every_byte_is_reported_once(
    share: bool, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with source.open("r+b") as file:  # with a hole
        os.pwrite(file.fileno(), b"end", 9_000_000)
    plan = plan_of([Literal(b"head"), Extent(4096, 8_995_000)])
    reported: list[int] = []
    if not share:
        monkeypatch.setattr(extents, "_clone", lambda *_: False)

    with source.open("rb") as old:
        put_in_place(plan, old.fileno(), tmp_path / "target", report=reported.append)

    assert sum(reported) == plan.size


def test_a_link_in_the_targets_place_is_not_followed(source: Path, tmp_path: Path) -> None:
    (tmp_path / "victim").write_bytes(b"untouched")
    (tmp_path / "target").symlink_to("victim")

    with source.open("rb") as old, pytest.raises(WriteError, match="is not a regular file"):
        put_in_place(PLAN, old.fileno(), tmp_path / "target")

    assert (tmp_path / "victim").read_bytes() == b"untouched"


def test_probing_for_shared_extents_leaves_nothing(source: Path, tmp_path: Path) -> None:
    assert can_share(source, tmp_path) in (True, False)
    assert not can_share(source, Path("/proc"))
    assert [p.name for p in tmp_path.iterdir()] == ["source"]
