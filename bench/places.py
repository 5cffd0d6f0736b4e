"""The file systems to measure on: this machine's disk, and an XFS in a loop mount, made and removed here if root.

A bench ended by a signal still unmounts: `__main__` turns SIGTERM into an exception.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.results import Recorder, file_system


@dataclass(frozen=True)
class Place:
    """A folder to work in, and the type of its file system."""

    folder: Path
    kind: str


@contextmanager
def places(recorder: Recorder, xfs_size: int) -> Iterator[list[Place]]:
    """The recorder's own folder, and an XFS of at most `xfs_size` bytes beside it. Reports what is not possible."""
    own = Place(recorder.folder / "own", file_system(recorder.folder))
    own.folder.mkdir(exist_ok=True)
    with ExitStack() as stack:
        found = [own]
        if own.kind != "xfs":
            try:
                found.append(Place(stack.enter_context(xfs(recorder.folder, xfs_size)), "xfs"))
            except (OSError, subprocess.CalledProcessError) as error:
                recorder.skip(f"xfs: a loop mount cannot be made here ({_reason(error)})")
        yield found


def workplaces(recorder: Recorder, sizes: Sequence[int], copies: int) -> Iterator[tuple[Place, Path, int]]:
    """An empty folder for each size on each file system with room for so many copies of that size."""
    with places(recorder, (copies + 1) * max(sizes) + (1 << 30)) as found:
        for place in found:
            for size in sizes:
                if recorder.room_for(copies * size, f"{place.kind}, {size >> 20} MiB"):
                    with work(place.folder) as folder:
                        yield place, folder, size


@contextmanager
def xfs(folder: Path, size: int) -> Iterator[Path]:
    """Mounts an XFS that shares extents, of `size` bytes in a sparse file below `folder`.

    Raises OSError or CalledProcessError if that is not allowed.
    """
    if os.geteuid() != 0:
        raise PermissionError("it takes root")
    image, mount = folder / "xfs.img", folder / "xfs"
    with image.open("wb") as file:
        file.truncate(size)
    mount.mkdir()
    try:
        _run("mkfs.xfs", "-q", "-m", "reflink=1", image)
        _run("mount", "-o", "loop", image, mount)
        try:
            yield mount
        finally:
            _run("umount", mount)
    finally:
        mount.rmdir()
        image.unlink()


@contextmanager
def work(folder: Path) -> Iterator[Path]:
    """A folder below `folder`, removed afterwards with its unwritten data, for which nothing later pays."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        yield Path(name)
    os.sync()


def _run(*command: object) -> None:
    subprocess.run([str(word) for word in command], check=True, capture_output=True)


def _reason(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        return str(error.stderr.decode().strip().splitlines()[-1:] or error)
    return str(error)
