"""Connections as the administrator of the iRODS environment, or by that administrator on behalf of a user.

The environment is the service account's own (~/.irods/irods_environment.json and .irodsA, as `iinit` makes them); a
password in IRODS_PASSWORD takes precedence over .irodsA.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ova_grid.errors import GridError
from ova_rules.errors import one_line

if TYPE_CHECKING:
    from irods.session import iRODSSession

_TIMEOUT_SECONDS = 600  # a gate may wait, and a job be queued, before a server answers


@dataclass(frozen=True)
class User:
    """A user of a zone."""

    name: str
    zone: str

    def __str__(self) -> str:
        return f"{self.name}#{self.zone}"

    @staticmethod
    def of(text: str) -> User:
        """From `name#zone`."""
        name, _, zone = text.rpartition("#")
        return User(name, zone)


@dataclass(frozen=True)
class Environment:
    """An iRODS environment file and its content."""

    path: Path
    settings: dict[str, Any]

    @property
    def user(self) -> User:
        """Who signs in."""
        return User(str(self.settings["irods_user_name"]), str(self.settings["irods_zone_name"]))

    @property
    def working_collection(self) -> str:
        """Where relative paths start, as for i-commands: the working collection, else the home."""
        home = self.settings.get("irods_home") or f"/{self.user.zone}/home/{self.user.name}"
        return str(self.settings.get("irods_cwd") or home)


def environment(path: Path | None = None) -> Environment:
    """The environment in that file, else in IRODS_ENVIRONMENT_FILE, else in ~/.irods. Raises GridError."""
    file = path or Path(os.environ.get("IRODS_ENVIRONMENT_FILE", "") or Path.home() / ".irods/irods_environment.json")
    try:
        settings = json.loads(file.read_text(encoding="utf-8"))
        made = Environment(file, dict(settings))
        _ = made.user, made.settings["irods_host"], made.settings["irods_port"]
    except (OSError, ValueError, TypeError) as error:
        raise GridError(f"{file}: cannot be read ({error}); run this as the service account, or iinit") from error
    except KeyError as error:
        raise GridError(f"{file}: says nothing of {error.args[0]}; run iinit") from error
    return made


@contextmanager
def connected(environment: Environment, client: User | None = None) -> Iterator[iRODSSession]:
    """A session of the environment's user, or of `client` with that user, an administrator, as proxy.

    Raises GridError if the zone cannot be reached or does not let the user in.
    """
    from irods.session import iRODSSession

    options: dict[str, Any] = {"connection_timeout": _TIMEOUT_SECONDS, "application_name": "ova-admin"}
    if client is not None and client != environment.user:
        options.update(client_user=client.name, client_zone=client.zone)
    password = os.environ.get("IRODS_PASSWORD")
    try:
        if password is None:
            session = iRODSSession(irods_env_file=str(environment.path), **options)
        else:
            session = iRODSSession(**environment.settings, password=password, **options)
        session.pool.get_connection().release()
    except Exception as error:
        where = f"{environment.settings['irods_host']}:{environment.settings['irods_port']}"
        whom = f"{environment.user}" + (f" for {client}" if client is not None else "")
        raise GridError(f"{where}: {whom} cannot sign in: {message(error)} ({environment.path})") from error
    try:
        yield session
    finally:
        session.cleanup()


def rows(query: Any) -> list[Any]:
    """The rows that a query finds. Raises GridError if the zone does not answer."""
    try:
        return list(query.get_results())
    except Exception as error:
        raise GridError(f"the zone does not answer: {message(error)}") from error


def message(error: BaseException) -> str:
    """The server's message to its client, in one line: its text if it sent one, else the name of its code."""
    text = one_line(" ".join(str(each) for each in error.args if each is not None))
    return text or type(error).__name__
