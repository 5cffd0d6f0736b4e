"""Transfers extents from one open file to another: shares them, else copies in the kernel, else copies.

Memory stays flat at any size, and holes stay holes. Copied data is written to the disk while the rest is being copied,
so that a sync at the end waits only shortly (measured in docs/performance.md).
Source: ioctl_ficlonerange(2), copy_file_range(2), posix_fallocate(3), posix_fadvise(2).
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import struct
from collections.abc import Callable, Iterator
from enum import Enum

from .errors import OvaError, WriteError
from .layout import Extent

Report = Callable[[int], None]  # called with the bytes of output done since the last call

_FICLONERANGE = 0x4020940D
_KERNEL_PIECE = 8 << 20
_KERNEL_ALIGNMENT = 1 << 16  # ext4 copies a third faster where the target's offset is a multiple of the pipe's 64 KiB
_PIECE = 1 << 20
_CANNOT_SHARE = {
    errno.EOPNOTSUPP, errno.ENOTTY, errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EPERM, errno.EBADF, errno.ETXTBSY,
    errno.EISDIR,
}  # fmt: skip
_PREALLOCATING = {"ext4", "xfs"}  # elsewhere posix_fallocate may write what it allocates, block by block
_CANNOT_COPY = _CANNOT_SHARE | {errno.EIO}


class Method(Enum):
    """How the extents of a plan were transferred: the slowest method that was needed."""

    SHARED = "shared"
    COPIED_IN_KERNEL = "copied in kernel"
    COPIED = "copied"


def can_share(source: int | str | os.PathLike[str], directory: int | str | os.PathLike[str]) -> bool:
    """Tell whether files in `directory` can share extents with the file `source` (FICLONERANGE).

    Makes one unnamed file, which leaves nothing behind. False also if the probe itself is impossible.
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


class Carrier:
    """Transfers extents, and remembers which methods this pair of files does not support.

    to_disk: the target will be synced, so copied data is written to the disk at once.
    """

    def __init__(self, source_fd: int, target_fd: int, report: Report | None, *, to_disk: bool) -> None:
        self.source, self.target, self.done = source_fd, target_fd, report or (lambda _: None)
        self.block = _block_size(target_fd)
        self.method = Method.SHARED
        self.to_disk = to_disk
        self.sharing = self.in_kernel = True
        self.preallocating: bool | None = None  # None: not probed yet

    def extent(self, extent: Extent, offset: int) -> None:
        """Transfer an extent to `offset` of the target. Raises WriteError if the source is too short, and OSError."""
        start, end = extent.offset, extent.offset + extent.length
        shift = offset - start
        if os.fstat(self.source).st_size < end:
            raise short(os.fstat(self.source).st_size)
        first, last = -(-start // self.block) * self.block, end // self.block * self.block
        if first >= last:  # a header or two: nothing to share
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
        position = start
        for data_start, data_end in _data_ranges(self.source, start, end):
            self.done(data_start - position)
            self._preallocate(data_start + shift, data_end - data_start)
            self._copy(data_start, data_end, shift)
            position = data_end
        self.done(end - position)

    def _edge(self, start: int, end: int, shift: int) -> None:
        """Copy the part, of less than two blocks, that cannot be shared."""
        if start < end:
            write_all(self.target, _read_all(self.source, start, end), start + shift)
            self.done(end - start)

    def _preallocate(self, offset: int, length: int) -> None:
        """Allocate blocks in one go: a third less time, fewer fragments, and a full disk shows before the copy."""
        if self.preallocating is None:
            self.preallocating = _file_system(self.target) in _PREALLOCATING
        if not self.preallocating:
            return
        try:
            os.posix_fallocate(self.target, offset, length)
        except OSError as error:
            if error.errno not in _CANNOT_SHARE:
                raise
            self.preallocating = False

    def _copied(self, offset: int, count: int) -> None:
        if self.to_disk:
            with contextlib.suppress(OSError):  # starts to write dirty pages; pages being written stay cached
                os.posix_fadvise(self.target, offset, count, os.POSIX_FADV_DONTNEED)
        self.done(count)

    def _copy(self, start: int, end: int, shift: int) -> None:
        while start < end and self.in_kernel:
            beyond = (start + shift) % _KERNEL_ALIGNMENT
            length = min(end - start, _KERNEL_ALIGNMENT - beyond if beyond else _KERNEL_PIECE)
            try:
                count = os.copy_file_range(self.source, self.target, length, start, start + shift)
            except OSError as error:
                if error.errno not in _CANNOT_COPY:
                    raise
                count = 0
            if count == 0:  # not supported here, or, on a few file systems, silently nothing
                self.in_kernel = False
            else:
                self._copied(start + shift, count)
            start += count
        if start < end:
            self.method = Method.COPIED
        while start < end:
            data = os.pread(self.source, min(end - start, _PIECE), start)
            if not data:
                raise short(start)
            write_all(self.target, data, start + shift)
            self._copied(start + shift, len(data))
            start += len(data)


def copy_part(
    source: int, target: int, part: Extent, offset: int = 0, report: Report | None = None, *, to_disk: bool
) -> Method:
    """Transfer a part of `source` to byte `offset` of an empty file, which ends with it; else as `Carrier`."""
    os.ftruncate(target, offset + part.length)
    carrier = Carrier(source, target, report, to_disk=to_disk)
    carrier.extent(part, offset)
    return carrier.method


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


def _file_system(fd: int) -> str:
    """The type of the file system of an open file; "" if unknown."""
    device = os.fstat(fd).st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as mounts:
            for line in mounts:
                mount, _, kind = line.partition(" - ")
                if mount.split()[2] == number:
                    return kind.split()[0]
    except OSError:
        pass
    return ""


def _data_ranges(fd: int, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the parts of `start` to `end` that are no holes, so that a sparse source gives a sparse result."""
    while start < end:
        try:
            data = os.lseek(fd, start, os.SEEK_DATA)
            hole = os.lseek(fd, data, os.SEEK_HOLE)
        except OSError as error:
            if error.errno == errno.ENXIO:  # only a hole up to the end
                return
            data, hole = start, end  # a file system without SEEK_DATA and SEEK_HOLE
        if data >= end:
            return
        yield data, min(hole, end)
        start = hole


def _read_all(fd: int, start: int, end: int) -> bytes:
    parts = []
    while start < end:
        data = os.pread(fd, end - start, start)
        if not data:
            raise short(start)
        parts.append(data)
        start += len(data)
    return b"".join(parts)


def write_all(fd: int, data: bytes, offset: int) -> None:
    """Write `data` at `offset`, all of it. Raises OSError."""
    view = memoryview(data)
    while view:
        count = os.pwrite(fd, view, offset)
        if count == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        view, offset = view[count:], offset + count


def short(position: int) -> OvaError:
    """Return the error for a source that ends at this byte."""
    return WriteError(f"the source ends at byte {position}, before its last member; it changed while it was read")
