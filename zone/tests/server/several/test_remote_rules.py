"""Rules that run on another server: remoteExec from Python, `remote` from a client's rule text."""

from __future__ import annotations

import json

import pytest

from irods_zone.raw_client import Answer
from tests.server.several.conftest import Watched
from tests.support import PASSWORD, wait_until

Servers = tuple[Watched, Watched]
LANGUAGE = "<INST_NAME>irods_rule_engine_plugin-irods_rule_language-instance</INST_NAME>"
PYTHON = "<INST_NAME>irods_rule_engine_plugin-python-instance</INST_NAME>"

# A rule that runs the text in the AVU's value (host, condition, text, recovery as JSON) and keeps its answer.
ASKS = """
def acPostProcForModifyAVUMetadata(rule_args, callback, rei):
    try:
        answer = callback.remoteExec(*json.loads(pathlib.Path(rule_args[4]).read_text()))["arguments"][3]
    except RuntimeError as error:
        answer = str(error)
    NOTES.with_name("answer").write_text(answer)
"""
WORKS = """
def work(rule_args, callback, rei):
    client, proxy = rei.rsComm.clientUser.userName, rei.rsComm.proxyUser.userName
    rule_args[1] = f"done {rule_args[0]} for {client} by {proxy}"

def long(rule_args, callback, rei):
    rule_args[0] = "\\u00e9" * 100000

def refuses(rule_args, callback, rei):
    callback.msiExit("-818000", "a text")

def fails(rule_args, callback, rei):
    raise ValueError("a fault")

def pep_api_exec_my_rule_pre(rule_args, callback, rei):
    NOTES.with_name("request").write_text(json.dumps(dict(rule_args[2])))
"""


@pytest.fixture(autouse=True)
def rules(servers: Servers) -> None:
    for server in servers:
        server.add_rules(ASKS + WORKS)


def ask(server: Watched, text: str, host: str = "127.0.0.3", condition: str = LANGUAGE, recovery: str = "") -> str:
    """The answer that a rule on the server gets from a host, or its error."""
    question = server.core.with_name("question")
    question.write_text(json.dumps([host, condition, text, recovery]))
    server.session().collections.get("/tempZone/home/alice").metadata.set("question", str(question))
    return server.core.with_name("answer").read_text()


def code(answer: str) -> int:
    return int(answer.partition("Code:")[2].partition("]")[0])


def test_a_rule_runs_on_another_server_and_its_variable_comes_back(servers: Servers) -> None:
    provider, consumer = servers
    assert ask(provider, "*ARG3=''; work('x', *ARG3);") == "done x for alice by rods"
    request = json.loads(consumer.core.with_name("request").read_text())
    assert request["myRule"] == "remExec{*ARG3=''; work('x', *ARG3);}"
    assert request["addr_hostAddr"] == "127.0.0.3"
    assert request["instance_name"] == "irods_rule_engine_plugin-irods_rule_language-instance"
    assert request["execCondition"] == LANGUAGE


def test_on_the_server_itself_it_runs_without_a_hook(servers: Servers) -> None:
    provider, _ = servers
    assert ask(provider, "*ARG3=''; work('x', *ARG3);", "127.0.0.2") == "done x for alice by alice"
    assert not provider.core.with_name("request").exists()


def test_a_block_and_escapes_are_read(servers: Servers) -> None:
    assert ask(servers[0], r"{ *ARG3=''; work('\*a \$b \'c\' \\', *ARG3); }") == r"done *a $b 'c' \ for alice by rods"


def test_an_answer_may_be_long(servers: Servers) -> None:
    assert ask(servers[0], "*ARG3=''; long(*ARG3);") == "é" * 100_000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("refuses();", -35000),
        ("fails();", -1),
        (f"work('{'x' * 2000}', *ARG3);", -1201000),
        ("".join(f"work('{'x' * 900}', *ARG3);" for _ in range(30)), -1201000),
    ],
    ids=["msiExit", "exception", "long literal", "long text"],
)
def test_errors_come_back_as_codes(servers: Servers, text: str, expected: int) -> None:
    assert code(ask(servers[0], text)) == expected


