"""A server without the catalog that cannot ask the one with it: it refuses ready OVAs and is in nobody's way."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.servers.conftest import Servers, join
from tests.support.appliances import ova
from tests.support.clients import Refused
from tests.support.zones import Place, embedded_zone, rule_folder


@pytest.mark.parametrize("state", ["no key", "another key", "settings"])
def test_a_server_that_has_not_joined_only_refuses_ready_ovas(servers: Servers, state: str) -> None:
    key = servers.folders[1] / "state/key"
    near = servers.client(0).component(f"{servers.home}/grid/near", f"{servers.home}/images/near.ova", hostname="sg1")
    if state == "no key":
        key.unlink()
    elif state == "another key":
        join(servers.folders[1], b"x" * 32)
    else:
        (servers.folders[1] / "ova_rules.json").write_text("{")
    servers.zones[1].stop()  # agents read the key once
    servers.zones[1].start()
    client = servers.client(1)
    client.set(near, "hostname", "sg2")  # AVU calls are carried out on the provider
    assert servers.client(0).ready(near).values["host.hostname"] == "sg2"
    with pytest.raises(Refused):
        client.ready(near)
    client.put(b"1", f"{servers.home}/any")
    servers.put(client, f"{servers.home}/images/far.ova", ova(b"other" * 5000), "consumer1Resc")
    assert client.get(f"{servers.home}/any") == b"1"
    client.session.data_objects.unlink(f"{servers.home}/any", force=True)
    assert not (key.exists() and state == "no key"), "only the server with the catalog makes a key"
    far = client.component(f"{servers.home}/grid/far", f"{servers.home}/images/far.ova")
    assert "127.0.0.3 refuses" in servers.client(0).facts(far)["ova::message"]


def test_a_role_that_cannot_be_read_is_that_of_a_provider(tmp_path: Path) -> None:
    rules = rule_folder(tmp_path / "etc")
    (tmp_path / "etc/server_config.json").write_text("no JSON")
    with embedded_zone(tmp_path / "zone", rules) as zone:
        place = Place(zone, ova(), 1)
        assert place.status(place.components[0]) == "ready"
