"""What the commands of `ova-grid` share: how they are described, and how they sign in."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ova_grid.errors import GridError

if TYPE_CHECKING:
    from irods.session import iRODSSession

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def add_command(
    commands: Commands,
    name: str,
    run: Callable[[argparse.Namespace], int],
    help: str,
    more: str = "",
    examples: Iterable[str] = (),
) -> argparse.ArgumentParser:
    """Adds a command: `help` is its first sentence, `more` what follows, `examples` are lines to be typed."""
    sentence = f"{help[0].upper()}{help[1:]}."
    parser = commands.add_parser(
        name,
        help=help,
        description=f"{sentence}\n\n{more}".strip(),
        epilog="examples:\n" + "".join(f"  {line}\n" for line in examples),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--environment", metavar="FILE", type=Path,
                        help="the iRODS environment (default: as i-commands find it)")  # fmt: skip
    parser.set_defaults(run=run)
    return parser


def add_json(parser: argparse.ArgumentParser) -> None:
    """Adds `--json`."""
    parser.add_argument("--json", action="store_true", help="as JSON, in the form that docs/ova-grid.md describes")


@contextmanager
def signed_in(options: argparse.Namespace) -> Iterator[tuple[iRODSSession, str]]:
    """A session of the user of the environment, and the collection that relative paths start from. Raises GridError."""
    from ova_grid.connection import connected, environment

    chosen = environment(options.environment)
    with connected(chosen) as session:
        yield session, chosen.working_collection


def require_components(path: str, found: int) -> None:
    """Raises GridError if there is no component at or below a path."""
    if not found:
        raise GridError(f"{path}: no component is there or below that you may read")
