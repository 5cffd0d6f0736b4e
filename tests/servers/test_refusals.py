"""What is refused is refused in words, whichever server a client is connected to."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from irods.meta import AVUOperation, iRODSMeta

from tests.servers.conftest import Servers
from tests.support.clients import refusals

FACT = AVUOperation(operation="add", avu=iRODSMeta("ova::status", "of mine"))


@pytest.mark.parametrize("connected", [0, 1])
@pytest.mark.parametrize("name", ["near", "far"])
def test_changes_are_refused_in_words(servers: Servers, connected: int, name: str) -> None:
    image = f"{servers.home}/images/{name}.ova"
    component = servers.client().component(f"{servers.home}/grid/{name}", image, hostname="sg1")
    client = servers.client(connected)
    objects, collections = client.session.data_objects, client.session.collections
    changes: dict[str, Callable[[], object]] = {
        "did you mean ova_url": lambda: client.metadata(component).add("ova_ulr", "x"),
        "are facts that the server writes": lambda: client.metadata(component).apply_atomic_operations(FACT),
        f"{name}.ova is the source of {component}": lambda: objects.unlink(image, force=True),
        "holds": lambda: collections.remove(f"{servers.home}/images", recurse=True, force=True),
        "is the source of": lambda: objects.move(image, f"{servers.home}/moved.ova"),
        "is made by the server": lambda: client.put(b"mine", f"{component}/{name}.ova"),
    }
    for text, change in changes.items():
        with pytest.raises(Exception, match=text), refusals():
            change()
    assert objects.exists(image)
