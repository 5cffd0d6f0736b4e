"""`ova-grid diff`: what differs between machines, grids, or a machine now and then."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from ova_grid.commands.common import add_command, add_json, require_components, signed_in
from ova_grid.errors import GridError
from ova_grid.text import whole

if TYPE_CHECKING:
    from irods.session import iRODSSession

    from ova_grid.commands.common import Commands
    from ova_grid.difference import Difference


def add(commands: Commands) -> None:
    """Describes the command."""
    parser = add_command(
        commands,
        "diff",
        run,
        "show what differs between two machines, two grids, or a machine now and then",
        "The machines of two grids are compared by their names.\n"
        "A value that may not be shown is listed without its text.\n"
        "The exit status is 0 for the same, 1 for different, 2 for trouble.",
        (
            "ova-grid diff grid01/comp01 grid01/comp02",
            "ova-grid diff grid01 grid02",
            "ova-grid diff grid01/comp01 --at 3",
            "ova-grid diff grid01/comp01 --at 2026-01-31T12:00:00Z",
        ),
    )
    parser.add_argument("left", metavar="A", help="a component or a grid")
    parser.add_argument("right", metavar="B", nargs="?", help="the same, to be compared with A")
    parser.add_argument("--at", metavar="STATE", help="compare A with this state of it: number, fingerprint or time")
    parser.set_defaults(refused=2)
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Compares them."""
    if (options.right is None) == (options.at is None):
        raise GridError("diff: say either what A is compared with, or --at which state of it")
    with signed_in(options) as (session, base):
        found = _then(session, base, options) if options.at else _between(session, base, options)
    if options.json:
        print(json.dumps([asdict(each) for each in found], indent=2))
    else:
        for each in found:
            print(whole(_text(each)))
    return 1 if found else 0


def _then(session: iRODSSession, base: str, options: argparse.Namespace) -> list[Difference]:
    from ova_grid.difference import of_states
    from ova_grid.history import find
    from ova_grid.machine import machine
    from ova_grid.reading import absolute

    path = absolute(base, options.left)
    known = machine(session, path).history
    then = find(path, known, options.at)
    return of_states(path.rpartition("/")[2], then, known[0])


def _between(session: iRODSSession, base: str, options: argparse.Namespace) -> list[Difference]:
    from ova_grid.components import all_components
    from ova_grid.difference import of_machines, pairs
    from ova_grid.machine import machine
    from ova_grid.reading import Reader, absolute

    reader = Reader(session)
    left, right = absolute(base, options.left), absolute(base, options.right)
    sides = []
    for path in (left, right):
        found = [each.path for each in all_components(session, [path])]
        require_components(path, len(found))
        sides.append(found)
    reader.avus(dict.fromkeys([*sides[0], *sides[1]]))
    differences = []
    for place, one, other in pairs(left, right, *sides):
        machines = [machine(session, path, reader) if path else None for path in (one, other)]
        differences += of_machines(left.rpartition("/")[2] if place == "." else place, *machines)
    return differences


def _text(each: Difference) -> str:
    if each.hidden:
        return f"{each.machine}: {each.what}: (withheld)"
    left, right = ("nothing" if side is None else side or '""' for side in (each.left, each.right))
    return f"{each.machine}: {each.what}: {left} -> {right}"
