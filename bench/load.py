"""Load: clients that set and read at once. Measures throughput and latencies, and checks every byte of each read.

Every client is a separate process with one connection and its own component. It repeatedly sets the hostname and reads
the ready OVA, which must hold the value that it set. After each round it reads a component that only client 0 sets: its
value must not be older than the one set before the read began. The embedded zone runs on the same processors as the
clients, so throughput is that of all together.
"""

from __future__ import annotations

import multiprocessing
import time
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from bench import packages
from bench.results import Recorder
from bench.site import Site, site
from bench.timing import in_turn, timed

CLIENTS = (1, 8, 32)
SHARED = "grid/shared"
_START = multiprocessing.get_context("fork")


@dataclass
class Tally:
    """The measurements of one client, in milliseconds; seconds: how long it ran."""

    seconds: float = 0.0
    sets: list[float] = field(default_factory=list)
    reads: list[float] = field(default_factory=list)
    stale: int = 0
    failures: list[str] = field(default_factory=list)


def run(recorder: Recorder) -> None:
    """Runs each number of clients for some seconds on one zone; before that, measures the zone itself."""
    seconds = 2.0 if recorder.quick else 15.0
    with site(recorder.folder / "bare", rules=False) as bare:
        bare.make("plain")
        values = in_turn(100 if recorder.quick else 1000, {"set": lambda: bare.set("plain", "n", str(time.time_ns()))})
        recorder.add("plain AVU without rules", "ms", values["set"])
    with site(recorder.folder / "site") as made:
        made.make("images", SHARED, *(f"grid/comp{number:02}" for number in range(max(CLIENTS))))
        made.put("images/base.ova", packages.small())
        for name in (SHARED, *(f"grid/comp{number:02}" for number in range(max(CLIENTS)))):
            made.build(name)
        for clients in CLIENTS:
            made.set(SHARED, "hostname", "0")
            _measure(recorder, made, clients, seconds)


def _measure(recorder: Recorder, made: Site, clients: int, seconds: float) -> None:
    shared = _START.Value("q", 0)  # the last hostname of SHARED whose set has returned
    barrier, answers = _START.Barrier(clients), _START.Queue()
    made.session.cleanup()  # two processes must not share a connection
    workers = [
        _START.Process(target=_work, args=(made, number, seconds, shared, barrier, answers), daemon=True)
        for number in range(clients)
    ]
    for worker in workers:
        worker.start()
    tallies: list[Tally] = [answers.get() for _ in workers]
    for worker in workers:
        worker.join()
    labels = {"clients": clients}
    recorder.add("set that rebuilds", "ms", [value for tally in tallies for value in tally.sets], **labels)
    recorder.add("read through the gate", "ms", [value for tally in tallies for value in tally.reads], **labels)
    recorder.add("seconds", "s", [max(tally.seconds for tally in tallies)], **labels)
    recorder.add("stale reads", "reads", [sum(tally.stale for tally in tallies)], **labels)
    failures = [text for tally in tallies for text in tally.failures]
    recorder.add("failures", "operations", [len(failures)], **labels)
    for text in failures[:3]:
        print(f"  load: {clients} clients: {text}", flush=True)


def _work(made: Site, number: int, seconds: float, shared: Any, barrier: Any, answers: Any) -> None:
    """One client."""
    own, tally, rounds = f"grid/comp{number:02}", Tally(), 0

    def read(component: str) -> str:
        found: list[str] = []
        tally.reads.append(timed(lambda: found.append(made.hostname(component, session))))
        return found[0]

    def set_and_read(component: str, value: str) -> None:
        tally.sets.append(timed(partial(made.set, component, "hostname", value, session)))
        tally.stale += read(component) != value

    with made.fresh_session() as session:
        made.hostname(own, session)  # now connected, and its agent has imported what it needs
        barrier.wait()
        start = time.monotonic()
        while time.monotonic() < start + seconds:
            rounds += 1
            try:
                set_and_read(own, f"{number}-{rounds}")
                if number == 0:
                    tally.sets.append(timed(partial(made.set, SHARED, "hostname", str(rounds), session)))
                    shared.value = rounds
                before = shared.value
                tally.stale += int(read(SHARED)) < before
            except Exception as error:
                tally.failures.append(f"{type(error).__name__}: {error}")
        tally.seconds = time.monotonic() - start
    answers.put(tally)
