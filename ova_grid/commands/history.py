"""`ova-grid history`: the states that a machine was in."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ova_grid.commands.common import add_command, add_json, signed_in
from ova_grid.text import whole

if TYPE_CHECKING:
    from ova_grid.commands.common import Commands
    from ova_grid.history import State, Value


def add(commands: Commands) -> None:
    """Describes the command."""
    parser = add_command(
        commands,
        "history",
        run,
        "show the last states of a machine, the latest first, and what each changed",
        "A state is brought back by `imeta set -C PATH ova_restore FINGERPRINT`.",
        ("ova-grid history grid01/comp01", "ova-grid history --json grid01/comp01 | jq '.[0].user'"),
    )
    parser.add_argument("path", metavar="PATH", help="a component")
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Shows it."""
    from ova_grid.machine import machine
    from ova_grid.reading import absolute

    with signed_in(options) as (session, base):
        known = machine(session, absolute(base, options.path)).history
    if options.json:
        print(json.dumps([_as_json(state, before) for state, before in _steps(known)], indent=2))
    else:
        print("\n".join(line for state, before in _steps(known) for line in _lines(state, before)) or "no state yet")
    return 0


def _steps(known: Sequence[State]) -> Iterator[tuple[State, State | None]]:
    return zip(known, [*known[1:], None])


def _lines(state: State, before: State | None) -> Iterator[str]:
    from ova_grid.history import change

    found = change(before, state)
    yield f"{state.number}  {state.time}  {state.fingerprint[:8]}  {whole(state.user)}"
    if found.source_before or before is None:
        yield f"    image {whole(state.source)}"
    yield from (f"    - {_text(value)}" for value in found.went)
    yield from (f"    + {_text(value)}" for value in found.came)


def _text(value: Value) -> str:
    units = f" ({value.units})" if value.units else ""
    place = f"  of {value.collection}" if value.collection else ""
    return whole(f"{value.attribute}{units} = {'(withheld)' if value.value is None else value.value}{place}")


def _as_json(state: State, before: State | None) -> dict[str, Any]:
    from ova_grid.history import change

    found = change(before, state)
    return {
        "number": state.number,
        "time": state.time,
        "fingerprint": state.fingerprint,
        "user": state.user,
        "image": state.source,
        "values": [asdict(value) for value in state.values],
        "came": [asdict(value) for value in found.came],
        "went": [asdict(value) for value in found.went],
    }
