"""The servers of a zone as a whole: what a consumer has of its own, what it shares; clients that follow redirects."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from irods_zone.config import ServerOptions
from irods_zone.pytest_plugin import EmbeddedZone
from irods_zone.server import Server
from tests.server.several.conftest import Watched
from tests.support import children_of, wait_until

Servers = tuple[Watched, Watched]
HOME = "/tempZone/home/alice"


def test_a_consumer_has_its_own_vault_and_environment_and_the_provider_s_catalog(servers: Servers) -> None:
    provider, consumer = servers
    environment = json.loads(consumer.zone.environment.read_text())
    assert (environment["irods_host"], environment["irods_port"]) == ("127.0.0.3", provider.zone.port)
    assert environment["irods_default_resource"] == "consumerResc"
    assert not (consumer.zone.root / "catalog.sqlite").exists()
    resources = consumer.session("rods").resources
    assert resources.get("consumerResc").location == "127.0.0.3"
    assert resources.get("demoResc").location == "127.0.0.2"


def test_a_new_object_goes_into_the_connected_server_s_vault_and_is_seen_through_both(servers: Servers) -> None:
    provider, consumer = servers
    with consumer.session().data_objects.open(f"{HOME}/o", "w") as file:
        file.write(b"text")
    assert (consumer.zone.vault / "home/alice/o").read_bytes() == b"text"
    with provider.session().data_objects.open(f"{HOME}/o", "r") as file:
        assert file.read() == b"text"


def test_a_replica_is_made_in_the_other_server_s_vault(servers: Servers) -> None:
    provider, consumer = servers
    session = provider.session()
    with session.data_objects.open(f"{HOME}/o", "w") as file:
        file.write(b"text")
    session.data_objects.replicate(f"{HOME}/o", "consumerResc")
    assert (consumer.zone.vault / "home/alice/o").read_bytes() == b"text"
    assert [replica.status for replica in session.data_objects.get(f"{HOME}/o").replicas] == ["1", "1"]


def test_a_client_that_follows_redirects_opens_on_the_vault_s_server(servers: Servers) -> None:
    provider, consumer = servers
    hook = "pep_api_data_obj_open_pre"
    with consumer.session().data_objects.open(f"{HOME}/o", "w") as file:
        file.write(b"text")
    consumer.notes()
    with provider.session().data_objects.open(f"{HOME}/o", "r", allow_redirect=True) as file:
        assert file.read() == b"text"
    assert provider.notes(hook) == []
    assert consumer.notes(hook) == [f"{hook} alice/alice"]


def test_only_the_provider_runs_delayed_rules(servers: Servers) -> None:
    provider, consumer = servers
    consumer.add_rules("""
def acPostProcForPut(rule_args, callback, rei):
    text = 'import pathlib; pathlib.Path("ran").write_text(callback.msi_get_hostname("")["arguments"][0])'
    callback.delayExec("<INST_NAME>irods_rule_engine_plugin-python-instance</INST_NAME>", text, "")
""")
    with consumer.session() as session:
        session.data_objects.open(f"{HOME}/o", "w").close()
    wait_until((provider.zone.root / "ran").exists)
    wait_until(lambda: not children_of(consumer.zone.pid))  # no delay server, once the agent has ended


def test_a_provider_that_starts_again_does_not_take_the_consumer_s_vault_for_its_own(servers: Servers) -> None:
    provider, consumer = servers
    provider.zone.stop()
    provider.zone.start()
    assert json.loads(provider.zone.environment.read_text())["irods_default_resource"] == "demoResc"
    with provider.session().data_objects.open(f"{HOME}/o", "w") as file:
        file.write(b"text")
    assert consumer.session().data_objects.get(f"{HOME}/o").replicas[0].resource_name == "demoResc"


def test_a_consumer_without_a_provider_does_not_start(tmp_path: Path) -> None:
    options = ServerOptions(tmp_path / "consumer", port=0, provider=tmp_path / "none")
    with pytest.raises(ValueError, match="no catalog service provider"):
        Server(options)


def test_a_host_without_a_server_of_its_own_is_the_provider(servers: Servers, tmp_path: Path) -> None:
    provider, consumer = servers
    vault = str(tmp_path / "elsewhere")
    provider.session("rods").resources.create("elsewhere", "unixfilesystem", host="elsewhere.example", path=vault)
    hook = "pep_resource_create_post"
    for server, users in ((provider, "alice/alice"), (consumer, "alice/rods")):
        with server.session().data_objects.open(f"{HOME}/{server.zone.host}", "w", destRescName="elsewhere") as file:
            file.write(b"text")
        assert provider.notes(hook) == [f"{hook} {users}"]
    assert consumer.notes(hook) == []


def test_a_zone_that_starts_again_on_another_address_has_its_vault_still(
    irods_zone_factory: Callable[..., EmbeddedZone],
) -> None:
    zone = irods_zone_factory()
    with zone.session().data_objects.open(f"{zone.home}/o", "w") as file:
        file.write(b"text")
    zone.stop()
    zone.host = "127.0.0.2"
    zone.start()
    with zone.session().data_objects.open(f"{zone.home}/o", "r") as file:
        assert file.read() == b"text"


def test_the_command_starts_a_consumer_on_the_provider_s_port(servers: Servers, tmp_path: Path) -> None:
    provider, _ = servers
    root, zone = tmp_path / "third", provider.zone.root
    options = ["--root", root, "--host", "127.0.0.4", "--provider", zone, "--resource", f"thirdResc:{root / 'vault'}"]
    command = [sys.executable, "-m", "irods_zone.cli", *map(str, options)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == f"irods-zone listening on 127.0.0.4 {provider.zone.port}\n"
        with provider.session().data_objects.open(f"{HOME}/o", "w", destRescName="thirdResc") as file:
            file.write(b"text")
        process.terminate()
    assert (root / "vault/home/alice/o").read_bytes() == b"text"
