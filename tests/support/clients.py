"""Clients of third parties behind one small interface, so that each promise is tested with each of them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.support.appliances import Read, read


class Refused(Exception):  # noqa: N818 - an answer, not a fault
    """The zone refused what a client asked; str() is what the client told its user."""


class Client:
    """What a user does: collections, AVUs, put and get."""

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

    def component(self, path: str, source: str, **avus: str) -> str:
        """A component of this source, with these AVUs; its path."""
        self.make(path)
        self.set(path, "ova_url", source)
        for attribute, value in avus.items():
            self.set(path, attribute, value)
        return path

    def ready(self, component: str) -> Read:
        """What an independent reader finds in the ready OVA that `iget` brings; raises Refused."""
        return read(self.get(ready_path(component)))

    def close(self) -> None:
        """Ends its connections."""


def ready_path(component: str) -> str:
    """Where the ready OVA of a component lies."""
    return f"{component}/{component.rpartition('/')[2]}.ova"


class PythonClient(Client):
    """python-irodsclient."""

    def __init__(self, session: Any) -> None:
        self.session = session

    def make(self, collection: str) -> None:
        self.session.collections.create(collection, recurse=True)

    def put(self, data: bytes, path: str) -> None:
        with self.session.data_objects.open(path, "w") as stream:
            stream.write(data)

    def get(self, path: str) -> bytes:
        with refusals(), self.session.data_objects.open(path, "r") as stream:
            return bytes(stream.read())

    def set(self, collection: str, attribute: str, value: str, units: str = "") -> None:
        from irods.meta import iRODSMeta

        with refusals():
            self.metadata(collection).set(iRODSMeta(attribute, value, units or None))

    def metadata(self, collection: str) -> Any:
        """The AVUs of a collection."""
        return self.session.collections.get(collection).metadata

    def facts(self, component: str) -> dict[str, str]:
        """The `ova::` attributes of a component (several values joined by commas)."""
        found: dict[str, list[str]] = {}
        for avu in self.metadata(component).items():
            if avu.name.startswith("ova::"):
                found.setdefault(avu.name, []).append(avu.value)
        return {name: ",".join(sorted(values)) for name, values in found.items()}

    def object_avus(self, path: str, attribute: str = "") -> list[tuple[str, str, str]]:
        """The AVUs of a data object, sorted: those of an attribute, or the facts."""
        found = self.session.data_objects.get(path).metadata.items()
        wanted = [avu for avu in found if (avu.name == attribute if attribute else avu.name.startswith("ova::"))]
        return sorted((avu.name, avu.value, avu.units or "") for avu in wanted)

    def package(self, path: str) -> str:
        """`ova::package` of a data object, '' if there is none."""
        found = self.object_avus(path, "ova::package")
        assert len(found) < 2
        return found[0][1] if found else ""

    def set_object(self, path: str, attribute: str, value: str) -> None:
        """`imeta set -d`; raises Refused."""
        from irods.meta import iRODSMeta
        from irods.models import DataObject

        with refusals():
            self.session.metadata.set(DataObject, path, iRODSMeta(attribute, value))

    def unlink(self, path: str, *, force: bool = True) -> None:
        """`irm [-f]`; raises Refused."""
        with refusals():
            self.session.data_objects.unlink(path, force=force)

    def remove(self, collection: str, *, force: bool = True) -> None:
        """`irm -r [-f]`; raises Refused."""
        with refusals():
            self.session.collections.remove(collection, recurse=True, force=force)

    def jobs(self) -> list[str]:
        """What waits in the delay queue, or runs."""
        from irods.models import RuleExec

        return [row[RuleExec.name] for row in self.session.query(RuleExec.id, RuleExec.name)]

    def allow(self, level: str, path: str, user: str = "", *, recursive: bool = False, admin: bool = False) -> None:
        """`ichmod [-R] [-M] LEVEL USER PATH`"""
        from irods.access import iRODSAccess

        self.session.acls.set(iRODSAccess(level, path, user), recursive=recursive, admin=admin)


def brought(client: PythonClient, collection: str, folder: Path) -> Path:
    """What `iget -r` of a grid brings: its folder, with a folder for each component."""
    place = folder / collection.rpartition("/")[2]
    for below in client.session.collections.get(collection).subcollections:
        (place / below.name).mkdir(parents=True)
        for each in below.data_objects:
            client.session.data_objects.get(each.path, str(place / below.name / each.name))
    return place


@contextmanager
def refusals() -> Iterator[None]:
    """Turns an exception of python-irodsclient into Refused, with the server's message."""
    from irods.exception import iRODSException

    try:
        yield
    except iRODSException as error:
        message: Any = getattr(error, "server_msg", None)
        lines = message.get_complete_error() if hasattr(message, "get_complete_error") else message
        raise Refused(f"{error!r} {lines}") from error


