"""What the acceptance tests run against: an embedded zone, or with --irods-environment FILE a real one, unchanged.

The real zone must have this repository's core.py as its rule file; the password comes from IRODS_PASSWORD.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.acceptance.clients import COMMAND_CLIENTS, Client, PythonClient

if TYPE_CHECKING:
    from tests.acceptance.people import Person

REPOSITORY = Path(__file__).resolve().parents[2]


def rule_folder(folder: Path, **settings: object) -> Path:
    """A rule file for a zone: a link to core.py, as on a real server, with settings of its own beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "core.py").symlink_to(REPOSITORY / "core.py")
    settings.setdefault("state_directory", str(folder / "state"))
    (folder / "ova_rules.json").write_text(json.dumps(settings))
    return folder / "core.py"


@dataclass
class Site:
    """A zone under test: its environment file, a session of its administrator, and a collection for this test."""

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
        return f"{self.component}/comp01.ova"

    @property
    def source(self) -> str:
        """Its source."""
        return f"{self.home}/images/base.ova"

    def allow(self, level: str, path: str, user: str, *, recursive: bool = False) -> None:
        """`ichmod LEVEL USER PATH`"""
        from irods.access import iRODSAccess

        self.session.acls.set(iRODSAccess(level, path, user), recursive=recursive)

    def facts(self, component: str | None = None) -> dict[str, str]:
        """The `ova::` attributes of a component (several values joined by commas)."""
        found: dict[str, list[str]] = {}
        for avu in self.session.collections.get(component or self.component).metadata.items():
            if avu.name.startswith("ova::"):
                found.setdefault(avu.name, []).append(avu.value)
        return {name: ",".join(sorted(values)) for name, values in found.items()}


def _session(environment: dict[str, Any], user: str, password: str) -> Any:
    from irods.session import iRODSSession

    return iRODSSession(
        host=environment["irods_host"],
        port=environment["irods_port"],
        user=user,
        password=password,
        zone=environment["irods_zone_name"],
    )


@pytest.fixture
def settings() -> dict[str, object]:
    """The administrator's settings of the embedded zone; override it in a test module."""
    return {}


@pytest.fixture
def environment_file(request: pytest.FixtureRequest, tmp_path: Path, settings: dict[str, object]) -> Path:
    """The environment file of the zone under test."""
    chosen = request.config.getoption("--irods-environment")
    if chosen:
        return Path(chosen)
    make = request.getfixturevalue("irods_zone_factory")
    return Path(make(rule_folder(tmp_path / "etc", **settings)).environment)


@pytest.fixture
def site(environment_file: Path) -> Iterator[Site]:
    """The zone under test, with an empty collection for this test alone."""
    environment = json.loads(environment_file.read_text())
    password = os.environ.get("IRODS_PASSWORD", "rods")
    user, zone = environment["irods_user_name"], environment["irods_zone_name"]
    sessions = [_session(environment, user, password)]

    def new_session(name: str, secret: str) -> Any:
        sessions.append(_session(environment, name, secret))
        return sessions[-1]

    home = f"/{zone}/home/{user}/test-{uuid.uuid4().hex[:12]}"
    sessions[0].collections.create(home)
    yield Site(environment_file, password, sessions[0], home, new_session)
    sessions[0].collections.remove(home, recurse=True, force=True)
    for session in sessions:
        session.cleanup()


@pytest.fixture
def make_client(site: Site, tmp_path: Path) -> Callable[..., Client]:
    """A client by name, signed in as the zone's administrator or as another user."""

    def make(name: str, user: str = site.session.username, password: str = site.password) -> Client:
        if name not in COMMAND_CLIENTS:
            return PythonClient(site.new_session(user, password))
        client: Client = COMMAND_CLIENTS[name](tmp_path / f"{name}-{user}", site.environment, user, password)
        return client

    return make


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
    from tests.appliances import ova

    client.make(site.component)
    client.make(f"{site.home}/images")
    client.put(ova(), site.source)
    client.set(site.component, "ova_url", site.source)
    return site.component
