"""Builds in zones of several servers: made where the source lies, whichever server a client uses."""

from __future__ import annotations

import pytest

from tests.servers.conftest import Servers
from tests.support.appliances import ova


@pytest.mark.parametrize("connected", [0, 1])
def test_a_component_is_built_beside_its_source(servers: Servers, connected: int) -> None:
    client = servers.client(connected)
    for name, resource in (("near", "demoResc"), ("far", "consumer1Resc")):
        component = client.component(f"{servers.home}/grid/{name}", f"{servers.home}/images/{name}.ova", hostname="sg1")
        assert client.facts(component)["ova::status"] == "ready", client.facts(component)
        assert client.ready(component).values["host.hostname"] == "sg1"
        assert servers.place_of(f"{component}/{name}.ova") == [resource]
        client.set(component, "hostname", "sg2-longer-than-before")
        assert client.ready(component).values["host.hostname"] == "sg2-longer-than-before"
        assert servers.client(1 - connected).ready(component).values["host.hostname"] == "sg2-longer-than-before"
    log = servers.zones[1].log_text()
    assert log.count("built here") == 3  # for ova_url, and each hostname
    assert "fault" not in servers.logs()


@pytest.mark.parametrize("connected", [0, 1])
def test_a_new_version_of_a_source(servers: Servers, connected: int) -> None:
    client = servers.client(connected)
    for name, resource in (("near", "demoResc"), ("far", "consumer1Resc")):
        source = f"{servers.home}/images/{name}.ova"
        component = client.component(f"{servers.home}/grid/{name}", source, hostname="sg1")
        servers.put(client, source, ova(b"other" * 5000), resource)
        assert client.facts(component)["ova::status"] == "ready", client.facts(component)
        assert client.ready(component).members["disk1.vmdk"] == b"other" * 5000
