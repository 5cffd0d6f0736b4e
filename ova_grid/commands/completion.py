"""`ova-grid completion`: a script that completes the command in a shell."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ova_grid.commands.common import Commands

_SHELLS = ("bash", "zsh", "fish", "tcsh")
_FILES = {"FILE"}


def add(commands: Commands, parser: Callable[[], argparse.ArgumentParser]) -> None:
    """Describes the command; `parser` makes that of the whole program."""

    def run(options: argparse.Namespace) -> int:
        import shtab

        whole = parser()
        subparsers = next(each for each in whole._actions if isinstance(each, argparse._SubParsersAction))
        for command in subparsers.choices.values():
            for action in command._actions:
                if action.metavar in _FILES:
                    action.complete = shtab.FILE
        print(shtab.complete(whole, shell=options.shell))
        return 0

    command = commands.add_parser(
        "completion",
        help="print a script that completes this command in a shell",
        epilog="examples:\n  ova-grid completion bash > ~/.local/share/bash-completion/completions/ova-grid\n",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("shell", metavar="SHELL", choices=_SHELLS, help=", ".join(_SHELLS))
    command.set_defaults(run=run)
