"""Beyond one machine: a model on paper, with a short simulation, of many servers around one catalog.

Deterministic, and without dependencies: the same costs give the same outcome. The costs of a change come from
bench/results. What cannot be measured on one machine is a field of `Site`, that is, an assumption.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from bench.figures import middle, percentile
from bench.results import Label, Result

SECONDS = 60.0  # simulated time
BUSY = 0.7  # the share of its time that a resource may be busy before waits grow too long
_MOST_SERVERS = 1000


@dataclass(frozen=True)
class Costs:
    """The use of each resource by one change, in seconds, and its number of queries.

    agent: processor time of the rules and their imports; catalog: queries and changes of AVUs; disk: the sync of the
    new file's own blocks. check: reconcile, for each component that is up to date.
    """

    agent: float
    catalog: float
    disk: float
    queries: float
    check: float


@dataclass(frozen=True)
class Site:
    """The site of an administrator. streamed: the share of changes whose OVA a job copies through the network."""

    servers: int
    changes: float = 100.0  # a second, over all components
    cores: int = 8  # of each server
    connections: int = 16  # served by the database at once
    executors: int = 4  # of delayed jobs, on each server
    streamed: float = 0.0
    gibibytes: float = 4.0  # size of a streamed OVA
    network: float = 1.0  # GiB a second, of each server


@dataclass(frozen=True)
class Times:
    """The times of changes, from the call to the ready OVA, in seconds. 99 of 100 took no longer than `tail`."""

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
    """On paper: the share of its time that each resource is busy. Above 1 it never keeps up."""
    copying = site.changes * site.streamed * site.gibibytes / site.network
    return {
        "processors": site.changes * costs.agent / (site.servers * site.cores),
        "disks": site.changes * costs.disk / site.servers,
        "catalog": site.changes * costs.catalog / site.connections,
        "executors": copying / (site.servers * site.executors),
        "network": copying / site.servers,
    }


def fewest_servers(costs: Costs, site: Site) -> int | None:
    """The smallest number of servers with which no resource is busier than BUSY; None if servers do not help."""
    for servers in range(1, _MOST_SERVERS + 1):
        if max(busy(costs, replace(site, servers=servers)).values()) <= BUSY:
            return servers
    return None


@dataclass
class _Change:
    """A change in progress: its server, its arrival, the end of its service so far, and its use of each resource."""

    server: int
    came: float
    now: float
    work: float
    asking: float
    storing: float
    streamed: bool


def _serve(changes: Iterable[_Change], workers: int, takes: Callable[[_Change], float]) -> None:
    """Lets changes pass some equal workers, which serve them in the order of arrival."""
    free = [0.0] * workers
    for change in sorted(changes, key=lambda each: each.now):
        change.now = max(change.now, heapq.heappop(free)) + takes(change)
        heapq.heappush(free, change.now)


def simulate(costs: Costs, site: Site, seed: int = 1) -> Times:
    """Changes come at random times to random servers: a processor, the catalog, the disk or (streamed) the server's
    network. How long each takes is random too (exponential, as unkind as it is usual), but for the network.
    """
    chance, came, arrivals = random.Random(seed), 0.0, []
    while (came := came + chance.expovariate(site.changes)) < SECONDS:
        arrivals.append(came)
    changes = []
    for came in arrivals:
        server = chance.choice(range(site.servers))
        work, asking, syncing = (chance.expovariate(1 / mean) for mean in (costs.agent, costs.catalog, costs.disk))
        streamed = chance.random() < site.streamed
        storing = site.gibibytes / site.network if streamed else syncing
        changes.append(_Change(server, came, came, work, asking, storing, streamed))
    for server in range(site.servers):
        _serve((each for each in changes if each.server == server), site.cores, lambda each: each.work)
    _serve(changes, site.connections, lambda each: each.asking)
    for server in range(site.servers):
        for streamed in (False, True):
            own = (each for each in changes if (each.server, each.streamed) == (server, streamed))
            _serve(own, 1, lambda each: each.storing)
    taken = [each.now - each.came for each in changes]
    return Times(middle(taken), percentile(taken, 99))
