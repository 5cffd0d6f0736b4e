"""What lies in vaults of other servers: images, texts, tasks, machines, replicas; and servers that are away."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from tests.servers.conftest import Servers
from tests.support.appliances import ova
from tests.support.clients import Refused, ready_path
from tests.support.waiting import until


def test_images_are_checked_where_they_lie(servers: Servers) -> None:
    client = servers.client()

    def checked(image: str) -> bool:
        return client.package(image) == "valid"

    client.set(f"{servers.home}/images", "ova_images", "yes")
    for name in ("near", "far"):
        image = f"{servers.home}/images/{name}.ova"
        until(partial(checked, image), "it is not checked")
    servers.put(client, f"{servers.home}/images/bad.ova", ova()[:2000], "consumer1Resc")
    until(lambda: client.package(f"{servers.home}/images/bad.ova") not in ("", "valid"), "it is not checked")


def test_texts_of_the_other_server(servers: Servers) -> None:
    client = servers.client()
    client.make(f"{servers.home}/grid")
    for name, resource in (("near", "consumer1Resc"), ("far", "demoResc")):  # each from the other server
        component = client.component(f"{servers.home}/grid/{name}", f"{servers.home}/images/{name}.ova")
        client.make(f"{component}/config")
        servers.put(client, f"{component}/config/name", b"from-a-text", resource)
        client.set(component, "hostname", "${<config/name}")
        assert client.ready(component).values["host.hostname"] == "from-a-text", client.facts(component)


def test_the_tasks_of_the_other_server_are_on_the_seed(servers: Servers) -> None:
    client = servers.client()
    far = client.component(f"{servers.home}/grid/far", f"{servers.home}/images/far.ova", hostname="sg1")
    client.make(f"{far}/install")
    servers.put(client, f"{far}/install/10-first.sh", b"#!/bin/sh\n" + b"# long\n" * 20_000, "demoResc")
    client.set(far, "ova_forms", "seed")
    assert client.facts(far)["ova::status"] == "ready", client.facts(far)
    seed = client.get(f"{far}/far.iso")
    assert b"# long\n" * 20_000 in seed
    assert servers.place_of(f"{far}/far.iso") == ["consumer1Resc"]


def test_a_strict_component_refuses_before_the_value_is_stored(servers: Servers) -> None:
    client = servers.client()
    far = client.component(f"{servers.home}/grid/far", f"{servers.home}/images/far.ova", hostname="sg1")
    client.set(far, "ova_options", "strict")
    for number in (0, 1):
        with pytest.raises(Refused):
            servers.client(number).set(far, "mtu", "jumbo")


def test_a_tree_over_both_servers(servers: Servers) -> None:
    client = servers.client()
    resources = client.session.resources
    resources.create("tree", "replication")
    for child in ("demoResc", "consumer1Resc"):
        resources.add_child("tree", child)
    source = f"{servers.home}/images/both.ova"
    servers.put(client, source, ova(), "tree")
    assert sorted(servers.place_of(source)) == ["consumer1Resc", "demoResc"]
    component = client.component(f"{servers.home}/grid/both", source, hostname="sg1")
    for name in ("sg2", "sg3-longer", "sg4"):
        client.set(component, "hostname", name)
        for number in (0, 1):
            assert servers.client(number).ready(component).values["host.hostname"] == name
        found = client.session.data_objects.get(ready_path(component)).replicas
        assert len({Path(each.path).read_bytes() for each in found if each.status == "1"}) == 1


def test_a_server_that_is_away_and_comes_back(servers: Servers) -> None:
    client = servers.client()
    far = client.component(f"{servers.home}/grid/far", f"{servers.home}/images/far.ova", hostname="sg1")
    near = client.component(f"{servers.home}/grid/near", f"{servers.home}/images/near.ova", hostname="sg1")
    servers.zones[1].kill()
    client = servers.client()
    client.set(far, "hostname", "sg2")
    client.set(near, "hostname", "sg2")
    assert client.ready(near).values["host.hostname"] == "sg2"
    assert "127.0.0.3 gives no answer: it does not run" in client.facts(far)["ova::message"]
    assert client.facts(far)["ova::status"] == "queued"
    with pytest.raises(Refused):
        client.ready(far)
    servers.zones[1].start()
    until(lambda: servers.client().facts(far)["ova::status"] == "ready", "it is not healed")
    for number in (0, 1):
        assert servers.client(number).ready(far).values["host.hostname"] == "sg2"


def test_a_component_whose_source_moves_to_another_server(servers: Servers) -> None:
    client = servers.client()
    component = client.component(f"{servers.home}/grid/one", f"{servers.home}/images/near.ova", hostname="sg1")
    before = client.session.data_objects.get(ready_path(component)).id
    client.set(component, "ova_url", f"{servers.home}/images/far.ova")
    assert client.facts(component)["ova::status"] == "ready", client.facts(component)["ova::message"]
    assert client.session.data_objects.get(ready_path(component)).id == before
    assert servers.place_of(ready_path(component)) == ["consumer1Resc"]
    client.set(component, "hostname", "sg2")
    for number in (0, 1):
        assert servers.client(number).ready(component).values["host.hostname"] == "sg2"
