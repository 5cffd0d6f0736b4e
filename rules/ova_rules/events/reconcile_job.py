"""The recurring job of `ova-admin reconcile --every`: runs the settings' `admin_command` on this server.

Deciding is done in an agent, building on behalf of each owner takes connections of their own: that is ova-admin's
work, so this only starts it, as the service account, with that account's iRODS environment.
"""

from __future__ import annotations

import json
import os
import pwd
import stat
import subprocess
from pathlib import Path
from typing import Any

from ova_rules import hooks, settings
from ova_rules.errors import one_line

_LONGEST_SECONDS = 6 * 3600


def run(callback: Any) -> None:
    """Runs `ADMIN_COMMAND reconcile`; logs its last line. Raises RuntimeError if it cannot be run or fails."""
    chosen = settings.load(hooks.settings_directory, lambda text: _log(callback, "settings", text))
    command = _checked(chosen.admin_command)
    account = pwd.getpwuid(os.getuid())
    environment = {"HOME": account.pw_dir, "USER": account.pw_name, "LANG": "C.UTF-8", "PATH": os.defpath}
    done = subprocess.run(  # noqa: S603 - the administrator's own
        [command, "reconcile"],
        env=environment,
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=_LONGEST_SECONDS,
    )
    lines = (done.stdout + done.stderr).strip().splitlines() or [f"it ended with {done.returncode}, without a word"]
    _log(callback, "reconcile", lines[-1])
    if done.returncode not in (0, 1):  # 1: some components stay failed, and say why
        raise RuntimeError(f"{command} reconcile: {one_line(lines[-1])}")


def _log(callback: Any, event: str, text: str) -> None:
    callback.writeLine("serverLog", json.dumps({"ova": event, "said": one_line(text)}))


def _checked(command: str) -> str:
    """The command, if nobody but root and the service account could have written it."""
    if not command:
        raise RuntimeError("the setting admin_command is missing; it is the path of ova-admin on this server")
    state = Path(command).stat()
    if state.st_uid not in (0, os.getuid()) or state.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise RuntimeError(f"{command}: others may write it, so it is not run")
    return command
