"""Reconciling: finds and builds what no event announced, for an administrator (`ova-admin reconcile`).

This module finds the components, in an agent. ova-admin builds them, because each owner needs a separate connection.
The recurring job only starts ova-admin, as the service account, with that account's iRODS environment.
"""

from __future__ import annotations

import json

from ova_rules import agent
from ova_rules.build.staleness import all_stale
from ova_rules.errors import one_line
from ova_rules.events.context import context
from ova_rules.images.in_use import reconcile as forget_stale_uses
from ova_rules.settings import load
from ova_tools.records import asdict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_LONGEST_SECONDS = 6 * 3600


def print_stale(callback: Any, rei: Any) -> None:
    """Writes what has to be built to the stdout of an administrator's rule text: one `Stale` as JSON per line."""
    catalog, settings = context(callback, rei, "reconcile")
    if catalog.is_administrator:
        forget_stale_uses(catalog, settings)
    for found in all_stale(catalog, settings):
        callback.writeLine("stdout", json.dumps(asdict(found)))


def run_admin_command(callback: Any) -> None:
    """Runs `ADMIN_COMMAND reconcile`; logs its last line. Raises RuntimeError if it cannot be run or fails."""
    import os
    import pwd
    import subprocess

    command = _admin_command(callback)
    account = pwd.getpwuid(os.getuid())
    environment = {"HOME": account.pw_dir, "USER": account.pw_name, "LANG": "C.UTF-8", "PATH": os.defpath}
    done = subprocess.run(  # noqa: S603 - the administrator's own command
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
    reconciled = done.returncode in (0, 1) and (done.returncode == 0 or done.stdout)
    if not reconciled:  # 1 and a count on stdout: some components still fail, and their message gives the reason
        raise RuntimeError(f"{command} reconcile: {one_line(lines[-1])}")


def _log(callback: Any, event: str, text: str) -> None:
    callback.writeLine("serverLog", json.dumps({"ova": event, "said": one_line(text)}))


def print_obstacle(callback: Any) -> None:
    """Writes to stdout, in one line, why `run_admin_command` could not begin; nothing if it could."""
    try:
        _admin_command(callback)
    except (OSError, RuntimeError) as error:
        callback.writeLine("stdout", one_line(str(error)))


def _admin_command(callback: Any) -> str:
    """The command in the settings, if it can be run and only root and the service account could have written it.

    Raises RuntimeError or OSError.
    """
    import os
    import stat

    chosen = load(agent.settings_directory, lambda text: _log(callback, "settings", text))
    command = chosen.admin_command
    if chosen.unusable:
        raise RuntimeError(chosen.unusable)
    if not command:
        raise RuntimeError("the setting admin_command is missing; it is the path of ova-admin on this server")
    state = os.stat(command)
    if state.st_uid not in (0, os.getuid()) or state.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise RuntimeError(f"{command}: others may write it, so it is not run")
    if not stat.S_ISREG(state.st_mode) or not os.access(command, os.X_OK):
        raise RuntimeError(f"{command}: is no program that the service account may run")
    return command
