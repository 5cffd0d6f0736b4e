"""The command `irods-zone`: reads its arguments, makes or opens the zone, and runs the server until it is stopped."""

from __future__ import annotations

import argparse
import ipaddress
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from irods_zone.config import ClientLimits, Resource, ServerOptions
from irods_zone.server import Server

NOTICE = "for trying and testing, not for production"


def default_root() -> Path:
    """$XDG_DATA_HOME/irods-zone, independent of the folder in which the command is started."""
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "irods-zone"


def parser() -> argparse.ArgumentParser:
    """The command line of irods-zone."""
    made = argparse.ArgumentParser(
        prog="irods-zone", description=f"A small iRODS-speaking server ({NOTICE}).", allow_abbrev=False
    )
    made.add_argument("--root", type=Path, default=None, help="the zone's directory; made on the first start "
                      "(default: $XDG_DATA_HOME/irods-zone, else ~/.local/share/irods-zone)")  # fmt: skip
    made.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    made.add_argument("--port", type=int, default=1247, help="port to listen on; 0 picks one (default: %(default)s)")
    made.add_argument("--password", default=None, help="the administrator's password (default on the first start: "
                      "rods; on later ones it is changed only if given)")  # fmt: skip
    made.add_argument("--rules", type=Path, default=None, help="rule file (core.py) for the emulated Python engine")
    made.add_argument("--trace", type=Path, default=None, metavar="FILE",
                      help="note what rules do (hooks, microservices, queries) in FILE, as lines of JSON")  # fmt: skip
    made.add_argument("--resource", action="append", default=[], metavar="NAME:DIR", type=_resource,
                      help="a storage resource and its vault; repeatable, the first is the default "
                      "(default: demoResc in ROOT/vault)")  # fmt: skip
    made.add_argument("--provider", type=Path, default=None, metavar="ROOT",
                      help="serve as a consumer of the zone with this root: other address, same port")  # fmt: skip
    made.add_argument("--zone", default="tempZone", help="name of a new zone (default: %(default)s)")
    made.add_argument("--user", default="rods", help="administrator of a new zone (default: %(default)s)")
    made.add_argument("--max-connections", type=int, default=ClientLimits.connections, metavar="N",
                      help="connections at once (default: %(default)s)")  # fmt: skip
    made.add_argument("--handshake-timeout", type=float, default=ClientLimits.handshake, metavar="SECONDS",
                      help="time to sign in (default: %(default)s)")  # fmt: skip
    made.add_argument("--stall-timeout", type=float, default=ClientLimits.stall, metavar="SECONDS",
                      help="time without progress inside a message (default: %(default)s)")  # fmt: skip
    made.add_argument("--idle-timeout", type=float, default=ClientLimits.idle, metavar="SECONDS",
                      help="time between two requests (default: %(default)s)")  # fmt: skip
    return made


def _resource(text: str) -> Resource:
    name, colon, directory = text.partition(":")
    if not (name and colon and directory):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME:DIR")
    return Resource(name, Path(directory).absolute())


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the server; returns the exit code."""
    arguments = parser().parse_args(argv)
    root = (arguments.root or default_root()).absolute()
    if arguments.rules is not None and not arguments.rules.is_file():
        print(f"irods-zone: no rule file {arguments.rules}", file=sys.stderr)
        return 2
    options = ServerOptions(
        root=root,
        host=arguments.host,
        port=arguments.port,
        password=arguments.password,
        rules=arguments.rules.absolute() if arguments.rules else None,
        trace=arguments.trace.absolute() if arguments.trace else None,
        resources=tuple(arguments.resource),
        zone_name=arguments.zone,
        administrator=arguments.user,
        provider=arguments.provider.absolute() if arguments.provider else None,
        limits=ClientLimits(
            connections=arguments.max_connections,
            handshake=arguments.handshake_timeout,
            stall=arguments.stall_timeout,
            idle=arguments.idle_timeout,
        ),
    )
    if not _is_loopback(arguments.host):
        print(
            f"irods-zone: warning: {arguments.host} can be reached from other machines; this server is {NOTICE}, "
            "and its traffic is not encrypted",
            file=sys.stderr,
        )
    try:
        server = Server(options)
    except (OSError, ValueError) as error:
        print(f"irods-zone: {error}", file=sys.stderr)
        return 1
    print(f"irods-zone listening on {server.config.host} {server.config.port}", flush=True)
    print(f"in another terminal: . {shlex.quote(str(root / 'client.sh'))}", flush=True)
    return server.run()


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


if __name__ == "__main__":
    sys.exit(main())
