"""The command `ova`: its parser, and what a refusal looks like. Each command is a module of `commands`.

Must never show a traceback or a password, and must import what is slow only where it is used. Exit status: 0 done,
1 refused with one line, 2 wrong usage; `diff` has its own.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from .commands import capture, completion, compose, deploy, diff, inspect, libvirt, pack, seed, set, unpack, verify
from .errors import OvaError, one_line


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with `arguments` (those of the process if None) and return its exit status."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    parser = make_parser()
    options, further = parser.parse_known_args(arguments)
    if further:  # argparse takes NAME=VALUE only right after FILE; people write them anywhere
        if options.command not in ("set", "seed") or any(each.startswith("-") for each in further):
            parser.error(f"unrecognized arguments: {' '.join(further)}")
        options.values += further
    with contextlib.suppress(ValueError):  # not the main thread
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _interrupt)
    try:
        status: int = options.run(options)
        if sys.stdout is not None:
            sys.stdout.flush()
    except OvaError as error:
        return _refuse(options, str(error))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or the interpreter complains when it flushes at its end
        return 1
    except OSError as error:
        return _refuse(options, one_line(f"{error.filename or ''} {error.strerror or error}".strip()))
    except KeyboardInterrupt:
        return _refuse(options, "interrupted, nothing was changed")
    except MemoryError:
        return _refuse(options, "not enough memory")
    except Exception as error:
        fault = f"a fault in ova itself, please report it: {type(error).__name__}: {error}"
        return _refuse(options, one_line(fault))
    return status


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command; the man page and the completions are made from it, too."""
    parser = argparse.ArgumentParser(
        prog="ova",
        description="Inspect, edit, verify, pack and compare OVF packages (.ova, .ovf).",
        epilog="examples:\n  ova inspect base.ova\n  ova set base.ova hostname=sg12 -o sg12.ova\n  ova set --help\n",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and end")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in (inspect, set, seed, verify, diff, pack, unpack, capture, compose, libvirt, deploy):
        command.add(commands)
    completion.add(commands, make_parser)
    return parser


class _Version(argparse.Action):
    """Prints the version of the installed package, which is asked for it only then."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        from importlib.metadata import version

        print(f"ova {version('ova-tools')}")
        parser.exit()


def _refuse(options: argparse.Namespace, why: str) -> int:
    file = getattr(options, "file", "")
    print(f"ova: {one_line(file)}: {why}" if file else f"ova: {why}", file=sys.stderr)
    status: int = options.refused
    return status


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
