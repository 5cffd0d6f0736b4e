"""The command `ova-admin`: into a server, does it work there, and looking after components.

A thin edge: it reads arguments, calls the package's functions and prints. Must never show a traceback or a password,
and must import what is slow only where it is used. Exit status: 0 done, 1 refused or not as it must be, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from ova_admin.errors import AdminError
from ova_admin.places import DEFAULT_ETC, DEFAULT_PREFIX, Places
from ova_grid.errors import GridError
from ova_rules.errors import one_line

if TYPE_CHECKING:
    from rich.console import Console

    from ova_admin.rebuild import Order
    from ova_grid.connection import Environment


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with `arguments` (those of the process if None) and return its exit status."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    options = _parser().parse_args(arguments)
    try:
        status = _COMMANDS[options.command](options)
        sys.stdout.flush()
    except GridError as error:
        return _refuse(str(error))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or the interpreter complains when it flushes at its end
        return 1
    except KeyboardInterrupt:
        return _refuse("interrupted")
    except OSError as error:
        return _refuse(one_line(f"{error.filename or ''} {error.strerror or error}".strip()))
    except ModuleNotFoundError as error:
        package = str(error.name).partition(".")[0]
        return _refuse(f"the package {package} is missing here; install it: pip install 'ova-tools[admin]'")
    except Exception as error:
        return _refuse(one_line(f"a fault in ova-admin itself, please report it: {type(error).__name__}: {error}"))
    return status


def _refuse(why: str) -> int:
    print(f"ova-admin: {why}", file=sys.stderr)
    return 1


def _report(text: str) -> None:
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

    check = commands.add_parser("check", help="each requirement: ok or not, and the remedy")
    _add_places(check)
    _add_environment(check)
    check.add_argument("--no-connection", action="store_true", help="look at files only; ask no zone, make nothing")
    check.add_argument("--json", action="store_true", help="as JSON")

    join = commands.add_parser("join", help="bring the zone's key from the server with the catalog to another one")
    _add_places(join)
    join.add_argument("--give", action="store_true", help="on the server with the catalog: write it to stdout")

    status = commands.add_parser("status", help="the components: state, age, source, message")
    status.add_argument("paths", metavar="PATH", nargs="*", help="collections to look at and below (default: all)")
    _add_environment(status)
    status.add_argument("--json", action="store_true", help="as JSON")

    rebuild = commands.add_parser("rebuild", help="build components anew, on behalf of their owners")
    rebuild.add_argument("paths", metavar="PATH", nargs="*", help="components")
    rebuild.add_argument("--all", action="store_true", help="every component of the zone")
    _add_environment(rebuild)

    reconcile = commands.add_parser("reconcile", help="find what is out of date, and build it for its owners")
    _add_environment(reconcile)
    when = reconcile.add_mutually_exclusive_group()
    when.add_argument("--every", metavar="TIME", help="do it regularly, as a job of the server: 30m, 1h, 1d")
    when.add_argument("--stop", action="store_true", help="stop doing it regularly")
    when.add_argument("--dry-run", action="store_true", help="show what is out of date only")
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


def _add_environment(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--environment", metavar="FILE", type=Path,
                        help="the administrator's iRODS environment (default: as i-commands find it)")  # fmt: skip


def _places(options: argparse.Namespace) -> Places:
    etc = options.etc.absolute()
    if not etc.is_dir():
        raise AdminError(f"{etc}: is not there; name the folder of server_config.json with --etc")
    return Places(etc, options.prefix.absolute(), options.plugin, options.python, options.pid_file)


def _install(options: argparse.Namespace) -> int:
    from ova_admin import answer
    from ova_admin.install import commands, site

    places = _places(options)
    wanted = site.Wanted(options.configure_server, options.write_settings)
    agree = commands.confirmed(options.yes, options.dry_run, _report)
    reloading = not options.no_reload
    done = commands.install(places, wanted, agree, _report, reloading=reloading, watch=answer.watch(places))
    return 0 if done or options.dry_run else 1


def _uninstall(options: argparse.Namespace) -> int:
    from ova_admin.install import commands

    agree = commands.confirmed(options.yes, options.dry_run, _report)
    done = commands.uninstall(_places(options), agree, _report, reloading=not options.no_reload)
    return 0 if done or options.dry_run else 1


def _check(options: argparse.Namespace) -> int:
    from ova_admin.check import commands
    from ova_admin.check.finding import Outcome, summary

    console = _console()
    found = []
    for finding in commands.findings(_places(options), options.environment, connect=not options.no_connection):
        found.append(finding)
        if not options.json:
            console.print(commands.line(finding), soft_wrap=True, highlight=False)
    _report(json.dumps([finding.as_json() for finding in found], indent=2) if options.json else summary(found))
    return 1 if any(finding.outcome is Outcome.NOT_OK for finding in found) else 0


def _join(options: argparse.Namespace) -> int:
    from ova_admin import join

    places = _places(options)
    if not options.give:
        if sys.stdin.isatty():
            raise AdminError("the key is read from standard input: ssh PROVIDER ova-admin join --give | ova-admin join")
        made = join.take(places, sys.stdin.read(4096))
        _report("joined; now run `ova-admin check`" if made else "joined, as before")
        return 0
    if sys.stdout.isatty():
        raise AdminError("the key would be shown; pipe it: ova-admin join --give | ssh SERVER ova-admin join")
    _report(join.given(places))
    return 0


def _status(options: argparse.Namespace) -> int:
    from ova_admin import given_up, status
    from ova_grid.components import all_components
    from ova_grid.connection import connected, environment

    with connected(environment(options.environment)) as session:
        components = all_components(session, options.paths)
        images = given_up.images(session, options.paths)
    now = datetime.now(timezone.utc)
    if options.json:
        _report(json.dumps(status.rows(components, images, now), indent=2))
        return 0
    console, shown = _console(), status.lines(components, images, now)
    if shown and console.is_terminal:
        console.print(status.rendered(shown, console.width), soft_wrap=True, highlight=False)
    elif shown:
        _report("\n".join(status.plain(shown)))
    _report(status.summary(components, images))
    return 0


def _rebuild(options: argparse.Namespace) -> int:
    from ova_admin.rebuild import Order
    from ova_grid.components import all_components, named
    from ova_grid.connection import connected, environment

    if bool(options.paths) == options.all:
        _parser().error("rebuild: say which components, or --all")
    chosen = environment(options.environment)
    with connected(chosen) as session:
        components = all_components(session) if options.all else named(session, options.paths)
    return _build(chosen, [Order(component.path, component.owner) for component in components])


def _reconcile(options: argparse.Namespace) -> int:
    from ova_admin import reconcile, recurring
    from ova_grid.connection import connected, environment

    chosen = environment(options.environment)
    with connected(chosen) as session:
        if options.every:
            changed = recurring.start(session, options.every)
            _report(f"runs every {options.every}" + ("" if changed else ", as before"))
            return 0
        if options.stop:
            _report("stopped" if recurring.stop(session) else "it was not running")
            return 0
        stale = reconcile.stale(session)
    for order in stale if options.dry_run else ():
        _report(one_line(f"{order.path}: {order.reason} ({order.owner})"))
    if options.dry_run or not stale:
        _report(f"{len(stale)} out of date")
        return 0
    return _build(chosen, stale)


def _build(chosen: Environment, orders: Sequence[Order]) -> int:
    """Carries the orders out behind a progress bar; a line for each failure, and one at the end."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from ova_admin.rebuild import Result, rebuild

    columns = (TextColumn("building"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=_console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=len(orders))

        def advance(result: Result) -> None:
            progress.advance(task)
            if result.error:
                progress.console.print(one_line(f"{result.path}: {result.error}"), markup=False, soft_wrap=True)

        failed = rebuild(chosen, orders, advance)
    _report(f"{len(orders) - failed} ready, {failed} not")
    return 1 if failed else 0


def _console(*, stderr: bool = False) -> Console:
    from rich.console import Console

    return Console(stderr=stderr)


_COMMANDS = {
    "install": _install,
    "uninstall": _uninstall,
    "check": _check,
    "join": _join,
    "status": _status,
    "rebuild": _rebuild,
    "reconcile": _reconcile,
}


if __name__ == "__main__":
    sys.exit(main())
