"""Who is connected and what their agent holds: one Session per client connection (or delayed job).

Operations take a Session as their first argument and never reach for globals. Nothing here touches a socket.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from irods_zone.catalog.database import Database
    from irods_zone.catalog.genquery import Cursors
    from irods_zone.catalog.users import User
    from irods_zone.operations.descriptors import Descriptors
    from irods_zone.policy import Policy
    from irods_zone.trace import Trace


@dataclass(frozen=True)
class Resource:
    """A unixfilesystem storage resource: its name and the directory that is its vault."""

    name: str
    vault: Path


@dataclass(frozen=True)
class ZoneConfig:
    """What the zone was started with; the same in every agent."""

    root: Path
    zone_name: str
    host: str
    port: int
    resources: tuple[Resource, ...]
    rules: Path | None = None
    trace: Path | None = None
    started: int = field(default_factory=lambda: int(time.time()))

    @property
    def catalog_path(self) -> Path:
        """The SQLite file."""
        return self.root / "catalog.sqlite"


def _cursors() -> Cursors:
    from irods_zone.catalog.genquery import Cursors

    return Cursors()


@dataclass
class Session:
    """One connection's state. `client` is who acts (permissions), `proxy` who signed in."""

    config: ZoneConfig
    db: Database
    client: User
    proxy: User
    policy: Policy
    descriptors: Descriptors
    option: str = ""
    client_address: str = "127.0.0.1"
    api_number: int = 0
    # The open queries of this connection.
    cursors: Cursors = field(default_factory=_cursors)
    # What the client signed in with; scrambled passwords are keyed with it.
    challenge: str = ""
    # (status, text) pairs that go back in the error part of the reply ("Level 0: text" at the client).
    error_stack: list[tuple[int, str]] = field(default_factory=list)
    # What rules wrote with writeLine("stdout"/"stderr", …) during a rule execution.
    rule_stdout: list[str] = field(default_factory=list)
    rule_stderr: list[str] = field(default_factory=list)
    # Notes what rules do, if the zone was started with a trace.
    trace: Trace | None = None
    log: logging.Logger = field(default_factory=lambda: logging.getLogger("irods-zone"))
