"""Runs the `reset` tasks of a machine's seed before it is captured, by the agent in the guest.

What the guest answers is untrusted: it is bounded, and shown in one line. Source: QEMU guest agent, guest-exec.
"""

from __future__ import annotations

import json
import time
from base64 import b64decode
from typing import Any

from ova_tools.errors import CaptureError
from ova_tools.libvirt.virsh import Virsh, VirshError
from ova_tools.seed.user_data import RUN_TASKS

_SECONDS = 1800
_EVERY_SECONDS = 0.2
_ANSWER_SECONDS = "30"


def reset(virsh: Virsh, name: str) -> None:
    """Run `run reset` of the disc in the guest. Raises CaptureError if there is no agent, or if a task fails."""
    arguments = ["-c", RUN_TASKS, "ova-tasks", "reset"]
    begun = _ask(virsh, name, "guest-exec", {"path": "/bin/sh", "arg": arguments, "capture-output": True})
    pid = begun.get("pid")
    if not isinstance(pid, int) or not 0 < pid < 1 << 32:
        raise CaptureError(f"the agent in {name} gave no answer that can be read")
    deadline = time.monotonic() + _SECONDS
    while True:
        state = _ask(virsh, name, "guest-exec-status", {"pid": pid})
        if state.get("exited") is True:
            break
        if time.monotonic() > deadline:
            raise CaptureError(f"the reset tasks of {name} took longer than {_SECONDS} seconds")
        time.sleep(_EVERY_SECONDS)
    if state.get("exitcode") != 0:
        raise CaptureError(f"the reset tasks of {name} failed{_last_line(state)}; see /var/log/ova-tasks.log there")


def _ask(virsh: Virsh, name: str, command: str, arguments: dict[str, object]) -> dict[str, Any]:
    request = json.dumps({"execute": command, "arguments": arguments})
    try:
        answer = virsh("qemu-agent-command", "--timeout", _ANSWER_SECONDS, "--domain", name, "--cmd", request)
    except VirshError as error:
        raise CaptureError(f"the agent in {name} cannot run the reset tasks: {error}") from error
    try:
        found = json.loads(answer)["return"]
    except (ValueError, KeyError, TypeError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise CaptureError(f"the agent in {name} gave no answer that can be read")
    return found


def _last_line(state: dict[str, Any]) -> str:
    data = str(state.get("err-data") or state.get("out-data") or "")[: 1 << 20]
    try:
        lines = [line.strip() for line in b64decode(data).decode("utf-8", "replace").splitlines() if line.strip()]
    except ValueError:
        return ""
    return f": {lines[-1][:200]}" if lines else ""
