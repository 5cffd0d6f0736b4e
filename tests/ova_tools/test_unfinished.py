"""An unfinished file has no name, or one that no data object has; it goes with its writer, or before the next one."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from pathlib import Path

import pytest

from ova_tools import write
from ova_tools.errors import WriteError
from ova_tools.layout import Extent, Literal, Plan, plan_of
from ova_tools.write import put_in_place, stage

from . import build

PLAN = plan_of([Literal(b"head"), Extent(0, 300_000)])
FIRST = os.fsdecode(b".\xffova-0")
# The errors of a file system without unnamed files, and of one that accepts only UTF-8.
REFUSING = """
import errno, os
def refuse(*_, **__): raise OSError(errno.EOPNOTSUPP, "Operation not supported")
open_ = os.open
os.open = lambda path, flags, *rest, **named: (
    refuse() if flags & os.O_TMPFILE == os.O_TMPFILE else open_(path, flags, *rest, **named)
)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "source").write_bytes(build.disk(300_000))
    (tmp_path / "target").write_bytes(b"old")
    return tmp_path


@pytest.fixture(params=["unnamed", "named"])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Whether the file system knows files without a name."""
    kind: str = request.param
    if kind == "named":
        without_unnamed_files(monkeypatch)
    yield kind


def without_unnamed_files(monkeypatch: pytest.MonkeyPatch) -> None:
    open_ = os.open

    def opened(path: str | bytes, flags: int, mode: int = 0o777, **named: int) -> int:
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(errno.EOPNOTSUPP, "Operation not supported")
        return open_(path, flags, mode, **named)

    monkeypatch.setattr(os, "open", opened)


def put(folder: Path, name: str = "target", plan: Plan = PLAN) -> None:
    with (folder / "source").open("rb") as source:
        put_in_place(plan, source.fileno(), folder / name)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def killed(folder: Path, where: str, before: str = "") -> None:
    """Replace the target in a process of its own, which is killed at `where`."""
    script = f"""{before}
import os, signal
from ova_tools import layout, write
write.{where} = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
with open({str(folder / "source")!r}, "rb") as file:
    write.put_in_place(write.Plan((layout.Extent(0, 100),)), file.fileno(), {str(folder / "target")!r})
"""
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == -signal.SIGKILL


def test_a_writer_that_is_killed_while_it_writes_leaves_nothing(folder: Path) -> None:
    killed(folder, "os.fsync")

    assert names(folder) == ["source", "target"]
    assert (folder / "target").read_bytes() == b"old"


@pytest.mark.parametrize(
    ("where", "before"), [("os.replace", ""), ("os.fsync", REFUSING)], ids=["before its place", "without unnamed files"]
)
def test_what_a_killed_writer_left_is_removed_by_the_next(folder: Path, where: str, before: str) -> None:
    killed(folder, where, before)
    assert names(folder) == sorted([FIRST, "source", "target"])

    put(folder)

    assert names(folder) == ["source", "target"]


def test_nothing_is_seen_in_the_folder_while_a_file_is_written(folder: Path) -> None:
    seen: list[list[str]] = []

    with (folder / "source").open("rb") as source, stage(PLAN, source.fileno(), folder / "target") as staged:
        seen.append(names(folder))
        staged.commit()
        seen.append(names(folder))

    assert seen == [["source", "target"]] * 2


@pytest.mark.usefixtures("kind")
def test_a_living_writers_file_is_left_alone(folder: Path) -> None:
    with (folder / "source").open("rb") as source, stage(PLAN, source.fileno(), folder / "target") as staged:
        put(folder, plan=Plan((Literal(b"other"),)))
        assert (folder / "target").read_bytes() == b"other"
        staged.commit()

    assert (folder / "target").read_bytes()[:4] == b"head"
    assert names(folder) == ["source", "target"]


@pytest.mark.usefixtures("kind")
@pytest.mark.parametrize("name", [FIRST, ".target.0123456789ab.part", ".target.notes-of-bob.part", ".ova-0"])
def test_a_file_that_is_not_ours_stays_whatever_its_name(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"precious")

    for _ in range(2):
        put(folder)

    assert (folder / name).read_bytes() == b"precious"
    assert names(folder) == sorted([name, "source", "target"])


@pytest.mark.usefixtures("kind")
@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda place: place.symlink_to("source")])
def test_what_is_no_file_stays_too_and_is_not_followed(folder: Path, make: Callable[[Path], object]) -> None:
    make(folder / FIRST)

    put(folder)

    assert names(folder) == sorted([FIRST, "source", "target"])
    assert (folder / "source").read_bytes() == build.disk(300_000)


@pytest.mark.usefixtures("kind")
def test_a_hundred_files_that_are_not_ours_are_no_hindrance(folder: Path) -> None:
    for number in range(100):
        (folder / f"{FIRST[:-1]}{number}").mkdir()

    put(folder)

    assert len(names(folder)) == 102


@pytest.mark.usefixtures("kind")
@pytest.mark.parametrize("name", ["ü" * 117, "ü" * 125 + "ab", "ü" * 127, "ü" * 127 + "a", "a" * 255, "n"])
def test_any_name_that_a_file_may_have_can_be_replaced(folder: Path, name: str) -> None:
    for _ in range(2):
        put(folder, name)

    assert (folder / name).stat().st_size == PLAN.size
    assert len(names(folder)) == 3


@pytest.mark.usefixtures("kind")
def test_a_file_in_its_place_bears_no_mark(folder: Path) -> None:
    put(folder, "new")
    put(folder)

    assert os.listxattr(folder / "new") == os.listxattr(folder / "target") == []


@pytest.mark.usefixtures("kind")
def test_a_new_target_that_another_made_meanwhile_is_replaced(folder: Path) -> None:
    with (folder / "source").open("rb") as source, stage(PLAN, source.fileno(), folder / "new") as staged:
        (folder / "new").write_bytes(b"another")
        staged.commit()

    assert (folder / "new").stat().st_size == PLAN.size
    assert len(names(folder)) == 3


def test_the_temporary_name_is_no_text(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A catalog of iRODS holds names in UTF-8 only, and its server writes them as JSON: no data object can have it."""
    taken: list[bytes] = []
    link = write._link
    monkeypatch.setattr(write, "_link", lambda fd, name: link(fd, taken.append(name) or name))  # type: ignore[func-returns-value]

    put(folder)

    [name] = taken
    with pytest.raises(UnicodeDecodeError):
        name.decode()
    assert len(name) - len(os.fsencode(folder)) < 16


