"""Only administrators run rule text, both by the API of irule and by that of the delay server (1206)."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from irods.exception import CAT_INSUFFICIENT_PRIVILEGE_LEVEL
from irods.rule import Rule
from irods_zone.protocol.packing import Packing
from irods_zone.raw_client import RawClient

from tests.acceptance.conftest import Site
from tests.acceptance.people import Person

REFUSED = -830000  # CAT_INSUFFICIENT_PRIVILEGE_LEVEL
NOT_SERVED = -12000  # SYS_UNMATCHED_API_NUM: the embedded zone
EXEC_RULE_EXPRESSION = 1206
PYTHON = "irods_rule_engine_plugin-python-instance"
LANGUAGE = "irods_rule_engine_plugin-irods_rule_language-instance"


@pytest.mark.parametrize(
    ("instance", "text"),
    [
        (PYTHON, "def main(rule_args, callback, rei):\n    pass\n"),
        (LANGUAGE, 'any { writeLine("serverLog", "ran"); }\n'),
        (LANGUAGE, f'any {{ delayExec("<INST_NAME>{PYTHON}</INST_NAME>", "pass", ""); }}\n'),
    ],
)
def test_a_users_rule_text_is_refused(person: Person, instance: str, text: str) -> None:
    rule = Rule(person.client.session, rule_file=io.StringIO(text), instance_name=instance)
    with pytest.raises(CAT_INSUFFICIENT_PRIVILEGE_LEVEL):
        rule.execute(session_cleanup=False, acceptable_errors=())


def test_an_administrators_rule_text_runs(site: Site) -> None:
    text = "def main(rule_args, callback, rei):\n    callback.writeLine('stdout', 'ran')\n"
    rule = Rule(site.session, rule_file=io.StringIO(text), output="ruleExecOut", instance_name=PYTHON)
    output: Any = rule.execute(session_cleanup=False, acceptable_errors=())
    assert output.MsParam_PI[0].inOutStruct.stdoutBuf.buf.startswith(b"ran\n")


@pytest.mark.parametrize("named", ["themselves", "the administrator"])
def test_a_user_cannot_run_a_rule_expression(site: Site, person: Person, named: str) -> None:
    """The request names the user that the text is to run as, and the server believes it."""
    environment = json.loads(site.environment.read_text())
    host, port = environment["irods_host"], environment["irods_port"]
    client = RawClient(host, port, Packing.NATIVE, user=person.name, signed_in=False)
    client.start()
    assert client.sign_in("secret") == 0
    user = person.name if named == "themselves" else site.session.username
    reply = client.request(EXEC_RULE_EXPRESSION, expression("raise SystemExit(1)", user, site.session.zone))
    client.drop()
    assert reply.int_info in (REFUSED, NOT_SERVED)


# ExecRuleExpression_PI in iRODS's native packing: integers of 4 bytes, texts that end in NUL.
NOTHING = b"%@#ANULLSTR$%\0"


def number(value: int) -> bytes:
    return value.to_bytes(4, "big", signed=True)


def text(value: str = "") -> bytes:
    return value.encode() + b"\0"


def buffer(data: bytes) -> bytes:
    return number(len(data)) + data


def user_info(name: str, zone: str) -> bytes:
    authentication = text("native") + number(5) + number(0) + number(0) + text() + text()
    return text(name) + text(zone) + text("rodsadmin") + number(0) + authentication + text() * 4


def expression(python: str, name: str, zone: str) -> bytes:
    """A request to run Python text as that user."""
    no_parameters = number(0) * 2 + NOTHING
    context = number(0) + text() + text() + NOTHING + text(PYTHON) + NOTHING + no_parameters + number(0)
    context += NOTHING * 2 + text() + user_info(name, zone) * 2 + NOTHING * 3 + text() + NOTHING
    no_arguments = number(0) + NOTHING
    return buffer(text(python)) + buffer(context + no_arguments) + no_parameters
