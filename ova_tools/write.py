"""Carry out a plan, and put a file in its place completely or not at all.

Only this module and `extents` write. It must never leave a half-written file under the target's name, never follow a
link or reuse a file that someone else put in its place, and never remove what this module did not make.

A file has no name while it is written (O_TMPFILE), so it disappears with its writer. It gets a name only for the moment
before it replaces another file. That name, and the name of a file on a file system without unnamed files, is not UTF-8,
so in a vault of iRODS it belongs to no data object: the server writes the names of a new object as JSON before it makes
the file, and a catalog in UTF-8 refuses to rename an object to it. A file left by a writer that was killed in that
moment is recognised by its mark and its lock, and removed when the name is next needed. Source: open(2) O_TMPFILE,
linkat(2), rename(2), flock(2), xattr(7); iRODS 4.2.12 to 5.0.2, create_new_replica, register_physical_path,
replica_proxy to_json.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
from collections.abc import Callable, Iterator

from .errors import WriteError
from .extents import Carrier, Method, Report, short, write_all
from .layout import Extent, Literal, Piece, Plan, Zeros

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    _T = TypeVar("_T")

_PIECE = 1 << 20
_NAME = b".\xffova-"  # and a number
_NUMBERS = 100  # so many writers in one folder find what a killed one left; further ones take a random name
_MARK = "user.ova_tools.unfinished"  # the extended attribute of a file that is not in its place yet
_NO_UNNAMED_FILES = {errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOSYS}
_NO_SUCH_NAMES = {errno.EILSEQ, errno.EINVAL}  # of file systems that accept UTF-8 only


def write(plan: Plan, source_fd: int, target_fd: int, report: Report | None = None, *, to_disk: bool = False) -> Method:
    """Write `plan` to `target_fd`, an empty regular file open for writing; sizes and offsets are bytes.

    to_disk: the caller syncs the target. Raises WriteError if there is no room, the source is shorter than the plan
    says, or the system refuses. The target is then incomplete, and the caller must remove or truncate it.
    """
    carrier = Carrier(source_fd, target_fd, report, to_disk=to_disk)
    try:
        offset = 0
        os.ftruncate(target_fd, plan.size)
        for segment in plan.segments:
            if isinstance(segment, Literal):
                write_all(target_fd, segment.data, offset)
                carrier.done(segment.length)
            elif isinstance(segment, Zeros):  # a hole made by ftruncate
                carrier.done(segment.length)
            elif isinstance(segment, Piece):
                Carrier(segment.fd, target_fd, report, to_disk=to_disk).extent(Extent(0, segment.length), offset)
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
        if isinstance(segment, Zeros):
            zeros = bytes(min(block, segment.length))
            for start in range(0, segment.length, block):
                yield zeros[: segment.length - start]
            continue
        fd, position = (segment.fd, 0) if isinstance(segment, Piece) else (source_fd, segment.offset)
        end = position + segment.length
        while position < end:
            data = os.pread(fd, min(block, end - position), position)
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

    It is written to the target's folder without a name; after a failure nothing of it stays. An existing target's mode
    and owner are kept, else `mode` is used. `durable` syncs it to the disk first. Raises WriteError.
    """
    staged = stage(plan, source_fd, target, mode=mode, durable=durable, report=report)
    with staged:
        staged.commit()
    return staged.method


