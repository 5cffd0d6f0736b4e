"""What a server that dies in the middle of a build, or is older, leaves behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.servers.conftest import Servers
from tests.support.appliances import ova
from tests.support.waiting import until


def add_rules(servers: Servers, number: int, behind: str) -> None:
    """Gives a server Python text that runs after its rule file."""
    core = servers.folders[number] / "core.py"
    core.write_text(f"{core.read_text()}\n{behind}")
    servers.zones[number].stop()
    servers.zones[number].start()


DIES = """
import os
def _dies(name, function):
    def run(*arguments, **keywords):
        if name == 'before' and os.path.exists({flag!r}):
            os.kill(os.getpid(), 9)
        result = function(*arguments, **keywords)
        if name == 'after' and os.path.exists({flag!r}):
            os.kill(os.getpid(), 9)
        return result
    return run
from ova_rules.build import make as _module
_module.{function} = _dies({name!r}, _module.{function})
"""


def built_after_death(servers: Servers, flag: Path) -> str:
    """A component whose first build kills its agent, while the flag is there; the next change has it built."""
    far = servers.client().component(f"{servers.home}/grid/far", f"{servers.home}/images/far.ova")
    flag.unlink()
    servers.client().set(far, "hostname", "sg2")

    def ended() -> dict[str, str] | None:
        facts = servers.client().facts(far)
        return facts if facts["ova::status"] in ("ready", "failed") else None

    facts = until(ended, "it is not built")
    assert facts is not None and facts["ova::status"] == "ready", facts  # read once: a job may follow
    return far


@pytest.mark.parametrize(
    ("name", "function"),
    [("after", "publish_made"), ("after", "_write_ready"), ("before", "_told_apart")],
)
def test_the_vaults_server_dies_in_a_first_build(servers: Servers, tmp_path: Path, name: str, function: str) -> None:
    flag = tmp_path / "flag"
    flag.touch()
    add_rules(servers, 1, DIES.format(flag=str(flag), function=function, name=name))
    far = built_after_death(servers, flag)
    for number in (0, 1):
        assert servers.client(number).ready(far).values["host.hostname"] == "sg2"


def test_the_vaults_server_dies_while_it_creates(servers: Servers, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    flag.touch()
    behind = DIES.format(flag=str(flag), function="y", name="after").split("from ova_rules")[0]
    behind += "from ova_rules.catalog.writes import Catalog\nCatalog.create = _dies('after', Catalog.create)\n"
    add_rules(servers, 1, behind)
    built_after_death(servers, flag)


@pytest.mark.parametrize("without", [0, 1])
def test_a_server_with_older_rules(servers: Servers, without: int) -> None:
    add_rules(servers, without, "del ova_request\n")
    client = servers.client(1)
    home = servers.home
    near = client.component(f"{home}/grid/near", f"{home}/images/near.ova", hostname="sg1")
    client.set(f"{home}/images", "any", "value")
    for resource in ("demoResc", "consumer1Resc"):
        servers.put(client, f"{home}/images/other.ova", ova(), resource)
        client.make(f"{home}/plain/install")
        servers.put(client, f"{home}/plain/install/a.sh", b"x", resource)
        servers.put(client, f"{home}/plain/plain.iso", b"x", resource)
        assert client.get(f"{home}/plain/plain.iso") == b"x"
        client.unlink(f"{home}/plain/plain.iso")
        assert client.get(f"{home}/images/other.ova") == ova()
        client.session.data_objects.move(f"{home}/images/other.ova", f"{home}/images/other2.ova")
        client.unlink(f"{home}/images/other2.ova")
        client.unlink(f"{home}/plain/install/a.sh", force=False)
    from irods.meta import AVUOperation, iRODSMeta

    client.metadata(f"{home}/images").apply_atomic_operations(AVUOperation(operation="add", avu=iRODSMeta("p", "q")))
    client.metadata(near).apply_atomic_operations(AVUOperation(operation="add", avu=iRODSMeta("mtu", "1600")))
    client.remove(f"{home}/plain")
    if without == 1:
        assert servers.client(0).ready(near).values["host.mtu"] == "1600"


@pytest.mark.parametrize("name", ["near", "far"])
def test_what_users_write_at_the_place_of_a_ready_ova_stays(servers: Servers, name: str) -> None:
    client = servers.client()
    component = f"{servers.home}/grid/{name}"
    ready, image = f"{component}/{name}.ova", f"{servers.home}/images/{name}.ova"
    resource = {"near": "demoResc", "far": "consumer1Resc"}[name]
    client.make(component)
    servers.put(client, ready, b"mine", resource)
    client.set(component, "ova_url", image)
    assert "not made by the server" in client.facts(component)["ova::message"]
    assert client.get(ready) == b"mine"  # nothing was ever made there
    client.unlink(ready)
    client.set(component, "hostname", "sg1")
    assert client.ready(component).values["host.hostname"] == "sg1"
    client.metadata(component).remove("ova_url", image)
    servers.put(client, ready, b"mine again", resource)
    client.set(component, "ova_url", image)
    assert "not made by the server" in client.facts(component)["ova::message"]
    assert client.session.data_objects.get(ready).size == len(b"mine again")
