"""Files in the vault of another server: descriptors, refusals, and a server that does not run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from irods import exception as failures

from tests.server.several.conftest import Watched
from tests.support import PASSWORD, children_of, is_alive, wait_until, write_file

PATH = "/tempZone/home/alice/o"
Servers = tuple[Watched, Watched]
SEES_THE_FILE = """
def pep_resource_open_post(rule_args, callback, rei):
    context = rule_args[1].map()
    target = os.readlink("/proc/self/fd/" + context["file_descriptor"])
    NOTES.with_name("seen").write_text(" ".join([target, context["logical_path"], context["resc_hier"]]))
"""
REFUSES = """
def pep_resource_open_pre(rule_args, callback, rei):
    callback.msiExit("-818000", "not from this vault")
"""


@pytest.fixture(autouse=True)
def stored(servers: Servers) -> None:
    """An object in the consumer's vault, written through the provider."""
    with servers[0].session().data_objects.open(PATH, "w", destRescName="consumerResc") as file:
        file.write(b"text")


def test_the_hook_s_descriptor_is_that_of_the_file_in_the_other_server_s_agent(servers: Servers) -> None:
    provider, consumer = servers
    consumer.add_rules(SEES_THE_FILE)
    with provider.session().data_objects.open(PATH, "r") as file:
        assert file.read() == b"text"
    expected = f"{consumer.zone.vault / 'home/alice/o'} {PATH} consumerResc"
    assert consumer.core.with_name("seen").read_text() == expected


def test_the_other_server_keeps_the_file_open_until_it_is_closed(servers: Servers) -> None:
    provider, consumer = servers
    hook = "pep_api_file_close_post"
    session = provider.session()
    consumer.notes()
    file = session.data_objects.open(PATH, "r")
    assert consumer.notes(hook) == []
    file.close()
    assert consumer.notes(hook) == [f"{hook} alice/rods"]


@pytest.mark.parametrize("mode", ["r", "r+"])
def test_a_refusal_by_the_other_server_refuses_the_client(servers: Servers, mode: str) -> None:
    provider, consumer = servers
    consumer.add_rules(REFUSES)
    with pytest.raises(failures.CAT_NO_ACCESS_PERMISSION):
        provider.session().data_objects.open(PATH, mode)
    assert provider.session("rods").data_objects.get(PATH).replicas[0].status == "1"


def test_the_code_of_a_refusal_reaches_the_client_without_its_text(servers: Servers) -> None:
    provider, consumer = servers
    consumer.add_rules(REFUSES)
    answer = provider.zone.raw_client(user="alice", password=PASSWORD).call(602, {"objPath": PATH, "openFlags": 0})
    assert (answer.status, answer.errors) == (-818000, [])


def _open(server: Watched) -> object:
    return server.session().data_objects.open(PATH, "r").read()


def _create(server: Watched) -> None:
    server.session().data_objects.create(f"{PATH}2", "consumerResc")


def _unlink(server: Watched) -> None:
    server.session().data_objects.unlink(PATH, force=True)


def _trash(server: Watched) -> None:
    server.session().data_objects.unlink(PATH)


@pytest.mark.parametrize("action", [_open, _create, _unlink, _trash])
def test_nothing_goes_while_the_vault_s_server_does_not_run(
    servers: Servers, action: Callable[[Watched], object]
) -> None:
    provider, consumer = servers
    consumer.zone.stop()
    with pytest.raises(failures.iRODSException) as refusal:
        action(provider)
    assert refusal.value.code == -305111
    assert _exists(provider, PATH)
    assert not _exists(provider, f"{PATH}2")
    consumer.zone.start()
    action(provider)


def test_an_agent_reaches_a_server_that_was_killed_and_started_again(servers: Servers) -> None:
    provider, consumer = servers
    session = provider.session()
    file = session.data_objects.open(PATH, "r")
    agents = children_of(consumer.zone.pid)
    consumer.zone.kill()
    wait_until(lambda: not any(is_alive(agent) for agent in agents))
    assert file.read() == b"text"
    file.close()
    with pytest.raises(failures.iRODSException) as refusal:
        session.data_objects.open(PATH, "r")
    assert refusal.value.code == -305111
    consumer.zone.start()
    with session.data_objects.open(PATH, "r") as again:
        assert again.read() == b"text"


def test_a_rule_on_the_provider_writes_into_the_consumer_s_vault(servers: Servers) -> None:
    provider, consumer = servers
    provider.add_rules("""
def acPostProcForModifyAVUMetadata(rule_args, callback, rei):
    made = callback.msiDataObjCreate("/tempZone/home/alice/made", "destRescName=consumerResc", 0)["arguments"][2]
    callback.msiDataObjWrite(made, "by a rule", 0)
    callback.msiDataObjClose(made, 0)
    callback.msiDataObjRename("/tempZone/home/alice/made", "/tempZone/home/alice/named", "0", 0)
""")
    consumer.session().data_objects.get(PATH).metadata.add("a", "1")
    assert (consumer.zone.vault / "home/alice/named").read_bytes() == b"by a rule"


def _exists(server: Watched, path: str) -> bool:
    exists: bool = server.session().data_objects.exists(path)
    return exists


def test_the_other_server_sees_the_server_s_address_and_the_client_s_program(servers: Servers) -> None:
    provider, consumer = servers
    consumer.add_rules("""
def pep_resource_open_pre(rule_args, callback, rei):
    context = rule_args[1].map()
    NOTES.with_name("seen").write_text(context["client_addr"] + " " + context["option"])
""")
    provider.session(application_name="a-program").data_objects.open(PATH, "r").close()
    assert consumer.core.with_name("seen").read_text() == "127.0.0.2 a-program"


def test_a_parallel_transfer_opens_the_file_on_the_vault_s_server_each_time(servers: Servers, tmp_path: Path) -> None:
    provider, consumer = servers
    hook = "pep_resource_open_pre"
    big = write_file(tmp_path / "big", 40 << 20)
    session = provider.session()
    session.data_objects.put(str(big), f"{PATH}2", destRescName="consumerResc")
    assert (consumer.zone.vault / "home/alice/o2").read_bytes() == big.read_bytes()
    consumer.notes()
    session.data_objects.get(f"{PATH}2", str(tmp_path / "copy"))
    assert (tmp_path / "copy").read_bytes() == big.read_bytes()
    seen = consumer.notes(hook)
    assert len(seen) > 1
    assert set(seen) == {f"{hook} alice/rods"}
    assert provider.notes(hook) == []
