"""Files in the vaults of other servers of the zone: their states, copies of small ones, the heads of packages."""

from __future__ import annotations

import base64
import errno
import os
from collections.abc import Iterable, Sequence

from ova_rules.errors import AwayError, Changed, ComponentError
from ova_rules.servers.asking import ask
from ova_tools.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from ova_rules.servers.asking import Channel
    from ova_rules.settings import Settings
    from ova_tools.package import Package

PIECE_BYTES = 60_000


@dataclass(frozen=True)
class FileState:
    """What `os.stat` tells of a file on another server: number, size in bytes, time of change in ns, and mode."""

    st_ino: int
    st_size: int
    st_mtime_ns: int
    st_mode: int


def states(channel: Channel, settings: Settings, places: Iterable[tuple[str, str]]) -> dict[tuple[str, str], FileState]:
    """The states of files, by host and path. Those that do not exist, or whose server gives no answer, are left out."""
    files: dict[str, list[str]] = {}
    for host, path in dict.fromkeys(places):
        files.setdefault(host, []).append(path)
    found: dict[tuple[str, str], FileState] = {}
    for host, paths in files.items():
        try:
            answers = ask(channel, settings, host, "files", paths=paths)
        except AwayError:  # what needs the file says so
            continue
        for path, state in zip(paths, answers):
            if state is not None:
                found[host, path] = FileState(*state)
    return found


def states_here(paths: Sequence[str]) -> list[list[int] | None]:
    """The answer of the files' server: the fields of `FileState` for each path, None where there is no file."""
    found: list[list[int] | None] = []
    for path in paths:
        try:
            state = os.stat(path)
        except OSError:
            found.append(None)
        else:
            found.append([state.st_ino, state.st_size, state.st_mtime_ns, state.st_mode])
    return found


def copied(channel: Channel, settings: Settings, host: str, path: str, state: FileState, target: BinaryIO) -> None:
    """Copies a file of another server. Raises Changed if it is no longer in this state."""
    for offset in range(0, state.st_size, PIECE_BYTES):
        target.write(piece(channel, settings, host, path, state, offset))


class _FileThere:
    """A file of another server as a reader of packages takes it."""

    def __init__(self, channel: Channel, settings: Settings, host: str, path: str, state: FileState) -> None:
        self.size = state.st_size
        self._place = channel, settings, host, path, state
        self._data, self._start = b"", 0

    def pread(self, count: int, offset: int) -> bytes:
        """Up to `count` bytes from byte `offset` on. Raises OSError."""
        if not self._start <= offset < self._start + len(self._data) and offset < self.size:
            try:
                self._data, self._start = piece(*self._place, offset), offset
            except (ComponentError, Changed) as error:
                raise OSError(errno.EIO, str(error) or "it is being written") from error
        at = offset - self._start
        return self._data[at : at + count] if at >= 0 else b""


def archive_at(channel: Channel, settings: Settings, host: str, path: str, state: FileState | None) -> Package:
    """The package in a file of whichever server, to read its descriptor and manifest. Raises OvaError.

    state: of the file, if it is on another server; None if it is on this one.
    """
    from ova_tools.package import read_archive, read_archive_from

    if state is None:
        return read_archive(path)
    return read_archive_from(_FileThere(channel, settings, host, path, state), path)


def piece(channel: Channel, settings: Settings, host: str, path: str, state: FileState, offset: int) -> bytes:
    """Up to PIECE_BYTES bytes of a file of another server. Raises Changed if it is no longer in this state."""
    text = ask(channel, settings, host, "piece", path=path, offset=offset, version=[state.st_ino, state.st_mtime_ns])
    return base64.b64decode(text)


def piece_here(path: str, offset: int, version: Sequence[int]) -> str:
    """The answer of the file's server to `piece`."""
    try:
        with open(path, "rb") as stream:
            state = os.fstat(stream.fileno())
            if [state.st_ino, state.st_mtime_ns] != list(version):
                raise Changed
            return base64.b64encode(os.pread(stream.fileno(), PIECE_BYTES, offset)).decode("ascii")
    except OSError as error:
        raise ComponentError(f"a file cannot be read: {error.strerror}", lasting=False) from error
