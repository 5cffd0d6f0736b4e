"""What the commands of `ova-grid` share: how they are described, and how they sign in."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ova_grid.errors import GridError
from ova_tools.commands.common import add_command as _add_command

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
    """Adds a command as `ova` does, with the option that names the iRODS environment."""
    parser = _add_command(commands, name, run, help, more, examples)
    parser.add_argument("--environment", metavar="FILE", type=Path,
                        help="the iRODS environment (default: as i-commands find it)")  # fmt: skip
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
        raise GridError(f"{path}: there is no component that you may read, here or below")
