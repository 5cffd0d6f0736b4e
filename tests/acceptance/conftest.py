"""The zone for the acceptance tests: an embedded one, or with --irods-environment FILE a real one, unchanged.

The real zone must have this repository's core.py as its rule file; the password comes from IRODS_PASSWORD.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.appliances import ova
from tests.support.clients import MAKERS, Client, PythonClient, ready_path
from tests.support.zones import embedded_zone, rule_folder

if TYPE_CHECKING:
    from tests.acceptance.people import Person

MakeClient = Callable[..., Client]


@dataclass
class Zone:
    """A zone under test: its environment file, its administrator's password and a session of theirs."""

    environment: Path
    password: str
    administrator: Any

    @classmethod
    def of(cls, environment: Path) -> Zone:
        """The zone of an environment file."""
        password = os.environ.get("IRODS_PASSWORD", "rods")
        return cls(environment, password, session_of(environment, "", password))


def session_of(environment: Path, user: str, password: str) -> Any:
    """A session of a user; '' is the one of the environment file."""
    from irods.session import iRODSSession

    settings = json.loads(environment.read_text())
    return iRODSSession(
        host=settings["irods_host"],
        port=settings["irods_port"],
        user=user or settings["irods_user_name"],
        password=password,
        zone=settings["irods_zone_name"],
    )


@dataclass
class Site:
    """What a test has: a zone, a session of its administrator, and a collection for this test alone."""

    environment: Path
    password: str
    session: Any
    home: str
    new_session: Callable[[str, str], Any]

    @property
    def component(self) -> str:
        """The component that most tests use."""
        return f"{self.home}/grid01/comp01"

    @property
    def ready(self) -> str:
        """Its ready OVA."""
        return ready_path(self.component)

    @property
    def source(self) -> str:
        """Its source."""
        return f"{self.home}/images/base.ova"

    def own_client(self) -> PythonClient:
        """A client of the administrator with connections of its own."""
        return PythonClient(self.new_session(self.session.username, self.password))

    def allow(self, level: str, path: str, user: str, *, recursive: bool = False) -> None:
        """`ichmod LEVEL USER PATH`"""
        PythonClient(self.session).allow(level, path, user, recursive=recursive)

    def facts(self, component: str | None = None) -> dict[str, str]:
        """The facts of a component."""
        return PythonClient(self.session).facts(component or self.component)


@pytest.fixture(scope="session")
def shared_zone(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zone]:
    """The real zone, or an embedded one that is one for all tests, too; the administrator stays signed in."""
    with ExitStack() as stack:
        environment = request.config.getoption("--irods-environment")
        if not environment:
            folder = tmp_path_factory.mktemp("shared")
            rules = rule_folder(folder / "etc")
            environment = stack.enter_context(embedded_zone(folder / "zone", rules)).environment
        zone = Zone.of(Path(environment))
        stack.callback(zone.administrator.cleanup)
        yield zone


@pytest.fixture
def settings() -> dict[str, object]:
    """The administrator's settings of the embedded zone; override it in a test module, which gets zones of its own."""
    return {}


@pytest.fixture
def zone(request: pytest.FixtureRequest, tmp_path: Path, settings: dict[str, object]) -> Zone:
    """The zone under test."""
    if not settings or request.config.getoption("--irods-environment"):
        shared: Zone = request.getfixturevalue("shared_zone")
        return shared
    make = request.getfixturevalue("irods_zone_factory")
    zone = Zone.of(make(rule_folder(tmp_path / "etc", **settings)).environment)
    request.addfinalizer(zone.administrator.cleanup)
    return zone


@pytest.fixture
def site(zone: Zone) -> Iterator[Site]:
    """The zone under test, with an empty collection for this test alone."""
    with ExitStack() as stack:

        def new_session(user: str, password: str) -> Any:
            session = session_of(zone.environment, user, password)
            stack.callback(session.cleanup)
            return session

        session = zone.administrator
        home = f"/{session.zone}/home/{session.username}/test-{uuid.uuid4().hex[:12]}"
        session.collections.create(home)
        yield Site(zone.environment, zone.password, session, home, new_session)
        session.collections.remove(home, recurse=True, force=True)


@pytest.fixture
def make_client(site: Site, tmp_path: Path) -> Iterator[MakeClient]:
    """A client by name, signed in as the zone's administrator or as another user."""
    made: list[Client] = []

    def make(name: str, user: str = site.session.username, password: str = site.password) -> Client:
        if name in MAKERS:
            made.append(MAKERS[name](tmp_path / f"{name}-{user}", site.environment, user, password))
            return made[-1]
        return PythonClient(site.new_session(user, password))

    yield make
    for client in made:
        client.close()


@pytest.fixture
def make_person(site: Site) -> Iterator[Callable[[], Person]]:
    """Ordinary users."""
    from tests.acceptance.people import Person

    made: list[Person] = []

    def make() -> Person:
        made.append(Person(site))
        return made[-1]

    yield make
    for person in made:
        person.remove_components()
    for person in made:
        person.remove()


@pytest.fixture
def person(make_person: Callable[[], Person]) -> Person:
    """An ordinary user."""
    return make_person()


@pytest.fixture
def client(site: Site) -> PythonClient:
    """python-irodsclient, for what need not be asked of every client."""
    return PythonClient(site.session)


@pytest.fixture
def component(site: Site, client: PythonClient) -> str:
    """grid01/comp01 with its source, ready."""
    client.make(f"{site.home}/images")
    client.put(ova(), site.source)
    return client.component(site.component, site.source)
