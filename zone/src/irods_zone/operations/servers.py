"""The other servers of the zone: which host is one, and this agent's connection to each, made when it is first needed.

There the administrator signs in and acts for the session's client, as between real servers.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from irods_zone import errors
from irods_zone.catalog import users
from irods_zone.client_connection import TIMEOUT_SECONDS, ClientConnection
from irods_zone.config import ZoneConfig
from irods_zone.errors import IrodsError
from irods_zone.protocol.packing import pack, unpack
from irods_zone.session import Session


@dataclass(frozen=True)
class Answer:
    """Another server's answer: the status, and the output record if there is one."""

    status: int
    output: Any


class AnsweredError(IrodsError):
    """Another server refused a call, or failed in it; `output` is the output record if there is one."""

    def __init__(self, code: int, output: Any) -> None:
        super().__init__(code)
        self.output = output


def is_known(config: ZoneConfig, host: str) -> bool:
    """Whether the zone has a server on a host, running or not."""
    return host == config.provider_host or (config.servers_path / host).is_file()


def other(config: ZoneConfig, host: str) -> str | None:
    """The host of the server that has the vaults of `host`; None if that is this server.

    The vaults of a host without a server, such as localhost, are the provider's.
    """
    if host == config.host:
        return None
    server = host if is_known(config, host) else config.provider_host
    return None if server == config.host else server


def is_alone(config: ZoneConfig) -> bool:
    """Whether the zone has had no server but the provider."""
    return not config.servers_path.is_dir()


def connect(session: Session, host: str) -> ClientConnection:
    """The connection to another server; USER_SOCK_CONNECT_ERR with its errno if that does not run."""
    known = session.connections.get(host)
    if known is not None and known.is_open:
        return known
    if known is not None:
        session.connections.pop(host).drop()
    config, client = session.config, session.client
    administrator = users.require(session.db, config.administrator)
    try:
        made = ClientConnection(
            host,
            config.port,
            user=administrator.name,
            zone=administrator.zone,
            client=client.name,
            client_zone=client.zone,
            option=session.option,
            source=config.host,
        )
        made.start()
        status = made.sign_in(users.secret(session.db, administrator) or "")
    except OSError as error:
        raise IrodsError(errors.USER_SOCK_CONNECT_ERR - (error.errno or 0), f"{host}: {error}") from error
    if status < 0:
        raise IrodsError(status, f"{host} refused to sign in {administrator.name}")
    made.socket.settimeout(None)  # a call takes as long as its rules take
    session.connections[host] = made
    return made


def call(session: Session, host: str, number: int, layout: str, record: Mapping[str, Any], output: str = "") -> Answer:
    """Makes an API call on another server. Its error stack stays there: iRODS passes on codes, and no words.

    AnsweredError with the server's code; SYS_HEADER_READ_LEN_ERR if the server's agent ended without an answer.
    """
    connection = connect(session, host)
    try:
        frame = connection.request(number, pack(layout, record, connection.packing))
    except OSError as error:
        del session.connections[host]
        connection.drop()
        raise IrodsError(errors.SYS_HEADER_READ_LEN_ERR, f"{host} ended the connection: {error}") from error
    answer = unpack(output, frame.msg, connection.packing) if output and frame.msg else None
    if frame.int_info < 0:
        raise AnsweredError(frame.int_info, answer)
    return Answer(frame.int_info, answer)


def leave_all(session: Session) -> None:
    """Ends the connections, and waits until the other agents have done so."""
    while session.connections:
        _, connection = session.connections.popitem()
        connection.socket.settimeout(TIMEOUT_SECONDS)
        with contextlib.suppress(OSError):
            connection.close()
