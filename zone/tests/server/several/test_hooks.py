"""Which server runs which hooks, and for whom, when a client works through the provider or through a consumer."""

from __future__ import annotations

import pytest
from irods import exception as failures
from irods.meta import AVUOperation, iRODSMeta
from irods.session import iRODSSession

from irods_zone.raw_client import RawClient
from tests.server.several.conftest import Watched
from tests.support import PASSWORD, wait_until

HOME = "/tempZone/home/alice"
Servers = tuple[Watched, Watched]
AVU_HOOKS = (
    "pep_api_mod_avu_metadata_pre", "acPreProcForModifyAVUMetadata", "acPostProcForModifyAVUMetadata",
    "pep_api_mod_avu_metadata_post",
)  # fmt: skip
ATOMIC_HOOKS = ("pep_api_atomic_apply_metadata_operations_pre", "pep_api_atomic_apply_metadata_operations_post")


def _for(client_and_proxy: str, *hooks: str) -> list[str]:
    return [f"{hook} {client_and_proxy}" for hook in hooks]


def _put(session: iRODSSession, path: str, resource: str) -> None:
    with session.data_objects.open(path, "w", destRescName=resource) as file:
        file.write(b"text")


def test_an_avu_through_the_provider_is_a_matter_of_the_provider_alone(servers: Servers) -> None:
    provider, consumer = servers
    provider.session().collections.get(HOME).metadata.set("a", "1")
    assert provider.notes(*AVU_HOOKS) == _for("alice/alice", *AVU_HOOKS)
    assert consumer.notes() == []


def test_an_avu_through_a_consumer_runs_its_api_hooks_there_and_all_of_them_on_the_provider(servers: Servers) -> None:
    provider, consumer = servers
    consumer.session().collections.get(HOME).metadata.set("a", "1")
    assert provider.notes() == _for("alice/rods", *AVU_HOOKS)
    assert consumer.notes(*AVU_HOOKS) == _for("alice/alice", AVU_HOOKS[0], AVU_HOOKS[3])
    assert provider.session().collections.get(HOME).metadata["a"].value == "1"


def test_atomic_avus_through_a_consumer_run_their_hooks_twice(servers: Servers) -> None:
    provider, consumer = servers
    metadata = consumer.session().collections.get(HOME).metadata
    metadata.apply_atomic_operations(AVUOperation("add", iRODSMeta("a", "1")))
    assert provider.notes() == _for("alice/rods", *ATOMIC_HOOKS)
    assert consumer.notes(*ATOMIC_HOOKS) == _for("alice/alice", *ATOMIC_HOOKS)


def test_the_provider_s_refusal_of_an_avu_reaches_the_consumer_s_client_without_its_text(servers: Servers) -> None:
    provider, consumer = servers
    provider.add_rules('def acPreProcForModifyAVUMetadata(a, callback, rei):\n    callback.msiExit("-818000", "no!")\n')
    client = RawClient(consumer.zone.host, consumer.zone.port, user="alice", password=PASSWORD)
    answer = client.call(706, {"arg0": "set", "arg1": "-C", "arg2": HOME, "arg3": "a", "arg4": "1"})
    assert (answer.status, answer.errors) == (-818000, [])


def test_an_unknown_entity_of_atomic_avus_is_named_through_a_consumer_too(servers: Servers) -> None:
    _, consumer = servers
    client = RawClient(consumer.zone.host, consumer.zone.port)
    request = b'{"entity_name": "/tempZone/none", "entity_type": "collection", "operations": []}\0'
    answer = client.call(20002, {"buflen": len(request), "buf": request})
    assert answer.status < 0
    assert b"error_message" in answer.output["buf"]


