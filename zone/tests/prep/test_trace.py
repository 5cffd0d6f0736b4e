"""The trace: what rules did, for which user, and how many pages their queries took."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from irods_zone.pytest_plugin import EmbeddedZone
from irods_zone.trace import CALL, HOOK, QUERY, RULE, read
from tests.support import make_user, wait_until

RULES = """
import genquery

def acPostProcForModifyAVUMetadata(rule_args, callback, rei):
    if rule_args[3] != "mark":
        return
    path = rule_args[2]
    rows = list(genquery.Query(callback, ["TOKEN_ID", "count(TOKEN_NAME)"], "TOKEN_NAME like '%'"))
    genquery.Query(callback, "COLL_NAME", f"COLL_NAME = '{path}' AND COLL_OWNER_NAME = 'rods'").first()
    callback.msiModAVUMetadata("-C", path, "set", "seen", str(len(rows)), "")
    callback.delayExec(
        "<INST_NAME>irods_rule_engine_plugin-python-instance</INST_NAME><PLUSET>0s</PLUSET>",
        "callback.writeLine('serverLog', 'the job ran')", "")

def pep_api_data_obj_unlink_pre(rule_args, callback, rei):
    callback.msiExit("-818000", "no")
"""


@pytest.fixture
def zone(irods_zone_factory: Callable[..., EmbeddedZone]) -> EmbeddedZone:
    return irods_zone_factory(RULES, trace=True)


def test_hooks_calls_and_queries_are_noted(zone: EmbeddedZone) -> None:
    session = zone.session()
    session.collections.get(zone.home).metadata.set("mark", "1")
    wait_until(lambda: any(event.job and event.kind == RULE for event in zone.trace()))  # its last line

    inside = [event for event in zone.trace() if not event.job]
    hook = "acPostProcForModifyAVUMetadata"
    assert [(event.kind, event.name, event.inside) for event in inside] == [
        (QUERY, "", hook),
        (QUERY, "", hook),
        (HOOK, hook, hook),  # of the AVU that the hook sets
        (CALL, "msiModAVUMetadata", hook),
        (CALL, "delayExec", hook),
        (HOOK, hook, ""),
    ]
    assert {(event.user, event.zone, event.api) for event in inside} == {("rods", "tempZone", "mod_avu_metadata")}
    assert len({event.pid for event in inside}) == 1
    tokens, own = inside[:2]
    assert tokens.text == "SELECT TOKEN_ID, count(TOKEN_NAME) WHERE TOKEN_NAME like '%'"
    assert own.text == f"SELECT COLL_NAME WHERE COLL_NAME = '{zone.home}' AND COLL_OWNER_NAME = 'rods'"
    assert (own.pages, own.rows) == (1, 1)
    assert inside[3].args[:4] == ("-C", zone.home, "set", "seen")
    assert inside[5].args[1:5] == ("-C", zone.home, "mark", "1")
    assert inside[5].ms >= inside[3].ms > 0

    job = [event for event in zone.trace() if event.job]
    assert [(event.kind, event.name, event.user) for event in job] == [
        (CALL, "writeLine", "rods"),
        (RULE, "expressionFcn", "rods"),
    ]
    assert job[0].pid != inside[0].pid


def test_pages_are_counted(irods_zone_factory: Callable[..., EmbeddedZone]) -> None:
    rules = "import genquery\ndef acPostProcForModifyAVUMetadata(rule_args, callback, rei):\n"
    rules += "    list(genquery.Query(callback, 'META_COLL_ATTR_NAME', \"META_COLL_ATTR_NAME like 'n%'\"))\n"
    zone = irods_zone_factory(rules, trace=True)
    with zone.session() as session:
        from irods.meta import AVUOperation, iRODSMeta

        many = [AVUOperation(operation="add", avu=iRODSMeta(f"n{number}", "1")) for number in range(600)]
        home = session.collections.get(zone.home)
        home.metadata.apply_atomic_operations(*many)
        home.metadata.set("n", "1")
    (query,) = (event for event in zone.trace() if event.kind == QUERY)
    assert (query.pages, query.rows) == (3, 601)


def test_refusals_have_their_code_and_users_their_name(zone: EmbeddedZone) -> None:
    make_user(zone.session(), "alice")
    client = zone.raw_client(option="irm", user="alice", password="apass")
    assert client.call(615, {"objPath": "/tempZone/home/alice/x"}).status == -818000
    client.close()

    refused = [event for event in zone.trace() if event.user == "alice"]
    assert [(event.kind, event.name, event.code) for event in refused] == [
        (CALL, "msiExit", -818000),
        (HOOK, "pep_api_data_obj_unlink_pre", -818000),
    ]
    assert refused[1].args[2] == "/tempZone/home/alice/x"


def test_lines_of_many_agents_stay_whole(zone: EmbeddedZone) -> None:
    sessions = [zone.session() for _ in range(4)]
    for number in range(5):
        for session in sessions:
            session.collections.get(zone.home).metadata.set("other", str(number))
    pids = [event.pid for event in zone.trace()]
    assert (len(pids), len(set(pids))) == (20, 4)


def test_without_a_trace_there_is_none(irods_zone: EmbeddedZone, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="trace=True"):
        irods_zone.trace()
    assert read(tmp_path / "nothing") == []
