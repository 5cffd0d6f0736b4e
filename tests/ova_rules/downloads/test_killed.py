"""A job killed in the middle of a download: nothing of it is visible, and the next job resumes."""

from __future__ import annotations

import os
import signal
import threading

from tests.support.appliances import ova
from tests.support.processes import writers_of
from tests.support.waiting import until
from tests.support.web_server import Resource, serving
from tests.support.zones import MakePlace


def test_a_killed_download_leaves_nothing_to_see_and_is_resumed(make_place: MakePlace) -> None:
    data = ova(b"disk" * 200_000)
    with serving() as server:
        held = threading.Event()
        resource = server.resources["/base.ova"] = Resource(data, etag='"1"', hold=held)
        place = make_place(allowed_urls=[server.url("/"), "127.0.0.1/32"])
        component = place.client.component(f"{place.home}/comp", server.url("/base.ova"))
        folder = place.zone.vault / ".ova-downloads"
        [partial] = until(lambda: [file for file in folder.glob("*.part") if file.stat().st_size], "bytes have come")
        for pid in writers_of(partial):
            os.kill(pid, signal.SIGKILL)
        until(lambda: not writers_of(partial), "the job is dead")
        begun = partial.stat().st_size
        assert 0 < begun < len(data)
        assert place.client.session.collections.get(f"{place.home}/images").data_objects == []
        resource.hold = None
        held.set()
        place.client.set(component, "ova_refresh", "yes")
        until(lambda: place.status(component) == "ready", "the component is ready")
        assert place.client.ready(component).members["disk1.vmdk"] == b"disk" * 200_000
        assert server.header("range") == [None, f"bytes={begun}-"]
        assert list(folder.iterdir()) == []
