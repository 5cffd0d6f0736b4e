"""Beyond one machine: a model on paper, and a short simulation of it, of many servers around one catalog.

Deterministic, and without dependencies: the same costs give the same outcome. What a change costs comes from
bench/results; what cannot be measured on one machine is a field of `Site`, that is, an assumption.
"""

from __future__ import annotations

import heapq
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from bench.figures import middle, percentile
from bench.results import Label, Result

SECONDS = 60.0  # that are simulated
BUSY = 0.7  # the share of its time that a resource may be busy before waiting grows out of hand
_MOST_SERVERS = 1000


@dataclass(frozen=True)
class Costs:
    """What one change takes of each resource, in seconds, and how many queries it asks.

    agent: processor time of the rules and their imports; catalog: queries and changes of AVUs; disk: the sync of the
    new file's own blocks. check: reconcile, for each component that is right.
    """

    agent: float
    catalog: float
    disk: float
    queries: float
    check: float


@dataclass(frozen=True)
class Site:
    """What an administrator has. streamed: the share of changes whose OVA is copied through the network, by a job."""

    servers: int
    changes: float = 100.0  # a second, over all components
    cores: int = 8  # of each server
    connections: int = 16  # that the database serves at once
    executors: int = 4  # of delayed jobs, on each server
    streamed: float = 0.0
    gibibytes: float = 4.0  # of an OVA that is streamed
    network: float = 1.0  # GiB a second, of each server


@dataclass(frozen=True)
class Times:
    """How long changes took, from the call to the ready OVA; seconds. 99 of 100 took no longer than `tail`."""

    median: float
    tail: float


def costs_of(everybody: Result, scale: Result, agent: str) -> Costs:
    """The costs of a change with shared extents, of a new agent (an icommand) or of one that has built before.

    Raises LookupError if the results are not complete.
    """
    kinds = everybody.labels("file_system", "hook")
    kind = "xfs" if "xfs" in kinds else kinds[0]
    where: dict[str, Label] = {"file_system": kind, "event": "AVU that rebuilds", "agent": agent}
    found = {str(phase): everybody.find("phase", phase=phase, **where) for phase in everybody.labels("phase", "phase")}
    phases = {phase: middle(each.values) / 1000 for phase, each in found.items() if each is not None}
    largest = max(int(n) for n in scale.labels("components"))
    queries = everybody.find("queries", **where)
    nothing = scale.find("reconcile, nothing to do: in hooks and jobs", components=largest)
    if not phases or queries is None or nothing is None:
        raise LookupError("the parts everybody and scale are not complete")
    catalog = sum(phases.get(name, 0.0) for name in ("query", "status", "publish", "queue"))
    disk = phases.get("sync", 0.0)
    agents = sum(phases.values()) - catalog - disk - phases.get("clone", 0.0)  # extents are shared: nothing is copied
    return Costs(agents, catalog, disk, middle(queries.values), middle(nothing.values) / 1000 / largest)


def busy(costs: Costs, site: Site) -> dict[str, float]:
    """On paper: the share of its time that each resource is busy; above 1 it never keeps up."""
    copying = site.changes * site.streamed * site.gibibytes / site.network
    return {
        "processors": site.changes * costs.agent / (site.servers * site.cores),
        "disks": site.changes * costs.disk / site.servers,
        "catalog": site.changes * costs.catalog / site.connections,
        "executors": copying / (site.servers * site.executors),
        "network": copying / site.servers,
    }


def fewest_servers(costs: Costs, site: Site) -> int | None:
    """The smallest number of servers with which nothing is busier than BUSY; None if servers do not help."""
    for servers in range(1, _MOST_SERVERS + 1):
        if max(busy(costs, replace(site, servers=servers)).values()) <= BUSY:
            return servers
    return None


@dataclass
class _Station:
    """Some equal workers with one line of what waits for them."""

    free: int
    waiting: deque[tuple[float, Callable[[float], None]]] = field(default_factory=deque)


class _Simulation:
    """A clock, and what happens when."""

    def __init__(self) -> None:
        self._events: list[tuple[float, int, Callable[[float], None]]] = []
        self._number = 0

    def at(self, when: float, action: Callable[[float], None]) -> None:
        self._number += 1
        heapq.heappush(self._events, (when, self._number, action))

    def visit(self, station: _Station, now: float, takes: float, then: Callable[[float], None]) -> None:
        """Waits for a worker of the station, keeps it for `takes` seconds, and goes on."""
        if not station.free:
            station.waiting.append((takes, then))
            return
        station.free -= 1

        def leave(end: float) -> None:
            station.free += 1
            if station.waiting:
                self.visit(station, end, *station.waiting.popleft())
            then(end)

        self.at(now + takes, leave)

    def run(self) -> None:
        while self._events:
            when, _, action = heapq.heappop(self._events)
            action(when)


def simulate(costs: Costs, site: Site, seed: int = 1) -> Times:
    """Changes come at random times to random servers: a processor, the catalog, the disk; streamed, then also an
    executor and the server's network. How long each takes is random too (exponential, as unkind as it is usual).
    """
    chance, world = random.Random(seed), _Simulation()
    catalog = _Station(site.connections)
    servers = [[_Station(free) for free in (site.cores, 1, site.executors, 1)] for _ in range(site.servers)]
    taken: list[float] = []

    def change(came: float) -> None:
        processors, disk, executors, network = chance.choice(servers)
        work, asking, syncing = (chance.expovariate(1 / mean) for mean in (costs.agent, costs.catalog, costs.disk))
        copying = site.gibibytes / site.network
        streamed = chance.random() < site.streamed

        def built(now: float) -> None:
            taken.append(now - came)

        def stream(now: float) -> None:
            world.visit(network, now, copying, built)

        def synced(now: float) -> None:
            world.visit(disk, now, syncing, built)

        def asked(now: float) -> None:
            if streamed:
                world.visit(executors, now, copying, lambda _: None)  # the executor waits while its bytes travel
                stream(now)
            else:
                synced(now)

        world.visit(processors, came, work, lambda now: world.visit(catalog, now, asking, asked))

    came = 0.0
    while (came := came + chance.expovariate(site.changes)) < SECONDS:
        world.at(came, change)
    world.run()
    return Times(middle(taken), percentile(taken, 99))