def test_a_consumer_s_agent_crashes_if_a_hook_of_the_provider_refuses_its_atomic_avus(servers: Servers) -> None:
    provider, consumer = servers
    provider.add_rules(f'def {ATOMIC_HOOKS[0]}(a, callback, rei):\n    callback.msiExit("-818000", "no!")\n')
    metadata = consumer.session().collections.get(HOME).metadata
    with pytest.raises(failures.NetworkException):
        metadata.apply_atomic_operations(AVUOperation("add", iRODSMeta("a", "1")))
    wait_until(lambda: "killed by signal 11" in consumer.zone.log_text())
    assert "a" not in provider.session().collections.get(HOME).metadata


@pytest.mark.parametrize("resource", ["demoResc", "consumerResc"])
@pytest.mark.parametrize("through", [0, 1], ids=["provider", "consumer"])
def test_a_write_runs_its_hooks_on_the_connected_server_whichever_vault_it_goes_to(
    servers: Servers, through: int, resource: str
) -> None:
    hooks = ("pep_api_data_obj_open_pre", "pep_resource_modified_post", "acPostProcForPut")
    _put(servers[through].session(), f"{HOME}/o", resource)
    assert servers[through].notes(*hooks) == _for("alice/alice", *hooks)
    assert servers[1 - through].notes(*hooks) == []


@pytest.mark.parametrize("resource", ["demoResc", "consumerResc"])
@pytest.mark.parametrize("through", [0, 1], ids=["provider", "consumer"])
@pytest.mark.parametrize("mode", ["r", "r+"])
def test_a_file_is_opened_on_the_server_of_its_vault(servers: Servers, through: int, resource: str, mode: str) -> None:
    hooks = ("pep_resource_open_pre", "pep_resource_open_post")
    session = servers[through].session()
    _put(session, f"{HOME}/o", resource)
    with session.data_objects.open(f"{HOME}/o", mode) as file:
        assert file.read() == b"text"
    home = 0 if resource == "demoResc" else 1
    assert servers[home].notes(*hooks) == _for("alice/alice" if home == through else "alice/rods", *hooks)
    assert servers[1 - home].notes(*hooks) == []


def test_collections_are_made_and_removed_on_the_provider(servers: Servers) -> None:
    provider, consumer = servers
    session = consumer.session()
    session.collections.create(f"{HOME}/c")
    assert provider.notes("pep_api_coll_create_pre") == ["pep_api_coll_create_pre alice/rods"]
    assert consumer.notes("pep_api_coll_create_pre", "acPreprocForCollCreate") == [
        "pep_api_coll_create_pre alice/alice"
    ]
    session.collections.remove(f"{HOME}/c", force=True)
    assert provider.notes("pep_api_rm_coll_pre") == ["pep_api_rm_coll_pre alice/rods"]
    assert not provider.session().collections.exists(f"{HOME}/c")


def test_a_rename_is_asked_about_on_both_and_done_on_the_provider(servers: Servers) -> None:
    provider, consumer = servers
    hooks = ("pep_api_data_obj_rename_pre", "acPostProcForObjRename")
    session = consumer.session()
    _put(session, f"{HOME}/o", "consumerResc")
    session.data_objects.move(f"{HOME}/o", f"{HOME}/p")
    assert provider.notes(*hooks) == _for("alice/rods", *hooks)
    assert consumer.notes(*hooks) == _for("alice/alice", hooks[0])
    assert (consumer.zone.vault / "home/alice/p").read_bytes() == b"text"


def test_a_removal_is_asked_about_on_the_connected_server_and_moved_into_the_trash_on_the_provider(
    servers: Servers,
) -> None:
    provider, consumer = servers
    hooks = ("pep_api_data_obj_unlink_pre", "acPostProcForObjRename")
    session = consumer.session()
    _put(session, f"{HOME}/o", "consumerResc")
    session.data_objects.unlink(f"{HOME}/o")
    assert provider.notes(*hooks) == _for("alice/rods", hooks[1])
    assert consumer.notes(*hooks) == _for("alice/alice", hooks[0])
    _put(session, f"{HOME}/o", "consumerResc")
    session.data_objects.unlink(f"{HOME}/o", force=True)
    assert provider.notes(*hooks) == []
    assert consumer.notes(*hooks) == _for("alice/alice", hooks[0])
