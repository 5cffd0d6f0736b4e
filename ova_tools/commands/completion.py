"""`ova completion`: a script that completes the command in a shell."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

from .common import add_command

if TYPE_CHECKING:
    from .common import Commands

SHELLS = ("bash", "zsh", "fish", "tcsh")
_FILES = {"FILE", "OUT", "KEY", "CERT", "A", "B"}


def add(commands: Commands, parser: Callable[[], argparse.ArgumentParser]) -> None:
    """Describe the command; `parser` makes that of the whole program."""

    def run(options: argparse.Namespace) -> int:
        import shtab

        print(shtab.complete(_with_files(parser()), shell=options.shell))
        return 0

    command = add_command(
        commands,
        "completion",
        run,
        "print a script that completes this command in a shell",
        "The script has to be read by the shell when it starts.",
        (
            "ova completion bash > ~/.local/share/bash-completion/completions/ova",
            "ova completion zsh > ~/.zfunc/_ova",
            "ova completion fish > ~/.config/fish/completions/ova.fish",
        ),
    )
    command.add_argument("shell", metavar="SHELL", choices=SHELLS, help=", ".join(SHELLS))


def _with_files(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Say of each argument that names a file or a folder that it does, as shtab wants to be told."""
    import shtab

    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for each in action.choices.values():
                _with_files(each)
        elif action.metavar in _FILES:
            action.complete = shtab.FILE  # type: ignore[attr-defined]
        elif action.metavar == "FOLDER":
            action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
    return parser
