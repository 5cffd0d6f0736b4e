"""Runs rule text: of clients (API 625, `irule`) and of delayed jobs, on the engine that its instance name selects.

Every user may run the rule language, only administrators Python text, as on a real server. A job's text was checked
when it was queued.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from irods_zone.errors import (
    RE_PARSER_ERROR,
    RULE_ENGINE_ERROR,
    SYS_INVALID_INPUT_PARAM,
    IrodsError,
)
from irods_zone.prep import delay, interpreter, language, microservices
from irods_zone.prep.engine import INSTANCE as PYTHON_INSTANCE
from irods_zone.prep.engine import PythonPolicy
from irods_zone.session import Session

LANGUAGE_INSTANCE = "irods_rule_engine_plugin-irods_rule_language-instance"
INSTANCES = (PYTHON_INSTANCE, LANGUAGE_INSTANCE)
OUTPUT_LABEL = "ruleExecOut"
OUTPUT_TYPE = "ExecCmdOut_PI"

# A real server's output buffer has this much room after the text, and grows by as much.
_ROOM = 5 * 1088

_SIMPLE = {"STR_PI": "myStr", "INT_PI": "myInt", "DOUBLE_PI": "myDouble"}


def execute(session: Session, record: Mapping[str, Any]) -> dict[str, Any]:
    """Serve an ExecMyRuleInp record and return the MsParamArray record. Raises the IrodsError of a failed rule."""
    keywords: Mapping[str, str] = record.get("KeyValPair_PI") or {}
    if "available" in keywords:
        session.error_stack.append((0, "".join(["Available rule engine plugin instances:\n", *_listed()])))
        return {"paramLen": 0, "oprType": 0, "MsParam_PI": []}
    text, instance = record["myRule"], keywords.get("instance_name", "")
    output_labels = str(record.get("outParamDesc") or "")
    variables = _variables(record.get("MsParamArray_PI"))
    session.rule_stdout.clear()
    session.rule_stderr.clear()
    if instance and instance not in INSTANCES:
        raise IrodsError(SYS_INVALID_INPUT_PARAM, f"there is no rule engine {instance}")
    # Without an instance the engines are tried in turn: Python takes what irule reads from files, the other the rest.
    has_python = isinstance(session.policy, PythonPolicy)
    python = instance == PYTHON_INSTANCE or (not instance and has_python and text.startswith("@external\n"))
    try:
        if python:
            _python(session).run_external(text, variables)
        else:
            variables = {label: _typed(value) for label, value in variables.items()}
            _run_language(session, text, variables, statements=False)
    except IrodsError:
        if instance:
            raise
        # The last engine reports no error, so the client gets none.
        session.error_stack.clear()
    output = _outputs(session, variables, output_labels, always=python or (not instance and has_python))
    if isinstance(record, dict):
        record["MsParamArray_PI"] = output  # later rules see the outputs in the request's own array
    return output


def run_delayed(session: Session, text: str, instance: str) -> int:
    """Run a job's text. Returns the rule's code."""
    if instance == PYTHON_INSTANCE or (not instance and not _is_language(text)):
        return _python(session).run_expression(text)
    _run_language(session, text, {})
    return 0


def _listed() -> list[str]:
    return [f"\t{name}\n" for name in INSTANCES]


def _python(session: Session) -> PythonPolicy:
    if isinstance(session.policy, PythonPolicy):
        return session.policy
    raise IrodsError(RULE_ENGINE_ERROR, "this zone runs without a rule file, so it has no Python rule engine")


def _is_language(text: str) -> bool:
    try:
        language.parse(text)
    except IrodsError:
        return False
    return True


def _run_language(session: Session, text: str, variables: dict[str, Any], *, statements: bool = True) -> None:
    """Run rules; `statements` without a rule around them are for delayed text only."""

    def enqueue(condition: str, job: str) -> None:
        delay.enqueue(session, condition, job)

    scope = interpreter.Scope(
        call=lambda name, values: _call(session, name, values),
        delay=enqueue,
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


def _variables(given: Mapping[str, Any] | None) -> dict[str, Any]:
    variables: dict[str, Any] = {}
    for parameter in (given or {}).get("MsParam_PI") or []:
        member, content = _SIMPLE.get(parameter.get("type") or ""), parameter.get("inOutStruct")
        label = parameter.get("label") or ""
        variables[label] = content.get(member) if member and isinstance(content, Mapping) else content
    return variables


def _typed(value: Any) -> Any:
    """A variable for the rule language. Clients send it as typed: a quoted text, a number, or bare text.

    (Python text gets it unchanged, with quotes.)
    """
    if isinstance(value, str) and len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1]
    if isinstance(value, str) and value.isdigit():
        return int(value)
    return value


def _outputs(session: Session, variables: dict[str, Any], output_labels: str, *, always: bool) -> dict[str, Any]:
    """The parameters that the client requested, by labels joined with %; ALL means all of them."""
    labels = output_labels.split("%")
    parameters = []
    for label, value in variables.items():
        if label in labels or output_labels == "ALL":
            parameters.append(_parameter(label, value))
    written = session.rule_stdout or session.rule_stderr or always
    if written and (OUTPUT_LABEL in labels or output_labels == "ALL"):
        parameters.append(
            {
                "label": OUTPUT_LABEL,
                "type": OUTPUT_TYPE,
                "inOutStruct": {
                    "BinBytesBuf_PI": _buffer(session.rule_stdout),
                    "BinBytesBuf_PI_2": _buffer(session.rule_stderr),
                    "status": 0,
                },
                "BinBytesBuf_PI": None,
            }
        )
    return {"paramLen": len(parameters), "oprType": 0, "MsParam_PI": parameters}


def _parameter(label: str, value: Any) -> dict[str, Any]:
    content: dict[str, Any]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        kind, content = "STR_PI", {"myStr": "" if value is None else str(value)}
    elif isinstance(value, int):
        kind, content = "INT_PI", {"myInt": value}
    else:
        kind, content = "DOUBLE_PI", {"myDouble": int(value)}
    return {"label": label, "type": kind, "inOutStruct": content, "BinBytesBuf_PI": None}


def _buffer(pieces: list[str]) -> dict[str, Any]:
    """The written text, in a buffer as large as that of a real server."""
    size, length = 0, 0
    for piece in pieces:
        added = len(piece.encode())
        if not size or length + added >= size:
            size = length + added + 1 + _ROOM
        length += added
    return {"buflen": size, "buf": "".join(pieces).encode().ljust(size, b"\0")}
