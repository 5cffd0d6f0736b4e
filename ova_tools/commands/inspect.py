"""`ova inspect`: what a package holds."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from ova_tools.package import read_package

from .common import add_command

if TYPE_CHECKING:
    from .common import Commands


def add(commands: Commands) -> None:
    """Describe the command."""
    parser = add_command(
        commands,
        "inspect",
        run,
        "show members, manifest, systems and properties",
        "No disk is read. The text of a password is not shown.",
        ("ova inspect appliance.ova", "ova inspect appliance.ova --json | jq .properties"),
    )
    parser.add_argument("file", metavar="FILE", help="an .ova, or an .ovf with its files beside it")
    parser.add_argument("--json", action="store_true", help="as JSON, in the form that docs/ova-tools.md describes")


def run(options: argparse.Namespace) -> int:
    """Print the package."""
    from ova_tools import inspect

    with read_package(options.file) as package:
        for text in inspect.json_text(package) if options.json else inspect.lines(package):
            print(text, end="" if options.json else "\n")
        if options.json:
            print()
    return 0
