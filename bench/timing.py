"""Clocks: what a call takes, several things in turn, and commands as whole processes."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


def timed(action: Callable[[], object]) -> float:
    """Milliseconds that a call takes."""
    start = time.perf_counter()
    action()
    return (time.perf_counter() - start) * 1000


def in_turn(rounds: int, actions: dict[str, Callable[[], object]]) -> dict[str, list[float]]:
    """Milliseconds of each action, run in turn so that a busy moment of the machine hits all alike."""
    taken: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(rounds):
        for name, action in actions.items():
            taken[name].append(timed(action))
    return taken


@dataclass(frozen=True)
class Run:
    """A command as a whole process: milliseconds by the clock, and the most memory it had resident, in MB."""

    milliseconds: float
    megabytes: float


def run(*command: object, folder: Path | None = None) -> Run:
    """Runs a command, in `folder` with its temporary files there; raises CalledProcessError if it fails."""
    words = [str(word) for word in command]
    environment = {**os.environ, "TMPDIR": str(folder)} if folder else None
    start = time.perf_counter()
    process = subprocess.Popen(words, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    with process.stderr:
        said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    taken = (time.perf_counter() - start) * 1000
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, words, stderr=said)
    return Run(taken, usage.ru_maxrss / 1024)
