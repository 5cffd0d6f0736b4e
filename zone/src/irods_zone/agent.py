"""One client's process: moves bytes between its socket and the protocol, signs it in, and serves its requests in turn.

The agent opens the catalog and loads the rule file itself, after the fork: no rule can affect another client. The agent
ends with its connection.
"""

from __future__ import annotations

import contextlib
import select
import signal
import socket
import time
from collections.abc import Iterator
from types import FrameType

from irods_zone import errors, log
from irods_zone.api.dispatcher import Dispatcher, PackedReply
from irods_zone.api.registry import ConnectionOverError, Stream
from irods_zone.catalog import users
from irods_zone.catalog.database import Database
from irods_zone.catalog.users import UNAUTHENTICATED, User
from irods_zone.config import ClientLimits, ZoneConfig
from irods_zone.errors import IrodsError
from irods_zone.operations import closing, servers
from irods_zone.policy import NoPolicy
from irods_zone.prep import engine
from irods_zone.protocol import auth, connection
from irods_zone.protocol.connection import (
    NEED_DATA,
    ApiRequest,
    Connection,
    Data,
    Disconnect,
    Negotiation,
    Ping,
    ProtocolEvent,
    Refused,
    Startup,
)
from irods_zone.protocol.errors import ProtocolError
from irods_zone.session import Session

_RECEIVE = 256 * 1024
_GATHER = 64 * 1024 * 1024  # byte streams up to this size are held in memory; longer ones are passed on in pieces
_SIGN_IN_TRIES = 3


class _ClientGoneError(ConnectionOverError):
    """The client has left or must leave; the text says why."""


class _Stopped(BaseException):
    """The server stops."""


def serve(config: ZoneConfig, sock: socket.socket, address: str, limits: ClientLimits, lifeline: int) -> int:
    """Serves one client until it leaves. `lifeline` is a pipe that ends with the server. Returns the exit code."""
    logger = log.open_log(config.root)
    agent = _Agent(config, sock, address, limits, lifeline)
    try:
        agent.run()
    except (ProtocolError, _ClientGoneError) as error:
        logger.warning("%s: connection ended: %s", address, error)
    except (ConnectionError, BrokenPipeError) as error:
        logger.warning("%s: connection lost: %s", address, error)
    except _Stopped:
        pass
    except Exception:
        logger.exception("%s: the agent failed", address)
        return 1
    finally:
        agent.clean_up()
    return 0


