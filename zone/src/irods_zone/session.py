"""One Session for each client connection or delayed job: its user, and the state that the agent holds for it.

Operations take a Session as their first argument and never use globals. This module touches no socket.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from irods_zone import log
from irods_zone.catalog.database import Database
from irods_zone.catalog.genquery import Cursors
from irods_zone.catalog.users import User
from irods_zone.client_connection import ClientConnection
from irods_zone.config import ZoneConfig
from irods_zone.descriptors import Descriptors
from irods_zone.policy import NoPolicy, Policy
from irods_zone.trace import Trace


@dataclass
class Session:
    """One connection's state. `client` is the user who acts (permissions), `proxy` the one who signed in."""

    config: ZoneConfig
    db: Database
    client: User
    proxy: User
    policy: Policy = field(default_factory=NoPolicy)
    descriptors: Descriptors = field(default_factory=Descriptors)
    # The client program's name.
    option: str = ""
    client_address: str = "127.0.0.1"
    # The call that is being served.
    api_number: int = 0
    api_name: str = ""
    # The open queries of this connection.
    cursors: Cursors = field(default_factory=Cursors)
    # The challenge of the sign-in; part of the key for scrambled passwords.
    challenge: str = ""
    # (status, text) pairs for the error part of the reply ("Level 0: text" at the client).
    error_stack: list[tuple[int, str]] = field(default_factory=list)
    # What rules wrote with writeLine("stdout"/"stderr", …) during a rule execution.
    rule_stdout: list[str] = field(default_factory=list)
    rule_stderr: list[str] = field(default_factory=list)
    # Records what rules do, if the zone was started with a trace.
    trace: Trace | None = None
    # The connections to other servers of the zone, by host.
    connections: dict[str, ClientConnection] = field(default_factory=dict)
    # Open files in vaults of other servers: their handle here -> host, connection, and their number there.
    far_files: dict[int, tuple[str, ClientConnection, int]] = field(default_factory=dict)
    # The files that are open for another server.
    lent_files: set[int] = field(default_factory=set)
    log: logging.Logger = field(default_factory=lambda: logging.getLogger(log.NAME))
