"""The listening process: opens the zone, or joins it as a consumer, accepts connections, forks one agent for each, and
reaps those that ended.

It never imports the rule file, and never touches the catalog once it accepts connections: a fault in an agent affects
only that agent.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import gc
import json
import os
import selectors
import shlex
import signal
import socket
import time
from dataclasses import dataclass, replace
from pathlib import Path

from irods_zone import log, processes
from irods_zone.catalog import resources as rows
from irods_zone.catalog import users
from irods_zone.catalog.database import Database
from irods_zone.config import Resource, ServerOptions, ZoneConfig
from irods_zone.operations import replica_tokens, servers

# Both files: with the first alone `iinit` would overwrite the password of the user's own zone in ~/.irods/.irodsA.
_CLIENT_SCRIPT = """\
# To be read by a shell (. {}): its clients then use this zone, and leave ~/.irods alone.
export IRODS_ENVIRONMENT_FILE={}
export IRODS_AUTHENTICATION_FILE={}
"""
_LOCK_SECONDS = 2.0  # to wait for a server that is about to end
_STOP_SECONDS = 5.0  # for agents to finish their request when the server is told to stop


class Server:
    """A zone that listens as soon as it is made, and serves while `run` runs. It handles signals from its start on.

    Raises OSError if the address is taken or another server runs on the same root.
    """

    def __init__(self, options: ServerOptions) -> None:
        options.root.mkdir(parents=True, exist_ok=True)
        self._lock = _lock(options.root)
        self._limits = options.limits
        self._log = log.open_log(options.root)
        provider = None if options.provider is None else _provider(options.provider)
        self._listener = _bind(options.host, options.port if provider is None else provider.port)
        host, port = self._listener.getsockname()[:2]
        self.config = open_zone(options, str(host), int(port), provider)
        replica_tokens.forget_all(self.config.root)
        write_environment(self.config)
        if not self.config.is_provider:
            self.config.servers_path.mkdir(exist_ok=True)
            (self.config.servers_path / self.config.host).touch()
        self._lifeline_read, self._lifeline_write = os.pipe()
        self._wake = _catch_signals()  # before any process knows the server and could stop it
        self._listener.listen(512)
        self._agents: set[int] = set()
        self._delay_server = 0
        self._delay_server_started = 0.0
        self._stopping = False

    def run(self) -> int:
        """Serves until SIGTERM or SIGINT; returns the exit code."""
        import_for_agents()
        gc.collect()
        gc.freeze()  # the parent's objects stay shared with the agents
        self._log.info("listening on %s %s, root %s, rules %s", self.config.host, self.config.port, self.config.root,
                       self.config.rules)  # fmt: skip
        if self.config.is_provider:
            self._start_delay_server()
        with selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ)
            selector.register(self._wake, selectors.EVENT_READ)
            while not self._stopping:
                waits = bool(self._delay_server) or not self.config.is_provider
                for key, _ in selector.select(timeout=None if waits else 1.0):
                    if key.fileobj is self._listener:
                        self._accept()
                    else:
                        self._on_signals(os.read(self._wake, 512))
                if not waits and not self._delay_server and not self._stopping:
                    self._start_delay_server()
        self._stop()
        return 0

    def _accept(self) -> None:
        try:
            connection, address = self._listener.accept()
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno not in (errno.EMFILE, errno.ENFILE, errno.ECONNABORTED, errno.EINTR):
                raise
            self._log.error("cannot accept a connection: %s", error)
            time.sleep(0.05)
            return
        with connection:
            if len(self._agents) >= self._limits.connections:
                self._log.warning("%s refused: %d connections already", address[0], len(self._agents))
                return
            pid = self._fork()
            if pid == 0:
                code = 1
                try:
                    from irods_zone import agent  # imported long before the fork, see import_for_agents

                    code = agent.serve(self.config, connection, str(address[0]), self._limits, self._lifeline_read)
                finally:
                    os._exit(code)
            if pid > 0:
                self._agents.add(pid)

    def _start_delay_server(self) -> None:
        if time.monotonic() - self._delay_server_started < 1.0:
            return
        self._delay_server_started = time.monotonic()
        pid = self._fork()
        if pid == 0:
            try:
                from irods_zone import delay_server

                delay_server.run(self.config)
            except BaseException:
                self._log.exception("the delay server ended")
            finally:
                os._exit(1)
        self._delay_server = max(pid, 0)

    def _fork(self) -> int:
        """Forks; in the child, the parent's descriptors and signals are gone. 0 in the child, -1 if it failed."""
        parent = os.getpid()
        # A signal that arrives while the child still has the parent's handlers must not be lost.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
        try:
            pid = os.fork()
        except OSError as error:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            self._log.error("cannot start a process: %s", error)
            return -1
        if pid > 0:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        else:
            processes.default_signals()
            processes.die_with_parent(parent)
            os.close(self._lifeline_write)
            os.close(self._lock)
            self._listener.close()
        return pid

    def _on_signals(self, numbers: bytes) -> None:
        if signal.SIGTERM in numbers or signal.SIGINT in numbers:
            self._stopping = True
        self._reap()

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self._delay_server:
                self._delay_server = 0
                if not self._stopping:
                    self._log.error("the delay server ended (%s); it is started again", _ending(status))
            else:
                self._agents.discard(pid)
                replica_tokens.forget_process(self.config.root, pid)
                if status != 0:
                    self._log.warning("agent %d ended: %s", pid, _ending(status))

    def _stop(self) -> None:
        self._log.info("stopping")
        self._listener.close()
        children = {*self._agents, self._delay_server} - {0}
        _signal_all(children, signal.SIGTERM)
        deadline = time.monotonic() + _STOP_SECONDS
        while (self._agents or self._delay_server) and time.monotonic() < deadline:
            self._reap()
            if self._agents or self._delay_server:
                time.sleep(0.01)
        _signal_all({*self._agents, self._delay_server} - {0}, signal.SIGKILL)
        os.close(self._lock)