class _Agent:
    def __init__(
        self, config: ZoneConfig, sock: socket.socket, address: str, limits: ClientLimits, lifeline: int
    ) -> None:
        self._config = config
        self._socket = sock
        self._limits = limits
        self._connection = Connection()
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)
        self._poll.register(lifeline, select.POLLIN)
        self._lifeline = lifeline
        self._deadline: float | None = time.monotonic() + limits.handshake
        self._stopping = False
        self._waiting = False
        self._branches = 0
        self._session = Session(
            config, Database.open(config.catalog_path), UNAUTHENTICATED, UNAUTHENTICATED, client_address=address
        )
        self._dispatcher: Dispatcher | None = None
        self._startup: Startup | None = None
        self._challenge = ""
        self._tries = 0
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(limits.stall)
        signal.signal(signal.SIGTERM, self._on_stop)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the server passes it on

    def run(self) -> None:
        """Answers events until the client says goodbye."""
        while True:
            event = self._next_event()
            if isinstance(event, Disconnect):
                return
            self._on_event(event)
            if self._stopping:
                return

    def clean_up(self) -> None:
        """Cleans up as a real agent does after its client has left: replicas left open for writing become stale."""
        try:
            closing.abandon_all(self._session)
            servers.leave_all(self._session)
            if self._session.trace is not None:
                self._session.trace.close()
        except Exception:
            self._session.log.exception("what the client left open could not be closed")
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._session.db.close()

    def _on_event(self, event: ProtocolEvent) -> None:
        protocol = self._connection
        if isinstance(event, ApiRequest):
            self._on_request(event)
        elif isinstance(event, Startup):
            self._startup = event
            self._session.option = event.option
            self._send(protocol.send_negotiation() if event.negotiate else protocol.send_version())
        elif isinstance(event, Negotiation):
            self._send(protocol.send_version())
        elif isinstance(event, Refused):
            self._send(protocol.send_reply(event.code))
        elif isinstance(event, Ping):
            self._send(protocol.send_pong())
            raise _Stopped

    # --- requests ---

    def _on_request(self, request: ApiRequest) -> None:
        if request.number == connection.AUTHENTICATE:
            self._authenticate(request)
            return
        dispatcher = self._dispatcher
        if dispatcher is None:
            dispatcher = Dispatcher(self._session, self._connection.packing, self._send_reply, self._serve_branch)
            if self._session.client.id:
                self._dispatcher = dispatcher
        dispatcher.run(request.number, request.msg, self._body(request))

    def _body(self, request: ApiRequest) -> bytes | Stream:
        if request.whole:
            return request.bs
        pieces = self._pieces(request.bs)
        if request.bs_len > _GATHER:
            return Stream(request.bs_len, pieces)
        return b"".join(pieces)

    def _pieces(self, first: bytes) -> Iterator[bytes]:
        if first:
            yield first
        while True:
            event = self._next_event()
            if not isinstance(event, Data):
                raise _ClientGoneError("the client stopped in the middle of a message")
            yield event.data
            if event.last:
                return

    def _send_reply(self, reply: PackedReply) -> None:
        head = self._connection.send_reply_head(reply.status, reply.message, reply.error, len(reply.data))
        self._send(head, reply.data)

    def _serve_branch(self) -> None:
        """Serves requests inside a running call until the client says that its transfer is complete."""
        self._branches += 1
        if self._branches > 1:
            raise _ClientGoneError("a transfer inside a transfer")
        try:
            while True:
                event = self._next_event()
                if isinstance(event, Disconnect):
                    raise _ClientGoneError("the client left in the middle of a transfer")
                self._on_event(event)
                if isinstance(event, ApiRequest) and event.number == 626:
                    return
        finally:
            self._branches -= 1

    # --- signing in ---

    def _authenticate(self, request: ApiRequest) -> None:
        protocol = self._connection
        try:
            message = auth.read_message(request.msg, protocol.packing)
            reply = self._sign_in(message)
        except IrodsError as error:
            self._session.log.warning("%s: sign-in refused: %s", self._session.client_address, error)
            self._send(protocol.send_reply(error.code))
            self._tries += 1
            if self._tries >= _SIGN_IN_TRIES:
                raise _ClientGoneError("too many attempts to sign in") from None
        else:
            self._send(protocol.send_reply(0, auth.write_message(reply, protocol.packing)))

    def _sign_in(self, message: dict[str, object]) -> dict[str, object]:
        if self._session.client.id:
            raise IrodsError(errors.SYS_NOT_ALLOWED, "already signed in")
        if message.get("scheme") != auth.NATIVE:
            raise IrodsError(errors.CAT_INVALID_AUTHENTICATION, f"scheme {message.get('scheme')!r} is not served")
        operation = message.get("next_operation")
        if operation == auth.REQUEST:
            self._challenge = auth.new_challenge()
            return {**message, "request_result": self._challenge}
        if operation != auth.RESPONSE:
            raise IrodsError(errors.SYS_INVALID_INPUT_PARAM, f"sign-in step {operation!r} is not known")
        challenge, self._challenge = self._challenge, ""  # each is valid for one answer
        proxy = self._user(str(message.get("user_name", "")), str(message.get("zone_name", "")))
        password = users.secret(self._session.db, proxy)
        if password is None or not auth.proves(message, challenge, password):
            raise IrodsError(errors.CAT_INVALID_AUTHENTICATION, f"wrong password for {proxy.name}")
        self._begin_session(proxy, challenge)
        return message

    def _user(self, name: str, zone: str, unknown: int = errors.CAT_INVALID_USER) -> User:
        user = users.find(self._session.db, name, zone or self._config.zone_name)
        if user is None or user.is_group:
            raise IrodsError(unknown, f"no user {name!r}")
        return user

    def _begin_session(self, proxy: User, challenge: str) -> None:
        startup = self._startup
        client = proxy
        if startup and (startup.client_user, startup.client_zone or proxy.zone) != (proxy.name, proxy.zone):
            if startup.proxy_user != proxy.name or not proxy.is_admin:
                raise IrodsError(errors.SYS_PROXYUSER_NO_PRIV, f"{proxy.name} may not act for {startup.client_user}")
            client = self._user(startup.client_user, startup.client_zone, errors.CAT_INVALID_CLIENT_USER)
        session = self._session
        session.client, session.proxy, session.challenge = client, proxy, challenge
        if self._config.rules is not None:
            engine.attach(session)
            try:
                # A rule may refuse the connection here; a rule file that cannot be imported always does.
                session.policy.static("acChkHostAccessControl")
            except IrodsError:
                session.client = session.proxy = UNAUTHENTICATED
                session.policy = NoPolicy()
                raise
        self._connection.signed_in()

    # --- bytes ---

    def _next_event(self) -> ProtocolEvent:
        while True:
            event = self._connection.next_event()
            if event is not NEED_DATA:
                return event
            self._receive()

    def _receive(self) -> None:
        signed_in = bool(self._session.client.id)
        if signed_in:
            in_message = not self._connection.between_messages
            timeout = self._limits.stall if in_message or self._branches else self._limits.idle
        else:
            in_message = True
            timeout = max(0.0, (self._deadline or 0.0) - time.monotonic())
        # Before sign-in a stop ends the connection at once.
        may_stop = not in_message or not signed_in
        self._waiting = may_stop  # from now on a stop ends the wait or prevents it
        try:
            if self._stopping and may_stop:
                raise _Stopped
            ready = {handle for handle, _ in self._poll.poll(timeout * 1000)}
        finally:
            self._waiting = False
        if self._lifeline in ready:
            raise _Stopped
        if not ready:
            fault = "was silent inside a message" if in_message else "was silent"
            raise _ClientGoneError(f"the client {fault if signed_in else 'did not sign in'} for too long")
        data = self._socket.recv(_RECEIVE)
        self._connection.receive_data(data)

    def _send(self, *parts: bytes | memoryview) -> None:
        try:
            for part in parts:
                remaining = memoryview(part)
                while remaining:
                    remaining = remaining[self._socket.send(remaining) :]
        except socket.timeout:
            raise _ClientGoneError("the client does not take its answer") from None

    def _on_stop(self, number: int, frame: FrameType | None) -> None:
        self._stopping = True
        if self._waiting:
            raise _Stopped
