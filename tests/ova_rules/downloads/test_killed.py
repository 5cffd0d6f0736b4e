"""A job that is killed in the middle of a download: nothing of it is visible, and the next one goes on."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.acceptance.clients import PythonClient
from tests.acceptance.conftest import rule_folder
from tests.acceptance.test_images import until
from tests.appliances import ova, read
from tests.ova_rules.downloads.server import Resource, serving


def writers_of(file: Path) -> list[int]:
    """The processes that have a file open."""
    found = []
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if link.readlink() == file:
                found.append(int(link.parts[2]))
        except OSError:  # it ended, or is another's
            continue
    return found


def test_a_killed_download_leaves_nothing_to_see_and_is_resumed(
    irods_zone_factory: Callable[..., Any], tmp_path: Path
) -> None:
    data = ova(b"disk" * 200_000)
    with serving() as server:
        held = threading.Event()
        resource = server.resources["/base.ova"] = Resource(data, etag='"1"', hold=held)
        allowed = [server.url("/"), "127.0.0.1/32"]
        zone = irods_zone_factory(rule_folder(tmp_path / "etc", allowed_urls=allowed))
        client = PythonClient(zone.session())
        component = f"{zone.home}/comp"
        client.make(component)
        client.set(component, "ova_url", server.url("/base.ova"))
        folder = zone.vault / ".ova-downloads"
        [partial] = until(lambda: [file for file in folder.glob("*.part") if file.stat().st_size])
        for pid in writers_of(partial):
            os.kill(pid, signal.SIGKILL)
        until(lambda: not writers_of(partial))
        begun = partial.stat().st_size
        assert 0 < begun < len(data)
        assert client.session.collections.get(f"{zone.home}/images").data_objects == []
        resource.hold = None
        held.set()
        client.set(component, "ova_refresh", "yes")

        def status() -> str:
            items = client.session.collections.get(component).metadata.items()
            return next((avu.value for avu in items if avu.name == "ova::status"), "")

        until(lambda: status() == "ready")
        assert read(client.get(f"{component}/comp.ova")).members["disk1.vmdk"] == b"disk" * 200_000
        assert server.header("range") == [None, f"bytes={begun}-"]
        assert list(folder.iterdir()) == []
