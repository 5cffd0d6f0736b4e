"""`ova diff`: what differs between two packages."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from ova_tools.errors import one_line
from ova_tools.package import read_package

from .common import add_command

if TYPE_CHECKING:
    from .common import Commands


def add(commands: Commands) -> None:
    """Describe the command."""
    parser = add_command(
        commands,
        "diff",
        run,
        "say what differs between two packages",
        "Systems, deployment options, properties, the rest of the descriptor, and files are compared.\n"
        "Files are compared by size and by the digests of the manifests; where these cannot say it, byte for byte.\n"
        "The text of a password is not shown.\n"
        "The exit status is 0 for the same, 1 for different, 2 for trouble.",
        ("ova diff base.ova sg12.ova", "ova diff --json base.ova sg12.ova | jq '.differences[].name'"),
    )
    parser.set_defaults(refused=2)
    parser.add_argument("file", metavar="A", help="an .ova, or an .ovf with its files beside it")
    parser.add_argument("other", metavar="B", help="the same, to be compared with A")
    parser.add_argument("--json", action="store_true", help="as JSON, in the form that docs/ova-tools.md describes")


def run(options: argparse.Namespace) -> int:
    """Compare the packages."""
    from ova_tools.compare import as_text, differences
    from ova_tools.progress import ProgressBar

    names = options.file, options.other
    with read_package(options.file) as left:
        options.file = options.other  # whatever main refuses from here on is about this one
        size = sum(member.size for member in left.members)
        with read_package(options.other) as right, ProgressBar("comparing", size) as progress:
            found = differences(left, right, progress.advance)
    if options.json:
        import json

        listed = [
            {
                "subject": each.subject.value,
                "name": each.name,
                "what": each.what,
                "left": each.left,
                "right": each.right,
                "hidden": each.hidden,
            }
            for each in found
        ]
        print(json.dumps({"format": 1, "left": names[0], "right": names[1], "differences": listed}, indent=2))
    else:
        for each in found:
            print(one_line(as_text(each)))
    return 1 if found else 0
