"""Sources on a server without the rules: a job has iRODS copy them, and components are built from the copy."""

from __future__ import annotations

from pathlib import Path

import pytest

from ova_admin.check.servers import finding
from tests.servers.conftest import Servers
from tests.support.appliances import ova
from tests.support.clients import Refused
from tests.support.waiting import until


@pytest.fixture
def bare(servers: Servers, tmp_path: Path) -> str:
    """A source on a third server, which runs without rules."""
    servers.zones[0].consumer(None, "127.0.0.4", {"bareResc": tmp_path / "bare"})
    source = f"{servers.home}/images/bare.ova"
    servers.put(servers.client(), source, ova(), "bareResc")
    return source


@pytest.mark.parametrize("connected", [0, 1])
def test_it_is_copied_once_and_built_from_the_copy(servers: Servers, bare: str, connected: int) -> None:
    client = servers.client(connected)
    first = client.component(f"{servers.home}/grid/first", bare, hostname="sg1")
    until(lambda: client.facts(first)["ova::status"] == "ready", "it is not copied")
    second = client.component(f"{servers.home}/grid/second", bare, hostname="sg2")
    assert client.facts(second)["ova::status"] == "ready"
    for component, name in ((first, "sg1"), (second, "sg2")):
        assert client.ready(component).values["host.hostname"] == name
    assert servers.logs().count('"ova": "copy"') == 1
    assert servers.place_of(f"{first}/first.ova") == ["demoResc"]
    assert servers.place_of(bare) == ["bareResc"]


def test_a_new_version_is_copied_again(servers: Servers, bare: str) -> None:
    client = servers.client()
    component = client.component(f"{servers.home}/grid/one", bare, hostname="sg1")
    until(lambda: client.facts(component)["ova::status"] == "ready", "it is not copied")
    servers.put(client, bare, ova(b"other" * 5000), "bareResc")
    until(lambda: servers.logs().count('"ova": "copy"') == 2, "it is not copied again")
    until(lambda: client.facts(component)["ova::status"] == "ready", "it is not built again")
    assert client.ready(component).members["disk1.vmdk"] == b"other" * 5000


def test_who_may_not_read_the_source_gets_nothing_of_its_copy(servers: Servers, bare: str) -> None:
    client = servers.client()
    mine = client.component(f"{servers.home}/grid/one", bare, hostname="sg1")
    until(lambda: client.facts(mine)["ova::status"] == "ready", "it is not copied")
    client.session.users.create("alice", "rodsuser")
    client.session.users.modify("alice", "password", "secret")
    alice = type(client)(servers.zones[0].session("alice", "secret"))
    theirs = alice.component("/tempZone/home/alice/one", bare, hostname="sg1")
    assert alice.facts(theirs)["ova::status"] == "failed"
    with pytest.raises(Refused):
        alice.ready(theirs)


def test_nothing_is_copied_for_an_author_who_may_not_read_it(servers: Servers, bare: str) -> None:
    client = servers.client()
    client.session.users.create("alice", "rodsuser")
    client.session.users.modify("alice", "password", "secret")
    alice = type(client)(servers.zones[0].session("alice", "secret"))
    theirs = alice.component("/tempZone/home/alice/grid/one", bare)
    alice.allow("own", theirs, "rods")
    client.set(theirs, "hostname", "sg1")  # by one who may read it
    until(lambda: "may not read" in client.facts(theirs).get("ova::message", ""), "it is not refused")
    assert servers.logs().count('"ova": "copy"') == 0


def test_a_server_without_the_rules_is_asked_once(servers: Servers, bare: str) -> None:
    client = servers.client()
    one = client.component(f"{servers.home}/grid/one", bare, hostname="sg1")
    until(lambda: client.facts(one)["ova::status"] == "ready", "it is not copied")
    noted = list((servers.folders[0] / "state/no answer").iterdir())
    assert [each.read_text().partition(" ")[2] for each in noted] == ["it has not got these rules"]
    found = finding(client.session)  # asks again
    assert "127.0.0.4 gives no answer: it has not got these rules" in found.detail
