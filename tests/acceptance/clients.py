"""The clients that nobody here wrote, behind one small interface, so that each promise is asked of each of them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class Refused(Exception):  # noqa: N818 - an answer, not a fault
    """The zone refused what a client asked; str() is what the client told its user."""


class Client:
    """What a user does: collections, AVUs, put and get."""

    name = ""

    def make(self, collection: str) -> None:
        """`imkdir -p`"""
        raise NotImplementedError

    def put(self, data: bytes, path: str) -> None:
        """`iput -f`"""
        raise NotImplementedError

    def get(self, path: str) -> bytes:
        """`iget`; raises Refused."""
        raise NotImplementedError

    def set(self, collection: str, attribute: str, value: str, units: str = "") -> None:
        """`imeta set -C`: one value for an attribute; raises Refused."""
        raise NotImplementedError


class PythonClient(Client):
    """python-irodsclient."""

    name = "python-irodsclient"

    def __init__(self, session: Any) -> None:
        self.session = session

    def make(self, collection: str) -> None:
        self.session.collections.create(collection, recurse=True)

    def put(self, data: bytes, path: str) -> None:
        with self.session.data_objects.open(path, "w") as stream:
            stream.write(data)

    def get(self, path: str) -> bytes:
        with told(), self.session.data_objects.open(path, "r") as stream:
            return bytes(stream.read())

    def set(self, collection: str, attribute: str, value: str, units: str = "") -> None:
        from irods.meta import iRODSMeta

        with told():
            self.session.collections.get(collection).metadata.set(iRODSMeta(attribute, value, units or None))


@contextmanager
def told() -> Iterator[None]:
    """Turns an exception of python-irodsclient into Refused, with the server's words."""
    from irods.exception import iRODSException

    try:
        yield
    except iRODSException as error:
        words: Any = getattr(error, "server_msg", None)
        lines = words.get_complete_error() if hasattr(words, "get_complete_error") else words
        raise Refused(f"{error!r} {lines}") from error


class CommandClient(Client):
    """A client of commands, run in a home of its own."""

    def __init__(self, folder: Path, environment: Path, user: str) -> None:
        self.folder = folder
        home = folder / ".irods"
        home.mkdir(parents=True)
        settings = json.loads(environment.read_text())
        mine = {"irods_user_name": user, "irods_home": f"/{settings['irods_zone_name']}/home/{user}"}
        (home / "irods_environment.json").write_text(json.dumps({**settings, **mine, "irods_cwd": mine["irods_home"]}))
        self.environment = {
            **os.environ,
            "HOME": str(folder),
            "IRODS_ENVIRONMENT_FILE": str(home / "irods_environment.json"),
            "IRODS_AUTHENTICATION_FILE": str(home / ".irodsA"),
        }

    def run(self, *command: str, input: str | None = None) -> str:
        """Runs a command; its output. Raises Refused if it fails."""
        done = subprocess.run(
            command, env=self.environment, cwd=self.folder, input=input, capture_output=True, text=True, timeout=120
        )
        if done.returncode != 0 or "error:" in done.stderr.lower():
            raise Refused(done.stdout + done.stderr)
        return done.stdout

    def file(self, data: bytes = b"") -> Path:
        """A local file."""
        path = self.folder / "transfer.bin"
        path.write_bytes(data)
        return path


class IBridgesClient(CommandClient):
    """The `ibridges` command line."""

    name = "ibridges"

    def __init__(self, folder: Path, environment: Path, user: str, password: str) -> None:
        super().__init__(folder, environment, user)
        self._command = str(Path(sys.executable).parent / "ibridges")
        from irods.password_obfuscation import encode

        secret = Path(self.environment["IRODS_AUTHENTICATION_FILE"])
        secret.write_text(encode(password, os.getuid()))
        secret.chmod(0o600)

    def ibridges(self, *arguments: str) -> str:
        return self.run(self._command, *arguments)

    def make(self, collection: str) -> None:
        self.ibridges("mkcoll", f"irods:{collection}")

    def put(self, data: bytes, path: str) -> None:
        self.ibridges("upload", "--overwrite", str(self.file(data)), f"irods:{path}")

    def get(self, path: str) -> bytes:
        target = self.file()
        target.unlink()
        self.ibridges("download", "--overwrite", f"irods:{path}", str(target))
        if not target.exists():
            raise Refused("nothing was downloaded")
        return target.read_bytes()

    def set(self, collection: str, attribute: str, value: str, units: str = "") -> None:
        present = self.ibridges("meta-list", f"irods:{collection}")
        if re.search(rf"\b{re.escape(attribute)}\b", present):
            self.ibridges("meta-del", f"irods:{collection}", "--key", attribute)
        self.ibridges("meta-add", f"irods:{collection}", attribute, value, *([units] if units else []))


class ICommandsClient(CommandClient):
    """The i-commands, where they are installed."""

    name = "icommands"

    def __init__(self, folder: Path, environment: Path, user: str, password: str) -> None:
        super().__init__(folder, environment, user)
        self.run("iinit", input=f"{password}\n")

    def make(self, collection: str) -> None:
        self.run("imkdir", "-p", collection)

    def put(self, data: bytes, path: str) -> None:
        self.run("iput", "-f", str(self.file(data)), path)

    def get(self, path: str) -> bytes:
        target = self.file()
        self.run("iget", "-f", path, str(target))
        return target.read_bytes()

    def set(self, collection: str, attribute: str, value: str, units: str = "") -> None:
        self.run("imeta", "set", "-C", collection, attribute, value, *([units] if units else []))


COMMAND_CLIENTS: dict[str, Any] = {"ibridges": IBridgesClient}
if shutil.which("imeta"):
    COMMAND_CLIENTS["icommands"] = ICommandsClient
CLIENTS = ["python-irodsclient", *COMMAND_CLIENTS]