def settings_of(environment: Path, user: str) -> dict[str, Any]:
    """The contents of an environment file, for this user."""
    settings: dict[str, Any] = json.loads(environment.read_text())
    home = f"/{settings['irods_zone_name']}/home/{user}"
    return {**settings, "irods_user_name": user, "irods_home": home, "irods_cwd": home}


class IBridgesClient(Client):
    """iBridges in this process: what its commands call."""

    def __init__(self, folder: Path, environment: Path, user: str, password: str) -> None:
        from ibridges import IrodsPath, Session

        folder.mkdir()
        self._file = folder / "transfer.bin"
        self._session: Any = Session(settings_of(environment, user), password)
        self._path = partial(IrodsPath, self._session)

    def make(self, collection: str) -> None:
        self._path(collection).create_collection()

    def put(self, data: bytes, path: str) -> None:
        from ibridges import upload

        self._file.write_bytes(data)
        upload(self._file, self._path(path), overwrite=True, progress_bar=False)

    def get(self, path: str) -> bytes:
        from ibridges import download

        self._file.unlink(missing_ok=True)
        try:
            download(self._path(path), self._file, overwrite=True, progress_bar=False)
        except Exception as error:  # whatever it makes of the server's answer
            raise Refused(str(error)) from error
        return self._file.read_bytes()

    def set(self, collection: str, attribute: str, value: str, units: str = "") -> None:
        meta = self._path(collection).meta
        with refusals():
            if attribute in meta:
                meta.delete(attribute)
            meta.add(attribute, value, units)

    def close(self) -> None:
        self._session.close()


class CommandClient(Client):
    """A client of commands, each a process of its own, with a home of their own."""

    def __init__(self, folder: Path, environment: Path, user: str) -> None:
        self.folder = folder
        home = folder / ".irods"
        home.mkdir(parents=True)
        (home / "irods_environment.json").write_text(json.dumps(settings_of(environment, user)))
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


class IBridgesCommands(CommandClient):
    """The command `ibridges`. Each takes half a second of a processor, to import what it needs."""

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
        if f"(key: '{attribute}'," in present:
            self.ibridges("meta-del", f"irods:{collection}", "--key", attribute)
        self.ibridges("meta-add", f"irods:{collection}", attribute, value, *([units] if units else []))


class ICommandsClient(CommandClient):
    """The i-commands, where they are installed."""

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


# By name, the makers of a client from (its own folder, environment file, user, password). Besides these: PythonClient.
MAKERS: dict[str, Callable[[Path, Path, str, str], Client]] = {
    "ibridges": IBridgesClient,
    "ibridges commands": IBridgesCommands,
}
if shutil.which("imeta"):
    MAKERS["icommands"] = ICommandsClient
HAS_ICOMMANDS = "icommands" in MAKERS
COMMAND_LINES = [name for name in MAKERS if name != "ibridges"]
EVERY_CLIENT = ["python-irodsclient", *MAKERS]
# The clients for the promises; every client is used for the main job, and for what must hold for a command line.
CLIENTS = [pytest.param(name, marks=[pytest.mark.slow] if name == "ibridges commands" else []) for name in EVERY_CLIENT]
