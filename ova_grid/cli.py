"""The command `ova-grid`: its parser, and what a refusal looks like. Each command is a module of `commands`.

Must never show a traceback or a password, and must import what is slow only where it is used. Exit status: 0 done,
1 refused or not as it should be, 2 wrong usage; `diff` has its own.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from ova_grid.commands import completion, diff, export, graph, history, import_, status
from ova_grid.errors import GridError
from ova_rules.errors import one_line


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command with `arguments` (those of the process if None) and returns its exit status."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    options = make_parser().parse_args(arguments)
    refused: int = getattr(options, "refused", 1)
    try:
        done: int = options.run(options)
        sys.stdout.flush()
    except GridError as error:
        return _refuse(str(error), refused)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or the interpreter complains when it flushes at its end
        return refused
    except KeyboardInterrupt:
        return _refuse("interrupted", refused)
    except OSError as error:
        return _refuse(f"{error.filename or ''} {error.strerror or error}".strip(), refused)
    except ModuleNotFoundError as error:
        package = str(error.name).partition(".")[0]
        return _refuse(f"the package {package} is missing here; install it: pip install 'ova-tools[grid]'", refused)
    except Exception as error:
        return _refuse(f"a fault in ova-grid itself, please report it: {type(error).__name__}: {error}", refused)
    return done


def make_parser() -> argparse.ArgumentParser:
    """The parser of the whole command; completions are made from it, too."""
    parser = argparse.ArgumentParser(
        prog="ova-grid",
        description="Show, compare, save and restore grids of machines in iRODS, with your own rights.",
        epilog="examples:\n  ova-grid status grid01\n  ova-grid diff grid01 grid02\n  ova-grid status --help\n",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and end")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in (status, history, diff, graph, export, import_):
        command.add(commands)
    completion.add(commands, make_parser)
    return parser


class _Version(argparse.Action):
    """Prints the version of the installed package, which is asked for it only then."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        from importlib.metadata import version

        print(f"ova-grid {version('ova-tools')}")
        parser.exit()


def _refuse(why: str, exit_status: int) -> int:
    print(f"ova-grid: {one_line(why)}", file=sys.stderr)
    return exit_status


if __name__ == "__main__":
    sys.exit(main())
