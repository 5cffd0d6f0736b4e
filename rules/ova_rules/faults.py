"""Reports what goes wrong in a hook or a job: one line of JSON in the server log, whatever else is broken.

A fault of ours is logged with its traceback, an error in a user's AVUs with its message.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable


def report(log: Callable[[str], None], name: str, error: BaseException) -> None:
    """Logs where a hook, the gate, a job or a build failed. Raises nothing."""
    from ova_rules.errors import SaidError, UnusableSettingsError

    if isinstance(error, (SaidError, UnusableSettingsError)):
        return  # the fault was logged when the settings were read
    line = json.dumps(_told(name, error))
    try:
        log(line)
    except Exception:
        sys.stderr.write(f"{line}\n")


def _told(name: str, error: BaseException) -> dict[str, str]:
    from ova_rules.errors import ComponentError

    if isinstance(error, ComponentError):
        return {"ova": "failed", "in": name, "error": str(error)}
    import traceback

    trace = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    return {"ova": "fault", "in": name, "error": f"{type(error).__name__}: {error}", "traceback": trace}
