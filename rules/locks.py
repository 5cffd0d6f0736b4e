"""One builder at a time per component: a lock file that the kernel frees when its holder dies (flock).

Lock files are empty, private to the service account and never removed (removing one would let two builders in).
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rules.errors import ComponentError

_POLL_SECONDS = 0.02


def directory(configured: str) -> Path:
    """The folder of the lock files, made if need be; refused if it could be another account's."""
    path = Path(configured) if configured else Path(tempfile.gettempdir()) / f"ova-rules-{os.getuid()}"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    state = path.lstat()
    if path.is_symlink() or state.st_uid != os.getuid() or state.st_mode & 0o022:
        raise PermissionError(f"{path}: must be a folder that only the service account can write to")
    return path


@contextmanager
def locked(configured: str, component: str, wait: float) -> Iterator[None]:
    """Holds the lock of a component. Raises ComponentError after `wait` seconds in which another one held it."""
    name = hashlib.sha256(component.encode("utf-8", "surrogateescape")).hexdigest()[:32]
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(directory(configured) / f"{name}.lock", flags, 0o600)
    try:
        _acquire(descriptor, component, wait)
        yield
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, component: str, wait: float) -> None:
    deadline = time.monotonic() + wait
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise ComponentError(
                    f"{component}: another build has been running for {wait:g} s; try again later", lasting=False
                ) from None
            time.sleep(_POLL_SECONDS)
