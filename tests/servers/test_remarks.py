"""What a component's facts say of AVUs of no use, whichever server builds it."""

from __future__ import annotations

from tests.servers.conftest import Servers
from tests.support.appliances import SECTIONS, descriptor_of, ova


def test_a_misspelt_avu_above_a_component_of_the_other_server(servers: Servers) -> None:
    client = servers.client()
    for name in ("near", "far"):
        client.component(f"{servers.home}/{name}s/{name}", f"{servers.home}/images/{name}.ova")
        client.set(f"{servers.home}/{name}s", "hostnme", "x")
    near, far = (client.facts(f"{servers.home}/{name}s") for name in ("near", "far"))
    assert "ova::unmatched" in near
    assert far.get("ova::unmatched") == near["ova::unmatched"]


def test_an_avu_that_only_the_other_servers_component_takes(servers: Servers) -> None:
    client = servers.client()
    client.component(f"{servers.home}/grid/far", f"{servers.home}/images/far.ova")
    sections = "\n".join(line for line in SECTIONS.split("\n") if "mtu" not in line and "MinValue" not in line)
    less = ova(descriptor=descriptor_of(sections))
    servers.put(client, f"{servers.home}/images/less.ova", less, "demoResc")
    near = client.component(f"{servers.home}/grid/near", f"{servers.home}/images/less.ova")
    assert client.facts(near)["ova::status"] == "ready", client.facts(near)
    client.set(f"{servers.home}/grid", "mtu", "1600")
    assert "ova::unmatched" not in client.facts(f"{servers.home}/grid"), client.facts(f"{servers.home}/grid")


def test_a_misfit_says_the_same_on_both(servers: Servers) -> None:
    client = servers.client()
    found = []
    for name in ("near", "far"):
        component = client.component(f"{servers.home}/grid/{name}", f"{servers.home}/images/{name}.ova")
        client.set(component, "hostnme", "x")
        client.set(component, "mtu", "jumbo")
        found.append(client.facts(component))
    for key in ("ova::status", "ova::unmatched", "ova::note"):
        assert found[0].get(key, "").replace("near", "far") == found[1].get(key, ""), key