def test_what_fits_goes(servers: Servers) -> None:
    text = "*ARG3='';" + "".join(f"work('{'x' * 900}', *ARG3);" for _ in range(22))
    assert ask(servers[0], text).startswith("done xxx")
    assert ask(servers[0], f"*ARG3=''; work('{'x' * 1000}', *ARG3);").startswith("done xxx")


def test_what_is_not_possible_is_refused(servers: Servers) -> None:
    provider, consumer = servers
    assert code(ask(provider, "fails();", recovery="nop")) == -1201000
    assert code(ask(provider, "fails();", condition=PYTHON)) == -13000
    assert code(ask(provider, "fails();", host="unknown.example")) == -21000
    consumer.zone.stop()
    assert code(ask(provider, "fails();")) == -305111


def test_the_text_of_a_failure_does_not_come_back(servers: Servers) -> None:
    provider, _ = servers
    question = provider.core.with_name("question")
    question.write_text(json.dumps(["127.0.0.3", LANGUAGE, "refuses();", ""]))
    record = {"arg0": "set", "arg1": "-C", "arg2": "/tempZone/home/rods", "arg3": "a", "arg4": str(question)}
    answer = provider.zone.raw_client().call(706, record)
    assert (answer.status, answer.errors) == (0, [])
    assert code(provider.core.with_name("answer").read_text()) == -35000


def test_a_rule_of_the_provider_changes_avus_on_a_consumer_through_the_provider(servers: Servers) -> None:
    provider, consumer = servers
    consumer.add_rules("""
def mark(rule_args, callback, rei):
    request = {"entity_name": "/tempZone/home/alice", "entity_type": "collection", "operations": [
        {"operation": "add", "attribute": "mark", "value": "1", "units": ""}]}
    callback.msi_atomic_apply_metadata_operations(json.dumps(request), "")
""")
    hook = "pep_api_atomic_apply_metadata_operations_pre"
    provider.notes()
    ask(provider, "mark();")
    assert provider.notes(hook) == [f"{hook} alice/rods"]
    assert consumer.notes(hook) == []
    assert provider.session().collections.get("/tempZone/home/alice").metadata["mark"].value == "1"


def test_a_refusal_of_that_by_the_provider_crashes_the_consumer_s_agent_and_the_caller_goes_on(
    servers: Servers,
) -> None:
    provider, consumer = servers
    consumer.add_rules("""
def mark(rule_args, callback, rei):
    callback.msi_atomic_apply_metadata_operations('{"entity_name": "/tempZone/home/alice"}', "")
""")
    provider.add_rules("""
def pep_api_atomic_apply_metadata_operations_pre(rule_args, callback, rei):
    callback.msiExit("-830000", "no")
""")
    assert code(ask(provider, "mark();")) == -4000
    wait_until(lambda: "killed by signal 11" in consumer.zone.log_text())


def _run(server: Watched, text: str) -> Answer:
    """Rule text of alice, as irule sends it; its variables come back."""
    client = server.zone.raw_client(user="alice", password=PASSWORD)
    keywords = {"instance_name": "irods_rule_engine_plugin-irods_rule_language-instance"}
    return client.call(
        625, {"myRule": f"@external rule {{ {text} }}", "KeyValPair_PI": keywords, "outParamDesc": "ALL"}
    )


def test_rule_text_of_an_ordinary_user_reaches_the_other_server_the_same_way(servers: Servers) -> None:
    provider, consumer = servers
    answer = _run(provider, '*back = ""; remote("127.0.0.3", "") { work("x", *back); }')
    found = {parameter["label"]: parameter["inOutStruct"] for parameter in answer.output["MsParam_PI"]}
    assert found == {"*back": {"myStr": "done x for alice by rods"}}
    request = json.loads(consumer.core.with_name("request").read_text())
    assert request["myRule"] == 'remExec{work("x", *back);}'


def test_a_failure_there_fails_the_rule_text_here(servers: Servers) -> None:
    assert _run(servers[0], f'remote("127.0.0.3", "{LANGUAGE}") {{ fails(); }}').status == -1
    assert _run(servers[0], f'remote("unknown.example", "{LANGUAGE}") {{ fails(); }}').status == -21000
