"""Rules sent by python-irodsclient, also on behalf of others, and rules that prevent removals.

The expected results were seen on iRODS 5.0.2; the refusals of removals are in its recordings.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from irods import exception as failures
from irods.rule import Rule
from irods.session import iRODSSession

from irods_zone.pytest_plugin import EmbeddedZone
from tests.support import wait_until

PYTHON = "irods_rule_engine_plugin-python-instance"
LANGUAGE = "irods_rule_engine_plugin-irods_rule_language-instance"
HELLO = "def main(rule_args, callback, rei):\n    callback.writeLine('stdout', 'hello')\n"


def run(session: iRODSSession, text: str, instance: str | None, *, as_file: bool = True) -> str:
    """What a rule wrote to stdout. As a file its text is sent as it is, as a body in `@external rule { … }`."""
    given: dict[str, Any] = {"rule_file": io.StringIO(text)} if as_file else {"body": text}
    answer = Rule(session, **given, output="ruleExecOut", params={}, instance_name=instance).execute()
    buffer = answer.MsParam_PI[0].inOutStruct.stdoutBuf
    return bytes(buffer.buf or b"").rstrip(b"\0").decode()


@pytest.fixture
def zone(irods_zone_factory: Callable[..., EmbeddedZone]) -> EmbeddedZone:
    return irods_zone_factory("# no rules\n")


def test_python_text_needs_a_main_and_the_form_of_a_file(zone: EmbeddedZone) -> None:
    session = zone.session()
    assert run(session, HELLO, PYTHON) == "hello\n"
    for text, as_file in ((HELLO, False), (HELLO.replace("main", "mine"), True), ("callback.x()", True)):
        with pytest.raises(failures.RULE_ENGINE_ERROR):
            run(session, text, PYTHON, as_file=as_file)


def test_the_rule_language_takes_a_rule_or_a_body(zone: EmbeddedZone) -> None:
    session = zone.session()
    assert run(session, 'x { writeLine("stdout", "hello"); }', LANGUAGE) == "hello\n"
    assert run(session, 'writeLine("stdout", "hello");', LANGUAGE, as_file=False) == "hello\n"
    with pytest.raises(failures.NO_MICROSERVICE_FOUND_ERR):
        run(session, "nosuch", LANGUAGE, as_file=False)


def test_without_an_instance_nothing_fails(zone: EmbeddedZone) -> None:
    session = zone.session()
    assert run(session, HELLO, None) == "hello\n"
    assert run(session, HELLO + "    raise ValueError\n", None) == "hello\n"
    assert run(session, 'writeLine("stdout", "hello");', None, as_file=False) == "hello\n"
    # Rule text from a file is Python's, and its failure ends the search for an engine.
    assert run(session, 'x { writeLine("stdout", "hello"); }', None) == ""
    assert run(session, "nosuch(1)", None, as_file=False) == ""
    with pytest.raises(failures.SYS_INVALID_INPUT_PARAM):
        run(session, HELLO, "nosuch")


WHO = """
def _both(rei):
    return [f"{user.userName}#{user.rodsZone} {user.authInfo.authFlag}" for user in (rei.uoic, rei.uoip)]
def acPostProcForModifyAVUMetadata(rule_args, callback, rei):
    import json
    if rule_args[3] == "ask":
        callback.msiModAVUMetadata("-C", rule_args[2], "set", "seen", json.dumps(_both(rei)), "")
        callback.delayExec("<INST_NAME>irods_rule_engine_plugin-python-instance</INST_NAME><PLUSET>0s</PLUSET>",
            f"import core, json\\ncallback.msiModAVUMetadata('-C', '{rule_args[2]}', 'set', 'job',"
            " json.dumps([*core._both(rei), str(rei.ruleName)]), '')", "")
"""


def test_rules_see_who_acts_and_who_signed_in(irods_zone_factory: Callable[..., EmbeddedZone]) -> None:
    zone = irods_zone_factory(WHO)
    zone.session().users.create("alice", "rodsuser")
    session = zone.session(client_user="alice", client_zone="tempZone")
    home = session.collections.get("/tempZone/home/alice")
    home.metadata.set("ask", "1")

    def seen(attribute: str) -> Any:
        found = [avu.value for avu in session.collections.get(home.path).metadata.items() if avu.name == attribute]
        return json.loads(found[0]) if found else None

    assert seen("seen") == ["alice#tempZone 3", "rods#tempZone 5"]
    wait_until(lambda: seen("job"))
    assert seen("job") == ["alice#tempZone 3", "rods#tempZone 5", "execMyRule"]


GUARD = """
def {hook}(rule_args, callback, rei):
    callback.msiExit("-818000", "kept")
"""


@pytest.mark.parametrize(
    ("hook", "kept"),
    [
        # The removal of a collection does not ask for permission to unlink its content …
        ("pep_api_data_obj_unlink_pre", {"o", "o in the trash"}),
        ("pep_api_rm_coll_pre", {"c", "c in the trash"}),
        ("acPreprocForRmColl", {"c", "c in the trash"}),
        # … but the policy of deletions is asked about every object.
        ("acDataDeletePolicy", {"o", "o in the trash", "c", "c in the trash"}),
    ],
)
def test_rules_keep_things_from_being_removed(
    irods_zone_factory: Callable[..., EmbeddedZone], hook: str, kept: set[str]
) -> None:
    zone = irods_zone_factory(GUARD.format(hook=hook))
    session = zone.session()
    ways: dict[str, Callable[[str], None]] = {
        "o": lambda path: session.data_objects.unlink(f"{path}/o", force=True),
        "o in the trash": lambda path: session.data_objects.unlink(f"{path}/o"),
        "c": lambda path: session.collections.remove(path, force=True),
        "c in the trash": lambda path: session.collections.remove(path, force=False),
    }
    found = set()
    for number, (way, remove) in enumerate(ways.items()):
        path = f"{zone.home}/c{number}"
        session.collections.create(path)
        with session.data_objects.open(f"{path}/o", "w") as stream:
            stream.write(b"1")
        try:
            remove(path)
        except (failures.CAT_NO_ACCESS_PERMISSION, failures.CAT_COLLECTION_NOT_EMPTY) as error:
            assert "kept" in str(error)
            found.add(way)
            assert session.data_objects.exists(f"{path}/o")
        else:
            assert not session.data_objects.exists(f"{path}/o")
    assert found == kept
