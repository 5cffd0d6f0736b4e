"""The gate of a server that cannot ask, and forms and sources that move between servers."""

from __future__ import annotations

import pytest
from irods.exception import CAT_NO_ACCESS_PERMISSION

from tests.servers.conftest import Servers, join, person
from tests.support.appliances import ova
from tests.support.clients import Refused, ready_path


def tree(servers: Servers) -> str:
    """A source with a replica on each server."""
    resources = servers.client().session.resources
    resources.create("tree", "replication")
    for child in ("demoResc", "consumer1Resc"):
        resources.add_child("tree", child)
    source = f"{servers.home}/images/both.ova"
    servers.put(servers.client(), source, ova(), "tree")
    return source


def leave(servers: Servers, state: str) -> None:
    """Makes a server unable to ask the other one."""
    if state == "no key":
        (servers.folders[1] / "state/key").unlink()
    elif state == "another key":
        join(servers.folders[1], b"x" * 32)
    elif state == "mode":
        (servers.folders[1] / "state").chmod(0o755)
    servers.zones[1].stop()
    servers.zones[1].start()


@pytest.mark.parametrize("state", ["joined", "no key", "another key", "mode"])
def test_values_that_a_reader_may_not_see_stay_hidden_on_a_server_that_cannot_ask(
    servers: Servers, alice: str, state: str
) -> None:
    client = servers.client()
    component = client.component(f"{servers.home}/grid/both", tree(servers), hostname="sg1")
    client.set(component, "ova_forms", "seed")
    client.set(f"{servers.home}/grid", "domainname", "hidden")  # alice does not see it
    client.allow("read", component, alice)
    paths = [f"{component}/both{form}" for form in (".ova", ".iso")]
    for path in paths:
        client.allow("read", path, alice)
    leave(servers, state)
    for path in paths:
        for number in ("0", "1"):  # the second one is on the server that cannot ask
            with pytest.raises(CAT_NO_ACCESS_PERMISSION):
                person(servers, 1).session.data_objects.open(path, "r", replNum=number)


@pytest.mark.parametrize("state", ["joined", "no key", "another key"])
@pytest.mark.parametrize("form", [".ova", ".iso"])
def test_a_stale_replica_on_a_server_that_cannot_ask(servers: Servers, state: str, form: str) -> None:
    client = servers.client()
    component = client.component(f"{servers.home}/grid/both", tree(servers), hostname="sg1")
    client.set(component, "ova_forms", "seed")
    leave(servers, state)
    client.set(component, "ova_url", "nowhere.ova")
    with pytest.raises(Refused):
        servers.client(1).get(f"{component}/both{form}")


@pytest.mark.parametrize("state", ["joined", "no key", "another key", "mode"])
def test_a_users_own_file_with_the_name_of_a_form(servers: Servers, state: str) -> None:
    leave(servers, state)
    client = servers.client(1)
    client.make(f"{servers.home}/plain")
    for ending in (".iso", ".ova"):
        path = f"{servers.home}/plain/plain{ending}"
        servers.put(client, path, b"mine", "consumer1Resc")
        assert client.get(path) == b"mine"
        client.unlink(path)


@pytest.mark.parametrize("way", ["near-far", "far-near"])
@pytest.mark.parametrize("connected", [0, 1])
def test_forms_follow_their_source(servers: Servers, way: str, connected: int) -> None:
    client = servers.client(connected)
    first, second = way.split("-")
    one = client.component(f"{servers.home}/grid/one", f"{servers.home}/images/{first}.ova", hostname="sg1")
    client.set(one, "ova_forms", "seed")
    assert client.facts(one)["ova::status"] == "ready"
    client.set(one, "ova_url", f"{servers.home}/images/{second}.ova")
    assert client.facts(one)["ova::status"] == "ready", client.facts(one)["ova::message"]
    client.set(one, "hostname", "sg2")
    for number in (0, 1):
        assert b"sg2" in servers.client(number).get(f"{one}/one.iso")
        assert servers.client(number).ready(one).values["host.hostname"] == "sg2"
    assert "fault" not in servers.logs()


def test_a_chain_over_both_servers(servers: Servers) -> None:
    client = servers.client(1)
    base, middle = f"{servers.home}/grid/base", f"{servers.home}/grid/middle"
    client.component(base, f"{servers.home}/images/far.ova", hostname="sg1")
    client.component(middle, ready_path(base), domainname="d1")
    client.component(f"{servers.home}/grid/end", ready_path(middle), mtu="1600")
    client.set(base, "hostname", "sg2")
    for number in (0, 1):
        assert servers.client(number).ready(f"{servers.home}/grid/end").values["host.hostname"] == "sg2"
    assert "fault" not in servers.logs()


@pytest.mark.parametrize("connected", [0, 1])
def test_restore_of_a_component_of_the_other_server(servers: Servers, connected: int) -> None:
    client = servers.client(connected)
    far = client.component(f"{servers.home}/grid/far", f"{servers.home}/images/far.ova", hostname="sg1")
    before = [a.value for a in client.metadata(far).items() if a.name == "ova::history"]
    client.set(far, "hostname", "sg2")
    client.set(far, "ova_restore", sorted(before)[-1].split(" ")[1])
    assert client.ready(far).values["host.hostname"] == "sg1"


@pytest.mark.parametrize("connected", [0, 1])
@pytest.mark.parametrize("name", ["near", "far"])
def test_an_image_in_use_stays(servers: Servers, connected: int, name: str) -> None:
    image = f"{servers.home}/images/{name}.ova"
    far = servers.client().component(f"{servers.home}/grid/{name}", image)
    client = servers.client(connected)
    with pytest.raises(Refused):
        client.unlink(image)
    with pytest.raises(Refused):
        client.remove(f"{servers.home}/images")
    with pytest.raises(CAT_NO_ACCESS_PERMISSION):
        client.session.data_objects.move(image, f"{servers.home}/images/x.ova")
    client.unlink(ready_path(far))
    assert "was removed" in client.facts(far)["ova::message"]
    client.set(far, "hostname", "sg9")
    assert client.ready(far).values["host.hostname"] == "sg9"
    client.session.collections.move(far, f"{servers.home}/grid/renamed")
    assert client.ready(f"{servers.home}/grid/renamed").values["host.hostname"] == "sg9"
    client.remove(f"{servers.home}/grid")
    client.unlink(image)
    assert "fault" not in servers.logs()
