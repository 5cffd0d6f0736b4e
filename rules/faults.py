"""Faults of ours: one line in the server log, whatever else is broken."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable


def report(log: Callable[[str], None], name: str, error: BaseException) -> None:
    """Logs where a hook, the gate or a build failed. Raises nothing."""
    where = traceback.extract_tb(error.__traceback__)[-1]
    line = " ".join(f"{name}: {type(error).__name__}: {error} ({where.filename}:{where.lineno})".split())
    try:
        log(line)
    except Exception:
        sys.stderr.write(f"ova: {line}\n")
