"""The few i-commands of our example scripts over python-irodsclient, for machines without iRODS's own.

`commands(folder)` gives the folder to put first in PATH: an empty one where the real commands are installed.
usage: python -m tests.support.icommands COMMAND ARGUMENT…     COMMAND: imkdir, iput, imeta
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from irods.exception import iRODSException
from irods.session import iRODSSession

from tests.support import REPOSITORY
from tests.support.clients import HAS_ICOMMANDS, PythonClient

COMMANDS = ("imkdir", "iput", "imeta")


def commands(folder: Path) -> Path:
    """A folder with a script for each command, where they are not installed."""
    folder.mkdir()
    for name in () if HAS_ICOMMANDS else COMMANDS:
        script = folder / name
        call = f'PYTHONPATH="{REPOSITORY}" exec "{sys.executable}" -m tests.support.icommands {name} "$@"'
        script.write_text(f"#!/bin/sh\n{call}\n")
        script.chmod(0o755)
    return folder


def main(arguments: list[str]) -> None:
    """One command."""
    command, *rest = arguments
    settings = json.loads(Path(os.environ["IRODS_ENVIRONMENT_FILE"]).read_text())
    names = {"host": "irods_host", "port": "irods_port", "user": "irods_user_name", "zone": "irods_zone_name"}
    with iRODSSession(password="rods", **{name: settings[key] for name, key in names.items()}) as session:
        home = f"/{session.zone}/home/{session.username}"
        {"imkdir": _imkdir, "iput": _iput, "imeta": _imeta}[command](PythonClient(session), home, rest)


def _imkdir(client: PythonClient, home: str, rest: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="imkdir")
    parser.add_argument("-p", action="store_true")
    parser.add_argument("paths", nargs="+")
    for path in parser.parse_args(rest).paths:
        client.make(_absolute(path, home))


def _iput(client: PythonClient, home: str, rest: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="iput")
    parser.add_argument("-r", action="store_true")
    parser.add_argument("-f", action="store_true")
    parser.add_argument("source", type=Path)
    parser.add_argument("target")
    options = parser.parse_args(rest)
    target, source = _absolute(options.target, home), options.source
    if client.session.collections.exists(target):  # into it, under its own name
        target = f"{target}/{source.name}"
    files = sorted(each for each in source.rglob("*") if each.is_file()) if options.r else [source]
    for each in files:
        inside = "" if each == source else f"/{each.relative_to(source).as_posix()}"
        path = target.rstrip("/") + inside
        client.make(path.rpartition("/")[0])
        client.put(each.read_bytes(), path)


def _imeta(client: PythonClient, home: str, rest: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="imeta")
    parser.add_argument("operation", choices=["set"])
    parser.add_argument("-C", action="store_true", required=True)
    parser.add_argument("collection")
    parser.add_argument("attribute")
    parser.add_argument("value")
    options = parser.parse_args(rest)
    client.set(_absolute(options.collection, home), options.attribute, options.value)


def _absolute(path: str, home: str) -> str:
    return (path if path.startswith("/") else f"{home}/{path}").rstrip("/")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except iRODSException as error:
        raise SystemExit(repr(error)) from error
