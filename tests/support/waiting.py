"""Waits for other processes: for a condition, with a limit. Never sleep for a fixed time instead."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


def until(condition: Callable[[], Result], message: str, limit: float = 60.0) -> Result:
    """What the condition returns as soon as that is true; fails with the message after `limit` seconds."""
    deadline = time.monotonic() + limit
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {limit} s: {message}"
        time.sleep(0.02)
    return found
