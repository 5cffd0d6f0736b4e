"""A change right after a queued build has ended is not lost, though that build's job is still in the queue."""

from __future__ import annotations

from functools import partial

import pytest

from tests.acceptance.conftest import Site
from tests.support.threads import together


@pytest.fixture
def settings() -> dict[str, object]:
    return {"inline_limit": 0, "gate_wait": 20}


def test_each_of_many_changes_is_read_at_once(site: Site, component: str) -> None:
    """Of four components side by side: each change waits a second in the queue."""

    def change(path: str, first: int) -> None:
        client = site.own_client()
        client.component(path, site.source)
        for number in range(first, first + 3):
            client.set(path, "hostname", f"host{number}")

            assert client.ready(path).values["host.hostname"] == f"host{number}"

    paths = [component, *(f"{site.home}/grid01/comp0{number}" for number in (2, 3, 4))]
    together(*(partial(change, path, 3 * number) for number, path in enumerate(paths)))
