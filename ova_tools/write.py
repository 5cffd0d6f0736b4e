"""Carry out a plan: share extents, else copy in the kernel, else copy; and publish a file whole or not at all.

The only module that writes. Memory stays flat at any size. Must never leave a half-written file under the target's
name, and must never follow a link or reuse a file that someone else put in its place.
Source: ioctl_ficlonerange(2), copy_file_range(2), rename(2).
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
import struct
from collections.abc import Callable, Iterator
from enum import Enum
from pathlib import Path

from .errors import OvaError, WriteError
from .layout import Extent, Literal, Plan

Report = Callable[[int], None]  # is called with the bytes of output done since the last call

_FICLONERANGE = 0x4020940D
_KERNEL_CHUNK = 256 << 20
_KERNEL_ALIGNMENT = 1 << 16  # ext4 copies a third faster where the target's offset is a multiple of the pipe's 64 KiB
_USER_CHUNK = 1 << 20
_TEMPORARY = ".part"
_RANDOM = 6  # bytes in a temporary file's name
_CANNOT_SHARE = {
    errno.EOPNOTSUPP, errno.ENOTTY, errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EPERM, errno.EBADF, errno.ETXTBSY,
    errno.EISDIR,
}  # fmt: skip
_CANNOT_COPY = _CANNOT_SHARE | {errno.EIO}


class Method(Enum):
    """How the extents of a plan were carried over; the slowest way that was needed."""

    SHARED = "shared"
    COPIED_IN_KERNEL = "copied in kernel"
    COPIED = "copied"


def write(plan: Plan, source_fd: int, target_fd: int, report: Report | None = None) -> Method:
    """Write `plan` to `target_fd`, an empty regular file open for writing; sizes and offsets are bytes.

    Raises WriteError if there is no room, the source is shorter than the plan says, or the system refuses. The target
    is then incomplete, and the caller's to remove or truncate.
    """
    writer = _Writer(source_fd, target_fd, report)
    try:
        offset = 0
        os.ftruncate(target_fd, plan.size)
        for segment in plan.segments:
            if isinstance(segment, Literal):
                _write_all(target_fd, segment.data, offset)
                writer.done(len(segment.data))
            else:
                writer.extent(segment, offset)
            offset += segment.length
    except OSError as error:
        raise WriteError(f"the result cannot be written: {error.strerror or error}") from error
    return writer.method


def stream(plan: Plan, source_fd: int, block: int = _USER_CHUNK) -> Iterator[bytes]:
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
                raise _short(position)
            position += len(data)
            yield data


def can_share(source: int | Path, directory: int | Path) -> bool:
    """Tell whether files in `directory` can share extents with the file `source` (FICLONERANGE).

    Costs one unnamed file, which leaves nothing behind; False also where the probe itself is not possible.
    """
    fds: list[int] = []
    try:
        source_fd = source if isinstance(source, int) else os.open(source, os.O_RDONLY | os.O_CLOEXEC)
        if not isinstance(source, int):
            fds.append(source_fd)
        place = f"/proc/self/fd/{directory}" if isinstance(directory, int) else directory
        target_fd = os.open(place, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fds.append(target_fd)
        if os.fstat(source_fd).st_dev != os.fstat(target_fd).st_dev:
            return False
        if os.fstat(source_fd).st_size < _block_size(target_fd):
            return _clone(source_fd, target_fd, 0, 0, 0)
        return _clone(source_fd, target_fd, 0, 0, _block_size(target_fd))
    except OSError:
        return False
    finally:
        for fd in fds:
            os.close(fd)


def publish(
    plan: Plan,
    source_fd: int,
    target: Path,
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

    def __init__(self, fd: int, temporary: Path, target: Path, durable: bool) -> None:
        self._fd, self._temporary, self._target, self._durable = fd, temporary, target, durable
        self._committed = False
        self.method = Method.SHARED

    def commit(self, *, sync_directory: bool = True) -> None:
        """Put the file in its target's place, in one step. Raises WriteError.

        Without `sync_directory` a power cut may bring the old file back, whole; never a torn one.
        """
        try:
            self._temporary.replace(self._target)
        except OSError as error:
            raise _cannot_write(self._target, error) from error
        self._committed = True
        if self._durable and sync_directory:
            _sync_directory(self._target.parent)

    def __enter__(self) -> Staged:
        return self

    def __exit__(self, *_: object) -> None:
        if not self._committed:
            self._temporary.unlink(missing_ok=True)
        os.close(self._fd)


def stage(
    plan: Plan,
    source_fd: int,
    target: Path,
    *,
    mode: int = 0o600,
    durable: bool = True,
    report: Report | None = None,
) -> Staged:
    """Write the planned file beside `target`, to be committed there later; otherwise as `publish`."""
    try:
        old = target.lstat()
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
        staged.method = write(plan, source_fd, fd, report)
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


def _cannot_write(target: Path, error: OSError) -> WriteError:
    return WriteError(f"{target} cannot be written: {error.strerror or error}")


class _Writer:
    """Carries extents over, and remembers which ways this pair of files does not know."""

    def __init__(self, source_fd: int, target_fd: int, report: Report | None) -> None:
        self.source, self.target, self.done = source_fd, target_fd, report or (lambda _: None)
        self.block = _block_size(target_fd)
        self.method = Method.SHARED
        self.sharing = self.in_kernel = True

    def extent(self, extent: Extent, offset: int) -> None:
        start, end = extent.offset, extent.offset + extent.length
        shift = offset - start
        if os.fstat(self.source).st_size < end:
            raise _short(os.fstat(self.source).st_size)
        first, last = -(-start // self.block) * self.block, end // self.block * self.block
        if first >= last:  # a header or two: nothing to share, nothing to win
            self._edge(start, end, shift)
            return
        if self.sharing and shift % self.block == 0:
            self.sharing = _clone(self.source, self.target, first, first + shift, last - first)
            if self.sharing:
                self.done(last - first)
                self._edge(start, first, shift)
                self._edge(last, end, shift)
                return
        self.method = max(self.method, Method.COPIED_IN_KERNEL, key=list(Method).index)
        with contextlib.suppress(OSError):
            os.posix_fadvise(self.source, start, extent.length, os.POSIX_FADV_SEQUENTIAL)
        for data_start, data_end in _data_ranges(self.source, start, end):
            self._copy(data_start, data_end, shift)
        self.done(extent.length)

    def _edge(self, start: int, end: int, shift: int) -> None:
        """Copy the less than two blocks that cannot be shared."""
        if start < end:
            _write_all(self.target, _read_all(self.source, start, end), start + shift)
            self.done(end - start)

    def _copy(self, start: int, end: int, shift: int) -> None:
        while start < end and self.in_kernel:
            beyond = (start + shift) % _KERNEL_ALIGNMENT
            length = min(end - start, _KERNEL_ALIGNMENT - beyond if beyond else _KERNEL_CHUNK)
            try:
                count = os.copy_file_range(self.source, self.target, length, start, start + shift)
            except OSError as error:
                if error.errno not in _CANNOT_COPY:
                    raise
                count = 0
            if count == 0:  # not known here, or, on a few file systems, silently nothing
                self.in_kernel = False
            start += count
        if start < end:
            self.method = Method.COPIED
        while start < end:
            data = os.pread(self.source, min(end - start, _USER_CHUNK), start)
            if not data:
                raise _short(start)
            _write_all(self.target, data, start + shift)
            start += len(data)


def _clone(source: int, target: int, start: int, to: int, length: int) -> bool:
    try:
        fcntl.ioctl(target, _FICLONERANGE, struct.pack("qQQQ", source, start, length, to))
    except OSError as error:
        if error.errno in _CANNOT_SHARE:
            return False
        raise
    return True


def _block_size(fd: int) -> int:
    return max(os.fstatvfs(fd).f_bsize, 512)


def _data_ranges(fd: int, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield what of `start` to `end` is no hole, so that a sparse source gives a sparse result."""
    while start < end:
        try:
            data = os.lseek(fd, start, os.SEEK_DATA)
            hole = os.lseek(fd, data, os.SEEK_HOLE)
        except OSError as error:
            if error.errno == errno.ENXIO:  # nothing but a hole up to the end
                return
            data, hole = start, end  # a file system without the two
        if data >= end:
            return
        yield data, min(hole, end)
        start = hole


