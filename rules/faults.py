"""Faults of ours: one line of JSON with the traceback in the server log, and nowhere else, whatever else is broken."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable


def report(log: Callable[[str], None], name: str, error: BaseException) -> None:
    """Logs where a hook, the gate or a build failed. Raises nothing."""
    import traceback

    trace = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    line = json.dumps({"ova": "fault", "in": name, "error": f"{type(error).__name__}: {error}", "traceback": trace})
    try:
        log(line)
    except Exception:
        sys.stderr.write(f"{line}\n")
