"""Faults of ours: one line in the server log, whatever else is broken."""

from __future__ import annotations

import sys
import traceback
from typing import Any


def report(callback: Any, name: str, error: BaseException) -> None:
    """Logs where a hook or the gate failed. Raises nothing."""
    where = traceback.extract_tb(error.__traceback__)[-1]
    line = " ".join(f"ova: {name}: {type(error).__name__}: {error} ({where.filename}:{where.lineno})".split())
    try:
        callback.writeLine("serverLog", line)
    except Exception:
        sys.stderr.write(line + "\n")