class Staged:
    """A planned file, written in its target's folder and not yet in its place. Leaving its `with` block removes it."""

    def __init__(self, fd: int, name: bytes | None, target: str, *, durable: bool, replaces: bool) -> None:
        self._fd, self._name, self._target, self._durable, self._replaces = fd, name, target, durable, replaces
        self.method = Method.SHARED

    def commit(self, *, sync_directory: bool = True) -> None:
        """Put the file in its target's place, in one step. Raises WriteError.

        Without `sync_directory` a power cut may bring the complete old file back, but never a torn one.
        """
        try:
            if not self._linked():
                if self._name is None:
                    self._name, _ = _named(self._target, lambda name: _link(self._fd, name))
                os.replace(self._name, self._target)
        except OSError as error:
            raise _cannot_write(self._target, error) from error
        self._name = None
        with contextlib.suppress(OSError):
            os.removexattr(self._fd, _MARK)
        if self._durable and sync_directory:
            _sync_directory(os.path.dirname(self._target))

    def _linked(self) -> bool:
        """Give an unnamed file its target's name, if that is free; then it needs no other name."""
        if self._replaces or self._name is not None:
            return False
        try:
            _link(self._fd, os.fsencode(self._target))
        except FileExistsError:  # made since the file was begun
            return False
        return True

    def __enter__(self) -> Staged:
        return self

    def __exit__(self, *_: object) -> None:
        if self._name is not None:
            _unlink(self._name)
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
    """Write the planned file in the folder of `target`, to be committed there later; otherwise as `put_in_place`."""

    def fill(fd: int) -> Method:
        return write(plan, source_fd, fd, report, to_disk=durable)

    return stage_with(fill, target, mode=mode, durable=durable)


def stage_with(
    fill: Callable[[int], Method], target: str | os.PathLike[str], *, mode: int = 0o600, durable: bool = True
) -> Staged:
    """Stage the file that `fill` writes to a descriptor, which is open for writing and empty; otherwise as `stage`."""
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
        fd, name = _opened(target)
    except OSError as error:
        raise _cannot_write(target, error) from error
    staged = Staged(fd, name, target, durable=durable, replaces=old is not None)
    try:
        staged.method = fill(fd)
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


def _opened(target: str) -> tuple[int, bytes | None]:
    """Open a new file in the folder of `target`; its name is None if the file system supports unnamed files."""
    try:
        fd = os.open(os.path.dirname(target) or os.curdir, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        if error.errno not in _NO_UNNAMED_FILES:
            raise
    else:
        if os.path.exists(_path(fd)):  # without /proc it could never get a name
            _mark(fd)
            return fd, None
        os.close(fd)
    name, fd = _named(target, _created)
    return fd, name


def _named(target: str, make: Callable[[bytes], _T]) -> tuple[bytes, _T]:
    """Return the result of `make` for a name in the folder of `target`, and the name. `make` refuses a taken name."""
    folder = os.fsencode(os.path.dirname(target))
    for number in range(_NUMBERS):
        name = os.path.join(folder, _NAME + b"%d" % number)
        try:
            for _ in range(2):
                with contextlib.suppress(FileExistsError):
                    return name, make(name)
                if not _removed(name):
                    break
        except OSError as error:
            if error.errno not in _NO_SUCH_NAMES:
                raise
            break
    name = os.path.join(folder, b".ova-" + os.urandom(16).hex().encode())
    return name, make(name)


def _removed(name: bytes) -> bool:
    """Remove what a dead writer left under this name: it has the mark, and the kernel has freed its lock."""
    try:
        fd = os.open(name, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        os.getxattr(fd, _MARK)
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(fd), os.lstat(name)):
            os.unlink(name)
        return True
    except OSError:  # its writer lives, or we must not remove it
        return False
    finally:
        os.close(fd)


def _created(name: bytes) -> int:
    fd = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    _mark(fd)
    return fd


def _mark(fd: int) -> None:
    """Lock a new file for as long as its writer lives, then mark it: never the other way round."""
    with contextlib.suppress(OSError):  # a file system without either: then it is never taken for a dead writer's
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.setxattr(fd, _MARK, b"1")


def _link(fd: int, name: bytes) -> None:
    # With any descriptor, Python uses linkat(2), which follows the link in /proc.
    os.link(_path(fd), name, src_dir_fd=fd, follow_symlinks=True)


def _path(fd: int) -> str:
    return f"/proc/self/fd/{fd}"


def _unlink(path: bytes) -> None:
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
                mode &= 0o777  # we may not change the owner; then no set-id bits either
    os.fchmod(fd, mode)


def _sync_directory(directory: str) -> None:
    try:
        fd = os.open(directory or os.curdir, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return
    try:
        os.fsync(fd)
    except OSError:
        pass  # some network file systems do not support it; the rename is done
    finally:
        os.close(fd)
