"""Several clients at once, each in a thread."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor


def together(*actions: Callable[[], None]) -> None:
    """Runs actions in threads of their own; raises the first exception of any."""
    with ThreadPoolExecutor(len(actions)) as pool:
        for done in [pool.submit(action) for action in actions]:
            done.result()
