"""The zone, the people and the component of the acceptance tests, and clients that send any request."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from irods_zone.raw_client import RawClient

from tests.acceptance.conftest import (
    Site,
    client,
    component,
    make_person,
    person,
    settings,
    shared_zone,
    site,
    zone,
)
from tests.acceptance.people import Person

__all__ = ["client", "component", "make_person", "make_raw_client", "person", "settings", "shared_zone", "site", "zone"]

MakeRawClient = Callable[[Person], RawClient]


@pytest.fixture
def make_raw_client(site: Site) -> Iterator[MakeRawClient]:
    """A client of a person that sends any API request."""
    made: list[RawClient] = []
    environment = json.loads(site.environment.read_text())

    def make(person: Person) -> RawClient:
        host, port = environment["irods_host"], environment["irods_port"]
        made.append(RawClient(host, port, user=person.name, password="secret"))
        return made[-1]

    yield make
    for raw in made:
        raw.close()
