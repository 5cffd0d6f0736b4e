"""The command `ova-admin`: into a server, does it work there, and looking after components.

A thin edge: it reads arguments, calls the package's functions and prints. Must never show a traceback or a password,
and must import what is slow only where it is used. Exit status: 0 done, 1 refused or not as it must be, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from ova_admin.errors import AdminError, one_line
from ova_admin.places import DEFAULT_ETC, DEFAULT_PREFIX, Places


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with `arguments` (those of the process if None) and return its exit status."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    options = _parser().parse_args(arguments)
    try:
        status = _COMMANDS[options.command](options)
        sys.stdout.flush()
    except AdminError as error:
        return _refuse(str(error))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or the interpreter complains when it flushes at its end
        return 1
    except KeyboardInterrupt:
        return _refuse("interrupted")
    except OSError as error:
        return _refuse(one_line(f"{error.filename or ''} {error.strerror or error}".strip()))
    except Exception as error:
        return _refuse(one_line(f"a fault in ova-admin itself, please report it: {type(error).__name__}: {error}"))
    return status


def _refuse(why: str) -> int:
    print(f"ova-admin: {why}", file=sys.stderr)
    return 1


def _say(text: str) -> None:
    print(text, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ova-admin", description="Put the rules into an iRODS server, check them, look after components."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    install = commands.add_parser("install", help="install or upgrade; shows what it changes and asks first")
    _add_places(install)
    _add_consent(install)
    install.add_argument("--configure-server", action="store_true", help="put PREP into server_config.json too")
    install.add_argument("--write-settings", action="store_true", help="write ova_rules.json with the defaults")

    uninstall = commands.add_parser("uninstall", help="take it out again; shows what it changes and asks first")
    _add_places(uninstall)
    _add_consent(uninstall)
    return parser


def _add_places(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--etc", metavar="DIR", type=Path, default=DEFAULT_ETC,
                        help="the server's configuration (default: %(default)s)")  # fmt: skip
    parser.add_argument("--prefix", metavar="DIR", type=Path, default=DEFAULT_PREFIX,
                        help="where the rules are installed (default: %(default)s)")  # fmt: skip
    parser.add_argument("--plugin", metavar="FILE", type=Path, help="PREP's library, where it is not found by itself")
    parser.add_argument("--python", metavar="PROGRAM", type=Path, help="the interpreter of the Python that PREP embeds")
    parser.add_argument("--pid-file", metavar="FILE", type=Path, help="that of the main server process")


def _add_consent(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--dry-run", action="store_true", help="show only")
    parser.add_argument("--no-reload", action="store_true", help="do not tell the server")


def _places(options: argparse.Namespace) -> Places:
    etc = options.etc.absolute()
    if not etc.is_dir():
        raise AdminError(f"{etc}: is not there; name the folder of server_config.json with --etc")
    return Places(etc, options.prefix.absolute(), options.plugin, options.python, options.pid_file)


def _install(options: argparse.Namespace) -> int:
    from ova_admin.install import commands, site

    wanted = site.Wanted(options.configure_server, options.write_settings)
    agree = commands.confirmed(options.yes, options.dry_run, _say)
    done = commands.install(_places(options), wanted, agree, _say, reloading=not options.no_reload)
    return 0 if done or options.dry_run else 1


def _uninstall(options: argparse.Namespace) -> int:
    from ova_admin.install import commands

    agree = commands.confirmed(options.yes, options.dry_run, _say)
    done = commands.uninstall(_places(options), agree, _say, reloading=not options.no_reload)
    return 0 if done or options.dry_run else 1


_COMMANDS = {"install": _install, "uninstall": _uninstall}


if __name__ == "__main__":
    sys.exit(main())
