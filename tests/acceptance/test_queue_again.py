"""A change right after a queued build has ended is not lost, though that build's job is still in the queue."""

from __future__ import annotations

import pytest

from tests.acceptance.clients import PythonClient
from tests.acceptance.conftest import Site
from tests.appliances import read


@pytest.fixture
def settings() -> dict[str, object]:
    return {"inline_limit": 0, "gate_wait": 20}


def test_each_of_many_changes_is_read_at_once(site: Site, client: PythonClient, component: str) -> None:
    for number in range(12):
        client.set(component, "hostname", f"host{number}")

        assert read(client.get(site.ready)).values["host.hostname"] == f"host{number}"