def _read_all(fd: int, start: int, end: int) -> bytes:
    parts = []
    while start < end:
        data = os.pread(fd, end - start, start)
        if not data:
            raise _short(start)
        parts.append(data)
        start += len(data)
    return b"".join(parts)


def _write_all(fd: int, data: bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        count = os.pwrite(fd, view, offset)
        if count == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        view, offset = view[count:], offset + count


def _short(position: int) -> OvaError:
    return WriteError(f"the source ends at byte {position}, before its last member; it changed while it was read")


def _open_temporary(target: Path) -> tuple[int, Path]:
    """Create a hidden file beside `target`, locked for as long as its writer lives."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    while True:
        path = target.with_name(f".{target.name[:200]}.{os.urandom(_RANDOM).hex()}{_TEMPORARY}")
        try:
            fd = os.open(path, flags, 0o600)
        except FileExistsError:
            continue
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(fd), path.lstat()):
                return fd, path
        except BlockingIOError:
            pass  # another writer took it for a dead one's in this very moment
        except FileNotFoundError:
            pass
        except OSError:
            return fd, path  # a file system without locks
        os.close(fd)


def _remove_stale(target: Path) -> None:
    """Remove the temporary files of writers that died: the kernel has let go of their locks."""
    start = f".{target.name[:200]}."
    for name in os.listdir(target.parent):  # noqa: PTH208 - names suffice
        if not (
            name.startswith(start) and name.endswith(_TEMPORARY) and len(name) == len(start) + 12 + len(_TEMPORARY)
        ):
            continue
        path = target.with_name(name)
        try:
            fd = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink(missing_ok=True)
        except OSError:
            pass  # its writer lives, or it is not ours to remove
        finally:
            os.close(fd)


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


def _sync_directory(directory: Path) -> None:
    try:
        fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return
    try:
        os.fsync(fd)
    except OSError:
        pass  # some network file systems do not know it; the rename is done
    finally:
        os.close(fd)
