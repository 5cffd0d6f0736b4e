"""Files in vaults: the place of a logical path, and moves after which no crash leaves an object without its file.

Uses no catalog. System errors become iRODS codes with the errno in their last three digits.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from irods_zone import errors
from irods_zone.errors import IrodsError

_COPY_AT_ONCE = 64 * 1024 * 1024
_BUFFER = 1024 * 1024
_TRIES = 20
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK, errno.EXDEV)
Result = TypeVar("Result")


@contextmanager
def system_errors(code: int) -> Iterator[None]:
    """Turns an OSError into `code` with its errno."""
    try:
        yield
    except OSError as error:
        raise IrodsError(code - (error.errno or 0), str(error)) from error
    except ValueError as error:  # a NUL in a path
        raise IrodsError(code, str(error)) from error


def physical_path(vault: str, logical_path: str) -> str:
    """The place of a logical path in a vault: below the vault, without the zone's name."""
    parts = logical_path.split("/", 2)
    return f"{vault.rstrip('/')}/{parts[2] if len(parts) > 2 else parts[-1]}"


def free_path(vault: str, logical_path: str) -> str:
    """As `physical_path`, but unique if an unused file is in the way."""
    path = physical_path(vault, logical_path)
    return f"{path}.{secrets.randbits(31)}" if os.path.lexists(path) else path


def create(path: str) -> int:
    """Makes a file, open for reading and writing, with the directories that it needs."""
    flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC
    with system_errors(errors.UNIX_FILE_CREATE_ERR):
        return _in_directory(path, lambda: os.open(path, flags, 0o600))


def _in_directory(path: str, action: Callable[[], Result]) -> Result:
    """Does something that needs a file's directory. Makes that, again if another process removes it as empty."""
    for _ in range(_TRIES):
        try:
            return action()
        except FileNotFoundError:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
    return action()


def size_of(path: str) -> int:
    """The size of a file, by its path: it may have been replaced while it was open."""
    with system_errors(errors.UNIX_FILE_STAT_ERR):
        return Path(path).stat().st_size


def remove(path: str, vault: str) -> None:
    """Removes a file; a missing one is no error. Also removes directories that become empty."""
    with system_errors(errors.UNIX_FILE_UNLINK_ERR), contextlib.suppress(FileNotFoundError):
        Path(path).unlink()
    prune(Path(path).parent, Path(vault))


def prune(directory: Path, vault: Path) -> None:
    """Removes empty directories from `directory` upwards, but never the vault itself."""
    while vault in directory.parents:
        try:
            directory.rmdir()
        except OSError:
            return
        directory = directory.parent


def add_name(old: str, new: str) -> None:
    """Gives a file a second name: the first half of a move, harmless if nothing follows.

    If the file system has no hard links, the new one is a copy.
    """
    with system_errors(errors.UNIX_FILE_RENAME_ERR):
        Path(old).stat()  # it is the new directory that may be missing
        try:
            _in_directory(new, lambda: os.link(old, new))
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            _copy_file(old, new)


def _copy_file(old: str, new: str) -> None:
    source = os.open(old, os.O_RDONLY | os.O_CLOEXEC)
    try:
        target = create(new)
        try:
            copy(source, target)
        finally:
            os.close(target)
    finally:
        os.close(source)


def copy(source: int, target: int) -> int:
    """Copies all of one open file into another, in the kernel if possible. Returns the number of bytes."""
    with system_errors(errors.UNIX_FILE_WRITE_ERR):
        size = os.fstat(source).st_size
        done = 0
        if hasattr(os, "copy_file_range"):
            with contextlib.suppress(OSError):
                while done < size:
                    moved = os.copy_file_range(source, target, min(_COPY_AT_ONCE, size - done), done, done)
                    if not moved:
                        break
                    done += moved
        while True:
            piece = os.pread(source, _BUFFER, done)
            if not piece:
                return done
            done += write_all(target, piece, done)


def write_all(handle: int, data: bytes | memoryview, offset: int) -> int:
    """Writes all of `data` at `offset`; returns its length."""
    remaining = memoryview(data)
    while remaining:
        written = os.pwrite(handle, remaining, offset)
        offset += written
        remaining = remaining[written:]
    return len(data)
