"""Versions of a large ready OVA, made on several servers, by whose sizes parallel downloads tell them apart."""

from __future__ import annotations

from tests.servers.conftest import Servers
from tests.support.appliances import ova
from tests.support.clients import ready_path
from tests.support.waiting import until


def test_no_two_versions_have_one_size(servers: Servers) -> None:
    client = servers.client()
    data = ova(b"b" * 34_000_000)
    images = {}
    for name, resource in (("near", "demoResc"), ("far", "consumer1Resc")):
        images[name] = f"{servers.home}/images/big-{name}.ova"
        servers.put(client, images[name], data, resource)
    component = client.component(f"{servers.home}/grid/big", images["far"], hostname="sg1")
    sizes: list[int] = []

    def note() -> None:
        until(lambda: client.facts(component)["ova::status"] == "ready", "it is not built")
        client.ready(component)
        replicas = client.session.data_objects.get(ready_path(component)).replicas
        sizes.extend({each.size for each in replicas if each.status == "1"})

    note()
    client.set(component, "hostname", "sg2")
    note()
    client.set(component, "ova_url", images["near"])
    note()
    client.set(component, "hostname", "sg3")
    note()
    client.set(component, "ova_url", images["far"])
    note()
    assert len(set(sizes)) == len(sizes), sizes
