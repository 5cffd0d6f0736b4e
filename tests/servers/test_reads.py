"""The gate, whichever server a client opens a ready OVA on."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.servers.conftest import Servers, person
from tests.support.appliances import ova, read
from tests.support.clients import Refused, ready_path


@pytest.mark.parametrize("connected", [0, 1])
@pytest.mark.parametrize("where", ["near", "far"])
def test_who_may_not_see_the_values_gets_no_ready_ova(servers: Servers, alice: str, connected: int, where: str) -> None:
    client = servers.client()
    component = client.component(f"{servers.home}/grid/{where}", f"{servers.home}/images/{where}.ova", hostname="sg1")
    client.allow("read", ready_path(component), alice)
    with pytest.raises(Refused, match="alice may not read the AVUs"):
        person(servers, connected).get(ready_path(component))
    client.allow("read", component, alice)
    client.allow("read", f"{servers.home}/grid", alice)
    assert person(servers, connected).ready(component).values["host.hostname"] == "sg1"
    with pytest.raises(Exception, match="made by the server"):
        client.put(b"mine", ready_path(component))


@pytest.mark.parametrize("connected", [0, 1])
def test_a_read_brings_what_nobody_announced_up_to_date(servers: Servers, alice: str, connected: int) -> None:
    client = servers.client()
    far = client.component(f"{servers.home}/grid/far", f"{servers.home}/images/far.ova", hostname="sg1")
    vault_file = client.session.data_objects.get(ready_path(far)).replicas[0].path
    with Path(vault_file).open("ab") as file:  # not through iRODS
        file.write(b"more")
    assert servers.client(connected).ready(far).values["host.hostname"] == "sg1"


def test_an_ordinary_user_builds_on_the_vaults_server(servers: Servers, alice: str) -> None:
    home = f"/tempZone/home/{alice}"
    servers.client().allow("read", f"{servers.home}/images", alice)
    for number, name in ((0, "near"), (1, "far")):
        image = f"{servers.home}/images/{name}.ova"
        servers.client().allow("read", image, alice)
        mine = person(servers, number).component(f"{home}/grid/{name}", image, hostname="sg7")
        for other in (0, 1):
            assert person(servers, other).ready(mine).values["host.hostname"] == "sg7"
    assert servers.place_of(f"{home}/grid/far/far.ova") == ["consumer1Resc"]


def test_a_redirected_client_passes_the_gate_of_the_vaults_server(servers: Servers) -> None:
    client = servers.client()
    far = client.component(f"{servers.home}/grid/far", f"{servers.home}/images/far.ova", hostname="sg1")
    session = servers.client().session
    client.set(far, "hostname", "sg2")
    with session.data_objects.open(ready_path(far), "r", allow_redirect=True) as stream:
        assert read(stream.read()).values["host.hostname"] == "sg2"
    client.set(f"{servers.home}/grid", "hostname", "x" * 20)
    client.set(far, "ova_url", "nowhere.ova")
    with (
        pytest.raises(Exception, match="does not exist"),
        session.data_objects.open(ready_path(far), "r", allow_redirect=True) as stream,
    ):
        stream.read()


@pytest.mark.parametrize("connected", [0, 1])
def test_a_parallel_download_is_of_one_version(servers: Servers, connected: int, tmp_path: Path) -> None:
    big = f"{servers.home}/images/big.ova"
    servers.put(servers.client(), big, ova(b"b" * 40_000_000), "consumer1Resc")
    client = servers.client(connected)
    component = client.component(f"{servers.home}/grid/big", big, hostname="sg1")
    target = tmp_path / "big.ova"
    for name in ("sg1", "sg2", "sg3"):
        client.set(component, "hostname", name)
        client.session.data_objects.get(ready_path(component), str(target), forceFlag="", num_threads=3)
        assert read(target.read_bytes()).values["host.hostname"] == name


def test_two_servers_change_one_component(servers: Servers) -> None:
    far = servers.client().component(f"{servers.home}/grid/far", f"{servers.home}/images/far.ova", hostname="sg")

    def change(number: int) -> None:
        client = servers.client(number)
        for count in range(15):
            client.set(far, "hostname", f"sg-{number}-{count}")

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(change, (0, 1)))
    value = servers.client().metadata(far).get_one("hostname").value
    for number in (0, 1):
        assert servers.client(number).ready(far).values["host.hostname"] == value
    assert "fault" not in servers.logs()
