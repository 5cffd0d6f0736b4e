"""Fixtures to test PREP rules, or anything else that talks to iRODS, without an iRODS server.

`irods_zone` is a fresh zone on a free port; `irods_zone_factory` makes more of them. The rule file comes from the
marker `irods_rules` or from overriding the fixture of that name. Large modules are imported only when a fixture is
used.
"""

from __future__ import annotations

import contextlib
import random
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union

import pytest

if TYPE_CHECKING:
    from irods.session import iRODSSession

    from irods_zone.forkserver import Forkserver
    from irods_zone.raw_client import RawClient
    from irods_zone.trace import Event

Rules = Union[Path, str, None]


class EmbeddedZone:
    """A running server of a zone. `root` is its directory, `vault` that of its first resource, `log` its log file."""

    user = "rods"
    password = "rods"  # noqa: S105 (the password of every test zone)
    zone = "tempZone"

    def __init__(
        self,
        forkserver: Forkserver,
        root: Path,
        rules: Path | None,
        resources: dict[str, Path],
        *,
        trace: bool = False,
        host: str = "127.0.0.1",
        port: int = 0,
        provider: EmbeddedZone | None = None,
    ) -> None:
        self._forkserver = forkserver
        self._resources = resources
        self._pid = 0
        self._sessions: list[iRODSSession] = []
        self._consumers: list[EmbeddedZone] = []
        self._provider = provider
        self.root = root
        self.rules = rules
        self.vault = next(iter(resources.values()), root / "vault")
        self.log = root / "log" / "zone.log"
        self._trace = root / "trace.jsonl" if trace else None
        self.environment = root / "irods_environment.json"
        self.host = host
        self.port = port
        self.start()

    @property
    def home(self) -> str:
        """The administrator's home collection."""
        return f"/{self.zone}/home/{self.user}"

    @property
    def pid(self) -> int:
        """The server's process, 0 when it is stopped."""
        return self._pid

    def session(self, user: str = user, password: str = password, **options: Any) -> iRODSSession:
        """A python-irodsclient session, closed with the zone."""
        from irods.session import iRODSSession

        made = iRODSSession(host=self.host, port=self.port, user=user, password=password, zone=self.zone, **options)
        self._sessions.append(made)
        return made

    def raw_client(self, **options: Any) -> RawClient:
        """A client that sends any request, right or wrong; the options are RawClient's."""
        from irods_zone.raw_client import RawClient

        return RawClient(self.host, self.port, **options)

    def consumer(
        self,
        rules: Path | None = None,
        host: str = "127.0.0.3",
        resources: dict[str, Path] | None = None,
        *,
        trace: bool = False,
    ) -> EmbeddedZone:
        """Another server of this zone, a catalog service consumer, on another address and the same port.

        It has a root, vaults ({name: directory}, else `consumerResc`) and rules of its own; it is closed with the zone.
        """
        made = EmbeddedZone(
            self._forkserver, self.root / "consumers" / host, rules, resources or {}, trace=trace, host=host,
            port=self.port, provider=self,
        )  # fmt: skip
        self._consumers.append(made)
        return made

    def log_text(self) -> str:
        """The zone's log so far."""
        return self.log.read_text(encoding="utf-8") if self.log.exists() else ""

    def trace(self) -> list[Event]:
        """The trace of its rules so far, if it was made with trace=True: hooks, calls, queries."""
        from irods_zone.trace import read

        if self._trace is None:
            raise ValueError("this zone keeps no trace: make it with irods_zone_factory(rules, trace=True)")
        return read(self._trace)

    def start(self) -> None:
        """Start it, or start it again on the same port."""
        if not self._pid:
            started = self._forkserver.start(
                self.root,
                self.rules,
                self._resources,
                self.port,
                self._trace,
                self.host,
                None if self._provider is None else self._provider.root,
            )
            self._pid, self.host, self.port = started.pid, started.host, started.port

    def stop(self) -> None:
        """Stop it as SIGTERM does."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Kill it as SIGKILL does, with all agents."""
        self._end(signal.SIGKILL)

    def close(self) -> None:
        """Close the sessions and stop it, after its consumers."""
        while self._consumers:
            self._consumers.pop().close()
        while self._sessions:
            self._sessions.pop().cleanup()
        self.stop()

    def _end(self, number: int) -> None:
        if self._pid:
            pid, self._pid = self._pid, 0
            self._forkserver.stop(pid, number)


def free_port(*hosts: str) -> int:
    """A port that is free on each of these addresses, and that the system gives to no connection by itself."""
    while True:
        port = random.randrange(20000, 32000)  # noqa: S311 - no secret
        with contextlib.suppress(OSError), contextlib.ExitStack() as sockets:
            for host in hosts:
                sockets.enter_context(socket.socket()).bind((host, port))
            return port


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line("markers", "irods_rules(rules): rule file (a path, or its text) for the test's zone")


@pytest.fixture(scope="session")
def irods_forkserver() -> Iterator[Forkserver]:
    """The process that starts zones."""
    from irods_zone.forkserver import Forkserver

    forkserver = Forkserver()
    yield forkserver
    forkserver.close()


@pytest.fixture
def irods_rules(request: pytest.FixtureRequest) -> Rules:
    """The rule file of `irods_zone`: from the marker `irods_rules`, else none."""
    marker = request.node.get_closest_marker("irods_rules")
    return marker.args[0] if marker else None


@pytest.fixture
def irods_zone_factory(
    irods_forkserver: Forkserver, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., EmbeddedZone]]:
    """Makes fresh zones.

    rules: a path, or the text of a rule file; resources: {name: vault}; trace: keep a trace of what the rules do; host
    and port: where it listens.
    """
    made: list[EmbeddedZone] = []

    def make(
        rules: Rules = None,
        resources: dict[str, Path] | None = None,
        *,
        trace: bool = False,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> EmbeddedZone:
        root = tmp_path_factory.mktemp("zone")
        if isinstance(rules, str) and ("\n" in rules or not rules.endswith(".py")):
            text, rules = rules, root / "rules" / "core.py"
            rules.parent.mkdir()
            rules.write_text(text, encoding="utf-8")
        path = None if rules is None else Path(rules).absolute()
        zone = EmbeddedZone(irods_forkserver, root, path, resources or {}, trace=trace, host=host, port=port)
        made.append(zone)
        return zone

    yield make
    for zone in reversed(made):
        zone.close()


@pytest.fixture
def irods_zone(irods_zone_factory: Callable[..., EmbeddedZone], irods_rules: Rules) -> EmbeddedZone:
    """A fresh zone with the rules of `irods_rules`; user rods, password rods, zone tempZone."""
    return irods_zone_factory(irods_rules)
