"""`ova-grid graph`: which component is made from what."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from ova_grid.commands.common import add_command, signed_in

if TYPE_CHECKING:
    from ova_grid.commands.common import Commands


def add(commands: Commands) -> None:
    """Describes the command."""
    parser = add_command(
        commands,
        "graph",
        run,
        "draw which component is made from what",
        "An arrow leads from an image, a referenced machine or a prototype to what is made from it.",
        ("ova-grid graph grid01", "ova-grid graph grid01 --format dot | dot -Tsvg > grid01.svg"),
    )
    parser.add_argument("paths", metavar="PATH", nargs="*", help="components at and below (default: all you may read)")
    parser.add_argument("--format", choices=("mermaid", "dot", "json"), default="mermaid", help="default: %(default)s")


def run(options: argparse.Namespace) -> int:
    """Draws it."""
    from ova_grid import graph
    from ova_grid.components import all_components, used_by
    from ova_grid.reading import absolute

    with signed_in(options) as (session, base):
        components = all_components(session, [absolute(base, path) for path in options.paths])
        relations = graph.edges(components, used_by(session))
    if options.format == "json":
        edges = [{"from": each.start, "to": each.end, "relation": each.relation.value} for each in relations]
        nodes = [{"path": each.path, "state": each.state} for each in components]
        print(json.dumps({"components": nodes, "relations": edges}, indent=2))
        return 0
    draw = graph.dot if options.format == "dot" else graph.mermaid
    print(draw(components, relations).rstrip("\n"))
    return 0
