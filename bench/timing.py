"""Clocks: the time of a call, of several things in turn, and of commands as whole processes."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.results import Label, Recorder
from tests.support.processes import PeakMemory


def timed(action: Callable[[], object]) -> float:
    """The duration of a call in milliseconds."""
    start = time.perf_counter()
    action()
    return (time.perf_counter() - start) * 1000


def in_turn(rounds: int, actions: dict[str, Callable[[], object]]) -> dict[str, list[float]]:
    """Milliseconds of each action, run in turn so that a busy moment of the machine affects all equally."""
    taken: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(rounds):
        for name, action in actions.items():
            taken[name].append(timed(action))
    return taken


@dataclass(frozen=True)
class Way:
    """One of several ways to do the same, its number of rounds, and an untimed check of its result."""

    name: str
    rounds: int
    action: Callable[[], object]
    check: Callable[[], None] = lambda: None


def race(
    recorder: Recorder, ways: Sequence[Way], labels: dict[str, Label], prepare: Callable[[], None] = lambda: None
) -> None:
    """Records milliseconds of each way, in turn, in a rotating order; before each one all data is on the disk.

    The order matters on large files: the data that one way wrote slows the next one, synced or not.
    """
    for number in range(max(way.rounds for way in ways)):
        first = number % len(ways)
        for way in (*ways[first:], *ways[:first]):
            if number < way.rounds:
                prepare()
                os.sync()
                recorder.add(way.name, "ms", [timed(way.action)], **labels)
                way.check()


def run(*command: object, folder: Path | None = None) -> None:
    """Runs a command, in `folder` with its temporary files there; raises CalledProcessError if it fails."""
    arguments = [str(each) for each in command]
    environment = {**os.environ, "TMPDIR": str(folder)} if folder else None
    subprocess.run(arguments, cwd=folder, env=environment, check=True, capture_output=True)


def peak_megabytes(*command: object) -> float:
    """The peak resident memory of a command, in MB."""
    arguments = [str(each) for each in command]
    # Not getrusage: that includes this process's memory at the fork.
    with subprocess.Popen(arguments, stdout=subprocess.DEVNULL) as process, PeakMemory(process.pid) as peak:
        process.wait()
    return peak.kib / 1024
