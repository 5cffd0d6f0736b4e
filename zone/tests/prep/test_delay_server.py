"""The delay queue on a running zone: as which user a job runs, when it runs again, and what survives."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from irods_zone.pytest_plugin import EmbeddedZone
from tests.support import wait_until

PYTHON = "<INST_NAME>irods_rule_engine_plugin-python-instance</INST_NAME>"

# A job writes its result into an AVU of its user's home, as that user; `queue` queues the text of an AVU.
CORE = """
def acPostProcForModifyAVUMetadata(rule_args, callback, rei):
    if rule_args[0] == "set" and rule_args[3].startswith("queue"):
        home = "/tempZone/home/" + str(rei.uoic.userName)
        condition, text = rule_args[4].split("|", 1)
        callback.delayExec(condition, text.replace("HOME", home), "")
def report(callback, home, attribute, value):
    callback.msiModAVUMetadata("-C", home, "set", attribute, value, "")
"""
REPORT = "import core\ncore.report(callback, 'HOME', 'ran', str(rei.uoic.userName) + ' ' + str(rei.uoip.userName))"


@pytest.fixture
def zone(irods_zone_factory: Callable[..., EmbeddedZone]) -> EmbeddedZone:
    made = irods_zone_factory(CORE)
    with made.session() as session:
        session.users.create("alice", "rodsuser").modify("password", "secret")
    return made


wait_for = partial(wait_until, seconds=15)


def avu(session: Any, home: str, name: str) -> str | None:
    values = [each.value for each in session.collections.get(home).metadata.items() if each.name == name]
    return values[0] if values else None


def jobs(zone: EmbeddedZone) -> list[list[str]]:
    """What iqstat shows: id, text, frequency."""
    client = zone.raw_client(option="iqstat")
    asked = {"maxRows": 50, "InxIvalPair_PI": [(1000, 0), (1001, 0), (1006, 0)], "InxValPair_PI": []}
    reply = client.call(702, asked)
    client.close()
    columns = [slot["value"] for slot in reply.output["SqlResult_PI"][:3]]
    return [list(row) for row in zip(*columns)]


def queue(session: Any, home: str, condition: str, text: str) -> None:
    from irods.meta import iRODSMeta

    session.collections.get(home).metadata.set(iRODSMeta("queue", f"{condition}|{text}"))


def test_an_ordinary_users_job_runs_as_that_user_and_leaves_the_queue(zone: EmbeddedZone) -> None:
    session, home = zone.session("alice", "secret"), "/tempZone/home/alice"
    queue(session, home, f"{PYTHON}<PLUSET>0s</PLUSET>", REPORT)
    assert wait_for(lambda: avu(session, home, "ran")) == "alice alice"
    wait_for(lambda: not jobs(zone))


def test_a_job_waits_for_its_time(zone: EmbeddedZone) -> None:
    session = zone.session()
    queue(session, zone.home, f"{PYTHON}<PLUSET>1h</PLUSET>", REPORT)
    queue(session, zone.home, f"{PYTHON}<PLUSET>0s</PLUSET>", REPORT.replace("'ran'", "'second'"))
    assert wait_for(lambda: avu(session, zone.home, "second"))
    assert avu(session, zone.home, "ran") is None
    wait_for(lambda: len(jobs(zone)) == 1)


def test_a_job_that_fails_is_logged_and_gone_unless_its_ef_says_otherwise(zone: EmbeddedZone) -> None:
    session = zone.session()
    queue(session, zone.home, PYTHON, "1 / 0")
    wait_for(lambda: "ZeroDivisionError" in zone.log_text())
    wait_for(lambda: not jobs(zone))
    queue(session, zone.home, f"{PYTHON}<EF>1h REPEAT UNTIL SUCCESS OR 5 TIMES</EF>", "raise ValueError")
    wait_for(lambda: [frequency for _, _, frequency in jobs(zone) if "4 TIMES" in frequency])


def test_a_job_repeats_until_it_succeeds(zone: EmbeddedZone, tmp_path: Path) -> None:
    session = zone.session()
    log = tmp_path / "runs"
    text = f"with open({str(log)!r}, 'a') as f: f.write('x')\nif len(open({str(log)!r}).read()) < 3: raise ValueError"
    queue(session, zone.home, f"{PYTHON}<EF>0s REPEAT UNTIL SUCCESS</EF>", text)
    wait_for(lambda: log.exists() and len(log.read_text()) >= 3)
    wait_for(lambda: not jobs(zone))
    assert log.read_text() == "xxx"


def test_a_repetition_without_sense_ends_its_job_and_harms_no_other(zone: EmbeddedZone, tmp_path: Path) -> None:
    session = zone.session()
    log = tmp_path / "runs"
    text = f"with open({str(log)!r}, 'a') as f: f.write('x')\nif len(open({str(log)!r}).read()) < 3: raise ValueError"
    queue(session, zone.home, f"{PYTHON}<EF>1s REPEAT UNTIL tomorrow</EF>", REPORT)
    queue(session, zone.home, f"{PYTHON}<EF>0s REPEAT UNTIL SUCCESS</EF>", text)
    wait_for(lambda: not jobs(zone))
    assert log.read_text() == "xxx"
    assert "does not run again" in zone.log_text()


def test_the_queue_shows_when_a_job_runs_and_when_it_ran_last(zone: EmbeddedZone) -> None:
    from irods.models import RuleExec

    def columns() -> list[tuple[Any, ...]]:
        found = session.query(RuleExec.time, RuleExec.last_exe_time, RuleExec.frequency, RuleExec.priority)
        return [tuple(row.values()) for row in found]

    session = zone.session()
    queue(session, zone.home, f"{PYTHON}<EF>1h REPEAT FOR EVER</EF><PRIORITY>7</PRIORITY>", "raise ValueError")
    wait_for(lambda: columns() and columns()[0][1])
    ((due, ran, frequency, priority),) = columns()
    assert 3599 <= (due - ran).total_seconds() <= 3601
    assert (frequency, priority) == ("1h REPEAT FOR EVER", "7")
    client = zone.raw_client(option="iquest")
    asked = {"maxRows": 9, "InxIvalPair_PI": [(1005, 1), (1010, 1), (1011, 1), (1002, 1)], "InxValPair_PI": []}
    columns_of = client.call(702, asked).output["SqlResult_PI"]
    client.close()
    shown = [slot["value"][0] for slot in columns_of[:4]]
    # A real server writes these times without a leading zero, and does not record whether the job failed.
    assert [len(text) for text in shown[:2]] == [10, 10]
    assert shown[2:] == ["", "EMPTY_REI_PATH"]


def test_jobs_survive_a_killed_zone_even_one_that_was_running(zone: EmbeddedZone, tmp_path: Path) -> None:
    session = zone.session()
    mark = tmp_path / "started"
    text = (
        f"import pathlib, time\np = pathlib.Path({str(mark)!r})\nfirst = not p.exists()\np.touch()\n"
        f"while first: time.sleep(0.1)\n{REPORT}"
    )
    queue(session, zone.home, PYTHON, text)
    wait_for(mark.exists)
    zone.kill()
    zone.start()
    again = zone.session()
    assert wait_for(lambda: avu(again, zone.home, "ran")) == "rods rods"


def test_a_job_that_crashes_its_process_harms_no_other(zone: EmbeddedZone) -> None:
    session = zone.session()
    queue(session, zone.home, PYTHON, "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)")
    queue(session, zone.home, PYTHON, REPORT)
    assert wait_for(lambda: avu(session, zone.home, "ran"))
    wait_for(lambda: "killed by signal 11" in zone.log_text())


def test_a_jobs_text_has_a_limit(zone: EmbeddedZone) -> None:
    client = zone.raw_client(option="irule")
    text = "@external\ndef main(a, callback, r): callback.delayExec('<PLUSET>1s</PLUSET>', 'x' * 2701, '')"
    keywords = {"instance_name": "irods_rule_engine_plugin-python-instance"}
    reply = client.call(625, {"myRule": text, "KeyValPair_PI": keywords, "outParamDesc": "ruleExecOut"})
    client.close()
    assert reply.status < 0
    assert reply.errors == ["DEBUG: \n"]
    assert jobs(zone) == []


GATE = """
def pep_api_exec_my_rule_pre(rule_args, callback, rei):
    if "python-instance" in rule_args[2]["myRule"] and rei.uoic.authInfo.authFlag < 5:
        callback.msiExit("-830000", "no Python for " + str(rei.uoic.userName))
"""


def test_any_user_can_queue_python_through_the_rule_language_unless_a_gate_refuses(
    irods_zone_factory: Callable[..., EmbeddedZone], tmp_path: Path
) -> None:
    text = f"@external rule {{ delayExec('{PYTHON}', \"open('{tmp_path}/ran', 'w')\", '') }}"
    keywords = {"instance_name": "irods_rule_engine_plugin-irods_rule_language-instance"}
    for rules, status, errors in (("x = 1\n", 0, []), (GATE, -830000, ["no Python for alice\n"])):
        zone = irods_zone_factory(rules)
        with zone.session() as session:
            session.users.create("alice", "rodsuser").modify("password", "secret")
        alice = zone.raw_client(option="irule", user="alice", password="secret")
        reply = alice.call(625, {"myRule": text, "KeyValPair_PI": keywords, "outParamDesc": "ruleExecOut"})
        alice.close()
        assert (reply.status, reply.errors) == (status, errors)
        if not status:
            wait_for((tmp_path / "ran").exists)
        else:
            assert jobs(zone) == []
