"""The section of docs/performance.md on many servers: the results of the model with the measured costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from bench.figures import short, table
from bench.results import Result
from bench.scale_model import BUSY, SECONDS, Costs, Site, busy, costs_of, fewest_servers, simulate

COMPONENTS = 1_000_000
_SERVERS = (1, 2, 4, 8, 16)
_STREAMED = (0.0, 0.001, 0.01, 0.1)
_AGENTS = {"new": "each change by an i-command (a new agent)", "old": "clients that keep their connection"}

_HEAD = """\
## Beyond one machine

The numbers here are computed from the costs above with `bench/scale_model.py`; nothing was run on many servers.
"""

_QUESTION = """\
A zone has {components:,} components, which get {changes:.0f} changes a second in total.
It has N iRODS servers with a vault each, and one catalog database.
Each change is one AVU that rebuilds one OVA.
Which limit comes first, and what can an administrator do about it?

The assumptions are:

- {cores} cores and {executors} executors of delayed jobs for each server;
- a database that serves {connections} connections at once, at the speed of the embedded zone's;
- {network} GiB a second between servers;
- OVAs of {gibibytes} GiB.

iRODS sends AVU calls to a catalog provider and runs their hooks there.
A *server* here is a provider that has the vault of its components.
If the vault is on another server, that one builds, and the request to it costs 0.7 ms, or 0.1 s if it is the first of \
its agent ([servers](servers.md#what-runs-where)); the model leaves this out.
The rules cover one catalog provider, so a row with several servers says what their processors and disks would allow.
"""

_STREAMS = """\
### OVAs that have to be copied

A share of the changes concerns an OVA of {gibibytes} GiB that cannot share extents with its source.

{table}
The place of the vault matters more than the number of servers, because copies soon cost more than everything else.
"""

_TURN = """\
### What an administrator can do, in this order

1. **Vaults on XFS** (reflink=1), with the source and the components on one resource: the server copies no bytes.
2. **Clients that keep a connection**, or several AVUs in one atomic call: fewer imports, fewer queries.
3. **Servers**: vaults on catalog consumers, which then build; the rules cover \
[one catalog provider](servers.md#limits), which decides about every change.
4. **The database**: connections and memory.
   It answers {queries:.0f} short queries for each change.
   An index answers each query, even with 1,000,000 components (`bench/plans.sql`).
5. **Delay executors** and `inline_limit`, only if copying cannot be avoided.
6. **Reconcile** looks at every component: {check:.2f} ms each here, {hours:.1f} hours for {components:,} in one agent.
"""


def text(parts: Mapping[str, Result]) -> str:
    """The section."""
    if not {"everybody", "scale"} <= parts.keys():
        return f"{_HEAD}\nNot measured yet: `.venv/bin/python -m bench everybody scale`.\n"
    costs = {agent: costs_of(parts["everybody"], parts["scale"], agent) for agent in _AGENTS}
    return "\n".join([_HEAD, _question(), _costs(costs), _limits(costs), _streamed(costs["new"]), _turn(costs["new"])])


def _question() -> str:
    told = {**vars(Site(1)), "network": short(Site(1).network), "gibibytes": short(Site(1).gibibytes)}
    return _QUESTION.format(components=COMPONENTS, **told)


def _costs(costs: Mapping[str, Costs]) -> str:
    rows = [
        [_AGENTS[agent], *(short(1000 * value) for value in (each.agent, each.catalog, each.disk)), short(each.queries)]
        for agent, each in costs.items()
    ]
    head = ["one change, extents shared", "processor, ms", "catalog, ms", "disk, ms", "queries"]
    return f"{table(head, rows)}\nThe size of an OVA does not matter here, because its extents are shared.\n"


def _limits(costs: Mapping[str, Costs]) -> str:
    pieces = [f"The shares are computed; the times are simulated ({SECONDS:.0f} s of random changes).\n"]
    for agent, each in costs.items():
        rows = [_limit(each, Site(servers)) for servers in _SERVERS]
        head = ["servers", "processors busy", "disks busy", "catalog busy", "first limit", "median, ms", "p99, ms"]
        pieces.append(f"### Limits with {_AGENTS[agent]}\n\n{table(head, rows)}")
        fewest = fewest_servers(each, Site(1))
        enough = "No number of servers is" if fewest is None else f"{fewest} server{'s are' if fewest > 1 else ' is'}"
        pieces.append(f"{enough} enough if nothing may be busy for more than {100 * BUSY:.0f} % of its time.\n")
    asked = " or ".join(dict.fromkeys(f"{Site(1).changes * each.queries:,.0f}" for each in costs.values()))
    pieces.append(f"The catalog answers {asked} queries a second, for any number of servers.\n")
    return "\n".join(pieces)


def _limit(costs: Costs, site: Site) -> list[str]:
    shares = busy(costs, site)
    limit = max(shares, key=lambda name: shares[name])
    shown = [f"{100 * shares[name]:.0f} %" for name in ("processors", "disks", "catalog")]
    if shares[limit] >= 1:
        return [str(site.servers), *shown, limit, "falls behind", ""]
    times = simulate(costs, site)
    return [str(site.servers), *shown, limit, short(1000 * times.median), short(1000 * times.tail)]


def _streamed(costs: Costs) -> str:
    rows = []
    for share in _STREAMED:
        site = Site(1, streamed=share)
        moved = f"{short(site.changes * share * site.gibibytes)} GiB/s"
        fewest = fewest_servers(costs, site)
        row = ["more than there can be", "", ""]
        if fewest is not None:
            enough = replace(site, servers=fewest)
            shares = busy(costs, enough)
            limit = max(shares, key=lambda name: shares[name])
            row = [str(fewest), limit, short(simulate(costs, enough).tail)]
        rows.append([f"{100 * share:g} %", moved, *row])
    head = ["copied", "bytes to move", "servers needed", "first limit", "p99, s"]
    return _STREAMS.format(gibibytes=short(Site(1).gibibytes), table=table(head, rows))


def _turn(costs: Costs) -> str:
    hours = COMPONENTS * costs.check / 3600
    return _TURN.format(queries=costs.queries, check=1000 * costs.check, hours=hours, components=COMPONENTS)
