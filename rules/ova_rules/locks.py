"""One builder at a time per component: a lock file that the kernel frees when its holder dies (flock).

Lock files are empty, private to the service account and never removed (a removal would let two builders in).
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ova_rules.errors import BusyError
from ova_rules.state import directory

_POLL_SECONDS = 0.02


@contextmanager
def locked(configured: str, component: str, wait: float) -> Iterator[None]:
    """Holds the lock of a component. Raises BusyError if another agent holds it for `wait` seconds."""
    name = hashlib.sha256(component.encode("utf-8", "surrogateescape")).hexdigest()[:32]
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(os.path.join(directory(configured), f"{name}.lock"), flags, 0o600)
    try:
        _acquire(descriptor, component, wait)
        yield
    finally:
        os.close(descriptor)


def is_held(configured: str, component: str) -> bool:
    """Whether an agent is building the component at this moment."""
    try:
        with locked(configured, component, 0):
            return False
    except BusyError:
        return True


def _acquire(descriptor: int, component: str, wait: float) -> None:
    deadline = time.monotonic() + wait
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise BusyError(f"{component} is being built; try again later", lasting=False) from None
            time.sleep(_POLL_SECONDS)