def import_for_agents() -> None:
    """Imports what agents need, once, so that an agent starts in a few milliseconds after the fork.

    Not at the head of this module: the server listens, and reports that, before these imports.
    """
    from irods_zone import agent, delay_server  # noqa: F401 - for the forks


@dataclass(frozen=True)
class Provider:
    """The catalog service provider that a consumer joins."""

    root: Path
    host: str
    port: int
    administrator: str


def _provider(root: Path) -> Provider:
    """The provider in a root; ValueError if it was never started."""
    try:
        environment = json.loads((root / "irods_environment.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(f"there is no catalog service provider in {root}: start it first") from None
    return Provider(root, environment["irods_host"], environment["irods_port"], environment["irods_user_name"])


def open_zone(options: ServerOptions, host: str, port: int, provider: Provider | None = None) -> ZoneConfig:
    """Makes the catalog and the vaults on the first start; opens them on later ones. A consumer makes only vaults."""
    catalog = (options.root if provider is None else provider.root) / "catalog.sqlite"
    if provider is not None:
        own = options.resources or (Resource("consumerResc", options.root / "vault"),)
        _renew(catalog, replace(options, password=None, resources=own), host)
    elif not catalog.exists():
        resources = options.resources or (Resource("demoResc", options.root / "vault"),)
        for resource in resources:
            resource.vault.mkdir(parents=True, exist_ok=True)
        Database.create(
            catalog,
            zone=options.zone_name,
            admin=options.administrator,
            password=options.password or "rods",
            host=host,
            port=port,
            resources=[(resource.name, str(resource.vault)) for resource in resources],
        ).close()
    elif options.password is not None or options.resources:
        _renew(catalog, options, "localhost" if host == "127.0.0.1" else host)
    database = Database.open(catalog)
    try:
        storage = [row for row in rows.all_resources(database) if row.is_storage]
        zone_name = database.zone
    finally:
        database.close()
    config = ZoneConfig(
        options.root, zone_name, host, port, (), options.rules, options.trace,
        administrator=options.administrator if provider is None else provider.administrator,
        provider=options.provider, provider_host=host if provider is None else provider.host,
    )  # fmt: skip
    found = [Resource(row.name, Path(row.vault)) for row in storage if servers.other(config, row.host) is None]
    first = {resource.name for resource in options.resources[:1]}
    found.sort(key=lambda resource: resource.name not in first)
    for resource in found:
        resource.vault.mkdir(parents=True, exist_ok=True)
    return replace(config, resources=tuple(found))


def _renew(catalog: Path, options: ServerOptions, host: str) -> None:
    """Writes a new password of the administrator and new resources of a host into an existing catalog."""
    database = Database.open(catalog)
    try:
        if options.password is not None:
            administrator = users.find(database, options.administrator)
            if administrator is None:
                raise ValueError(f"the zone in {options.root} has no user {options.administrator}")
            users.set_secret(database, administrator, options.password)
        for resource in options.resources:
            resource.vault.mkdir(parents=True, exist_ok=True)
            if rows.find(database, resource.name) is None:
                rows.create(database, resource.name, "unixfilesystem", host, str(resource.vault))
    finally:
        database.close()


def write_environment(config: ZoneConfig) -> Path:
    """Writes ROOT/irods_environment.json, the file that iRODS clients read, and ROOT/client.sh, which sets its path.

    Each is replaced in one step.
    """
    host = {"0.0.0.0": "localhost", "::": "localhost"}.get(config.host, config.host)  # noqa: S104 - compared only
    user = config.administrator
    environment = {
        "irods_host": host,
        "irods_port": config.port,
        "irods_user_name": user,
        "irods_zone_name": config.zone_name,
        "irods_home": f"/{config.zone_name}/home/{user}",
        "irods_cwd": f"/{config.zone_name}/home/{user}",
        "irods_default_resource": config.resources[0].name,
        "irods_authentication_scheme": "native",
        "irods_client_server_negotiation": "request_server_negotiation",
        "irods_client_server_policy": "CS_NEG_REFUSE",
        "irods_encryption_algorithm": "AES-256-CBC",
        "irods_encryption_key_size": 32,
        "irods_encryption_num_hash_rounds": 16,
        "irods_encryption_salt_size": 8,
        "irods_default_hash_scheme": "SHA256",
        "irods_match_hash_policy": "compatible",
    }
    path = config.root / "irods_environment.json"
    _replace(path, json.dumps(environment, indent=4) + "\n")
    script = config.root / "client.sh"
    _replace(script, _CLIENT_SCRIPT.format(script, shlex.quote(str(path)), shlex.quote(str(config.root / ".irodsA"))))
    return path


def _replace(path: Path, text: str) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)


def _bind(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    return listener


def _lock(root: Path) -> int:
    """Takes the lock that prevents two servers on one root; waits a little for a server that is about to end."""
    handle = os.open(root / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                os.close(handle)
                raise OSError(f"another server runs on {root}") from None
            time.sleep(0.01)
        else:
            return handle


def _catch_signals() -> int:
    """Turns signals into bytes of a pipe. Returns its reading end."""
    read, write = os.pipe()
    os.set_blocking(read, False)
    os.set_blocking(write, False)
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    return read


def _signal_all(pids: set[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _ending(status: int) -> str:
    if os.WIFSIGNALED(status):
        return f"killed by signal {os.WTERMSIG(status)}"
    return f"exit code {os.WEXITSTATUS(status)}"