@pytest.mark.parametrize("refusal", [errno.EILSEQ, errno.EINVAL])
@pytest.mark.usefixtures("kind")
def test_a_file_system_that_takes_utf_8_only_gets_a_name_that_nobody_can_guess(
    folder: Path, monkeypatch: pytest.MonkeyPatch, refusal: int
) -> None:
    taken: list[str] = []
    named = write._named

    def named_in_utf_8(target: str, make: Callable[[bytes], int | None]) -> tuple[bytes, int | None]:
        def made(name: bytes) -> int | None:
            if b"\xff" in name:
                raise OSError(refusal, "Invalid or incomplete multibyte or wide character")
            taken.append(Path(os.fsdecode(name)).name)
            return make(name)

        return named(target, made)

    monkeypatch.setattr(write, "_named", named_in_utf_8)

    put(folder)
    put(folder)

    assert len(set(taken)) == 2
    assert all(len(name) == 37 for name in taken)
    assert names(folder) == ["source", "target"]


@pytest.mark.usefixtures("kind")
def test_a_file_system_without_attributes_or_locks_is_written_too(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    for name in ("setxattr", "getxattr", "removexattr"):
        monkeypatch.setattr(os, name, refuse)
    monkeypatch.setattr("ova_tools.write.fcntl.flock", refuse)

    put(folder)

    assert (folder / "target").stat().st_size == PLAN.size
    assert names(folder) == ["source", "target"]


@pytest.mark.usefixtures("kind")
def test_a_folder_that_was_moved_meanwhile_is_an_error_and_leaves_nothing_there(folder: Path) -> None:
    inner = folder / "collection"
    inner.mkdir()
    (inner / "target").write_bytes(b"old")
    with (folder / "source").open("rb") as source, stage(PLAN, source.fileno(), inner / "target") as staged:
        inner.rename(folder / "moved")
        with pytest.raises(WriteError, match="cannot be written: No such file or directory"):
            staged.commit()

    assert (folder / "moved" / "target").read_bytes() == b"old"


def replace_often(folder: Path, text: bytes) -> None:
    for _ in range(60):
        with (folder / "source").open("rb") as source:
            put_in_place(Plan((Literal(text * 5000),)), source.fileno(), folder / "target", durable=False)


@pytest.mark.usefixtures("kind")
def test_writers_of_one_file_at_once_leave_one_whole_file_and_nothing_else(folder: Path) -> None:
    context = get_context("fork")
    writers = [context.Process(target=replace_often, args=(folder, text)) for text in (b"a", b"b", b"c")]
    for writer in writers:
        writer.start()
    whole = {b"old", *(text * 5000 for text in (b"a", b"b", b"c"))}
    while any(writer.is_alive() for writer in writers):
        assert (folder / "target").read_bytes() in whole
    for writer in writers:
        writer.join()

    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    assert names(folder) == ["source", "target"]
