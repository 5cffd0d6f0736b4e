"""The emulated rule engine of the rule language: runs its text in this agent, or on another server of the zone.

Rules of core and microservices are called by name, as from Python.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from irods_zone.errors import RE_PARSER_ERROR, SYS_INVALID_SERVER_HOST, SYS_NO_API_PRIV, IrodsError
from irods_zone.operations import servers
from irods_zone.prep import delay, interpreter, microservices
from irods_zone.prep.engine import INSTANCE as PYTHON_INSTANCE
from irods_zone.prep.engine import PythonPolicy
from irods_zone.prep.microservices.table import Parameter, microservice
from irods_zone.prep.parameters import array_of, parameter, variables_of
from irods_zone.session import Session

INSTANCE = "irods_rule_engine_plugin-irods_rule_language-instance"

# The name of the rule in which text goes to another server, and the bytes that a request has for it.
_REMOTE = "remExec"
_REMOTE_ROOM = 20480


def run(session: Session, text: str, variables: dict[str, Any], *, statements: bool = True) -> None:
    """Run rules; `statements` without a rule around them are for delayed text only."""

    def enqueue(condition: str, job: str) -> None:
        delay.enqueue(session, condition, job)

    scope = interpreter.Scope(
        call=lambda name, values: _call(session, name, values),
        delay=enqueue,
        remote=lambda host, condition, job, given: run_at(session, host, condition, job, given),
        session={
            "$userNameClient": session.client.name,
            "$rodsZoneClient": session.client.zone,
            "$userNameProxy": session.proxy.name,
            "$rodsZoneProxy": session.proxy.zone,
        },
        variables=variables,
    )
    try:
        interpreter.run(text, scope, statements=statements)
    except IrodsError as error:
        message = error.message if error.code == RE_PARSER_ERROR else ""
        session.error_stack.append((error.code, f"DEBUG: {message}\n"))
        raise


def _call(session: Session, name: str, values: list[Any]) -> list[Any]:
    """Call a rule of core or a microservice as the rule language does: any output can be returned in a variable."""
    policy = session.policy
    if isinstance(policy, PythonPolicy) and policy.knows(name):
        arguments = ["" if value is None else str(value) for value in values]
        policy.call(name, arguments)
        return list(arguments)
    service, parameters = microservices.prepare(session, name, values)
    service(session, parameters)
    return [parameter.value for parameter in parameters]


def is_from_server(text: str) -> bool:
    """Whether rule text is what another server sends for `run_at`."""
    return text.startswith(_REMOTE + "{")


def run_at(session: Session, host: str, condition: str, text: str, variables: Mapping[str, Any]) -> dict[str, Any]:
    """Run text on a server of the zone, for this client; returns its variables. On this server it runs in this agent.

    Errors: SYS_INVALID_SERVER_HOST, SYS_NO_API_PRIV (the Python engine), RE_PARSER_ERROR (also if the text is too
    long), those of a call to another server. Texts for the client's terminal do not come back.
    """
    instance = delay.parse_condition(condition, time.time()).instance
    if instance == PYTHON_INSTANCE:
        raise IrodsError(SYS_NO_API_PRIV, "Python text does not run on other servers")
    rule = f"{_REMOTE}{{{text}}}"
    if len(rule.encode("utf-8", "surrogateescape")) >= _REMOTE_ROOM:
        raise IrodsError(RE_PARSER_ERROR, f"a rule text of {len(rule)} characters")
    if host in (session.config.host, "localhost"):
        known = dict(variables)
        run(session, rule, known)
        return known
    if not servers.is_known(session.config, host):
        raise IrodsError(SYS_INVALID_SERVER_HOST, f"{host!r} is no server of this zone")
    record = {
        "myRule": rule,
        "RHostAddr_PI": {"hostAddr": host, "rodsZone": session.config.zone_name, "port": 0, "dummyInt": 0},
        "KeyValPair_PI": {**({"instance_name": instance} if instance else {}), "execCondition": condition},
        "outParamDesc": "ALL",
        "MsParamArray_PI": array_of([parameter(label, value) for label, value in variables.items()]),
    }
    known_errors = len(session.error_stack)
    try:
        answer = servers.call(session, host, 625, "ExecMyRuleInp_PI", record, "MsParamArray_PI")
    finally:
        del session.error_stack[known_errors:]
    return {label: value for label, value in variables_of(answer.output).items() if label.startswith("*")}


@microservice("remoteExec", 4)
def remote_exec(session: Session, args: Sequence[Parameter]) -> None:
    """(host, condition with INST_NAME, text, recovery ""); variables *ARG0 … *ARG3 of the text are the outputs."""
    host, condition, text, recovery = (arg.text() for arg in args)
    if recovery:
        raise IrodsError(RE_PARSER_ERROR, "a recovery is not read")
    found = run_at(session, host, condition, text, {})
    for index, arg in enumerate(args):
        value = found.get(f"*ARG{index}")
        if value is not None:
            arg.set(str(value))
