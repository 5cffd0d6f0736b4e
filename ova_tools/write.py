"""Carry out a plan, and put a file in its place whole or not at all.

With `extents` the only module that writes. Must never leave a half-written file under the target's name, and must
never follow a link or reuse a file that someone else put in its place. Source: rename(2).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
from collections.abc import Iterator

from .errors import WriteError
from .extents import Carrier, Method, Report, short, write_all
from .layout import Literal, Plan

_PIECE = 1 << 20
_TEMPORARY = ".part"
_RANDOM = 6  # bytes in a temporary file's name


def write(plan: Plan, source_fd: int, target_fd: int, report: Report | None = None, *, to_disk: bool = False) -> Method:
    """Write `plan` to `target_fd`, an empty regular file open for writing; sizes and offsets are bytes.

    to_disk: the caller syncs the target. Raises WriteError if there is no room, the source is shorter than the plan
    says, or the system refuses. The target is then incomplete, and the caller's to remove or truncate.
    """
    carrier = Carrier(source_fd, target_fd, report, to_disk=to_disk)
    try:
        offset = 0
        os.ftruncate(target_fd, plan.size)
        for segment in plan.segments:
            if isinstance(segment, Literal):
                write_all(target_fd, segment.data, offset)
                carrier.done(len(segment.data))
            else:
                carrier.extent(segment, offset)
            offset += segment.length
    except OSError as error:
        raise WriteError(f"the result cannot be written: {error.strerror or error}") from error
    return carrier.method


def stream(plan: Plan, source_fd: int, block: int = _PIECE) -> Iterator[bytes]:
    """Yield the planned file's bytes in pieces of at most `block` bytes. Raises WriteError for a short source."""
    for segment in plan.segments:
        if isinstance(segment, Literal):
            for start in range(0, segment.length, block):
                yield segment.data[start : start + block]
            continue
        position, end = segment.offset, segment.offset + segment.length
        while position < end:
            data = os.pread(source_fd, min(block, end - position), position)
            if not data:
                raise short(position)
            position += len(data)
            yield data


def put_in_place(
    plan: Plan,
    source_fd: int,
    target: str | os.PathLike[str],
    *,
    mode: int = 0o600,
    durable: bool = True,
    report: Report | None = None,
) -> Method:
    """Put the planned file at `target`, replacing what is there in one step.

    It is written to a hidden file beside the target, which is removed on any failure; what a killed writer left there
    is removed too. An existing target's mode and owner are kept, else `mode` is used. `durable` syncs it to the disk
    before. Raises WriteError.
    """
    staged = stage(plan, source_fd, target, mode=mode, durable=durable, report=report)
    with staged:
        staged.commit()
    return staged.method


class Staged:
    """A planned file, written beside its target and not yet in its place. Leaving its `with` block removes it."""

    def __init__(self, fd: int, temporary: str, target: str, durable: bool) -> None:
        self._fd, self._temporary, self._target, self._durable = fd, temporary, target, durable
        self._committed = False
        self.method = Method.SHARED

    def commit(self, *, sync_directory: bool = True) -> None:
        """Put the file in its target's place, in one step. Raises WriteError.

        Without `sync_directory` a power cut may bring the old file back, whole; never a torn one.
        """
        try:
            os.replace(self._temporary, self._target)
        except OSError as error:
            raise _cannot_write(self._target, error) from error
        self._committed = True
        if self._durable and sync_directory:
            _sync_directory(os.path.dirname(self._target))

    def __enter__(self) -> Staged:
        return self

    def __exit__(self, *_: object) -> None:
        if not self._committed:
            _unlink(self._temporary)
        os.close(self._fd)


def stage(
    plan: Plan,
    source_fd: int,
    target: str | os.PathLike[str],
    *,
    mode: int = 0o600,
    durable: bool = True,
    report: Report | None = None,
) -> Staged:
    """Write the planned file beside `target`, to be committed there later; otherwise as `put_in_place`."""
    target = os.fspath(target)
    try:
        old = os.lstat(target)
    except FileNotFoundError:
        old = None
    except OSError as error:
        raise _cannot_write(target, error) from error
    if old is not None and not stat.S_ISREG(old.st_mode):
        raise WriteError(f"{target} is not a regular file and is not replaced")
    try:
        _remove_stale(target)
        fd, temporary = _open_temporary(target)
    except OSError as error:
        raise _cannot_write(target, error) from error
    staged = Staged(fd, temporary, target, durable)
    try:
        staged.method = write(plan, source_fd, fd, report, to_disk=durable)
        _take_over(fd, old, mode)
        if durable:
            os.fsync(fd)
    except OSError as error:
        staged.__exit__()
        raise _cannot_write(target, error) from error
    except BaseException:
        staged.__exit__()
        raise
    return staged


def _cannot_write(target: str, error: OSError) -> WriteError:
    return WriteError(f"{target} cannot be written: {error.strerror or error}")


def _open_temporary(target: str) -> tuple[int, str]:
    """Create a hidden file beside `target`, locked for as long as its writer lives."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    start = os.path.join(*_beside(target))
    while True:
        path = f"{start}{os.urandom(_RANDOM).hex()}{_TEMPORARY}"
        try:
            fd = os.open(path, flags, 0o600)
        except FileExistsError:
            continue
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(fd), os.lstat(path)):
                return fd, path
        except BlockingIOError:
            pass  # another writer took it for a dead one's in this very moment
        except FileNotFoundError:
            pass
        except OSError:
            return fd, path  # a file system without locks
        os.close(fd)


def _remove_stale(target: str) -> None:
    """Remove the temporary files of writers that died: the kernel has let go of their locks."""
    folder, start = _beside(target)
    for name in os.listdir(folder or os.curdir):
        if not (
            name.startswith(start) and name.endswith(_TEMPORARY) and len(name) == len(start) + 12 + len(_TEMPORARY)
        ):
            continue
        path = os.path.join(folder, name)
        try:
            fd = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _unlink(path)
        except OSError:
            pass  # its writer lives, or it is not ours to remove
        finally:
            os.close(fd)


def _beside(target: str) -> tuple[str, str]:
    """The folder of `target`, and how the names of the temporary files for it begin."""
    folder, name = os.path.split(target)
    return folder, f".{name[:200]}."


def _unlink(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def _take_over(fd: int, old: os.stat_result | None, mode: int) -> None:
    if old is not None:
        mode = stat.S_IMODE(old.st_mode)
        mine = os.fstat(fd)
        if (mine.st_uid, mine.st_gid) != (old.st_uid, old.st_gid):
            try:
                os.fchown(fd, old.st_uid, old.st_gid)
            except OSError:
                mode &= 0o777  # not ours to give away; then no set-id bits either
    os.fchmod(fd, mode)


def _sync_directory(directory: str) -> None:
    try:
        fd = os.open(directory or os.curdir, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return
    try:
        os.fsync(fd)
    except OSError:
        pass  # some network file systems do not know it; the rename is done
    finally:
        os.close(fd)
