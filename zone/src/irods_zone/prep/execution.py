"""Runs rule text: of clients (API 625, `irule`) and of delayed jobs, on the engine that its instance name selects.

Every user may run the rule language, only administrators Python text, as on a real server. A job's text was checked
when it was queued.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from irods_zone.errors import (
    RULE_ENGINE_ERROR,
    SYS_INVALID_INPUT_PARAM,
    SYS_INVALID_OPR_TYPE,
    IrodsError,
)
from irods_zone.prep import language, language_engine
from irods_zone.prep.engine import INSTANCE as PYTHON_INSTANCE
from irods_zone.prep.engine import PythonPolicy, RuleRaisedError
from irods_zone.prep.parameters import array_of, parameter, variables_of
from irods_zone.session import Session

INSTANCES = (PYTHON_INSTANCE, language_engine.INSTANCE)
OUTPUT_LABEL = "ruleExecOut"
OUTPUT_TYPE = "ExecCmdOut_PI"

# A real server's output buffer has this much room after the text, and grows by as much.
_ROOM = 5 * 1088


def execute(session: Session, record: Mapping[str, Any]) -> dict[str, Any]:
    """Serve an ExecMyRuleInp record and return the MsParamArray record. Raises the IrodsError of a failed rule."""
    keywords: Mapping[str, str] = record.get("KeyValPair_PI") or {}
    if "available" in keywords:
        session.error_stack.append((0, "".join(["Available rule engine plugin instances:\n", *_listed()])))
        return array_of([])
    text, instance = record["myRule"], keywords.get("instance_name", "")
    output_labels = str(record.get("outParamDesc") or "")
    variables = variables_of(record.get("MsParamArray_PI"))
    session.rule_stdout.clear()
    session.rule_stderr.clear()
    if instance and instance not in INSTANCES:
        raise IrodsError(SYS_INVALID_INPUT_PARAM, f"there is no rule engine {instance}")
    # Without an instance the engines are tried in turn: Python takes what irule reads from files, the other the rest.
    has_python = isinstance(session.policy, PythonPolicy)
    from_server = language_engine.is_from_server(text)
    python = instance == PYTHON_INSTANCE or (not instance and has_python and text.startswith("@external\n"))
    try:
        if python:
            _python(session).run_external(text, variables)
        else:
            if not from_server:
                variables = {label: _typed(value) for label, value in variables.items()}
            language_engine.run(session, text, variables, statements=False)
    except IrodsError as error:
        if from_server and isinstance(error, RuleRaisedError) and error.code != RuleRaisedError.UNKNOWN:
            raise IrodsError(SYS_INVALID_OPR_TYPE, "applyRuleUpdateParams failed") from error
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
    language_engine.run(session, text, {})
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
            parameters.append(parameter(label, value))
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
    return array_of(parameters)


def _buffer(pieces: list[str]) -> dict[str, Any]:
    """The written text, in a buffer as large as that of a real server."""
    size, length = 0, 0
    for piece in pieces:
        added = len(piece.encode())
        if not size or length + added >= size:
            size = length + added + 1 + _ROOM
        length += added
    return {"buflen": size, "buf": "".join(pieces).encode().ljust(size, b"\0")}
