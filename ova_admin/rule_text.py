"""Runs Python text in an agent, as an administrator: PREP runs it as a function, which may import core."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from ova_admin.errors import AdminError
from ova_admin.install.server_config import INSTANCE
from ova_grid.connection import message

if TYPE_CHECKING:
    from irods.session import iRODSSession

_RULE_LANGUAGE = "irods_rule_engine_plugin-irods_rule_language-instance"


def run_python(session: iRODSSession, body: str) -> str:
    """The text's output on stdout. body: lines of a function of (rule_args, callback, rei). Raises AdminError."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    return _run(session, f"def main(rule_args, callback, rei):\n{lines}", INSTANCE)


def _run(session: iRODSSession, text: str, instance: str) -> str:
    from irods.rule import Rule

    rule = Rule(session, rule_file=io.StringIO(text), output="ruleExecOut", instance_name=instance)
    try:
        output = rule.execute(session_cleanup=False, acceptable_errors=())
    except Exception as error:
        raise AdminError(
            f"the rule text was refused or failed: {message(error)}; the server log may say more"
        ) from error
    return _stdout(output)


def _stdout(output: Any) -> str:
    """The text in the buffer, which is padded with NUL bytes."""
    parameters = getattr(output, "MsParam_PI", None)
    buffer = parameters[0].inOutStruct.stdoutBuf.buf if parameters else None
    return bytes(buffer or b"").partition(b"\0")[0].decode("utf-8", "replace")


def try_rule_language(session: iRODSSession) -> int:
    """Runs harmless rule-language text; 0 if it ran, else the server's code."""
    try:
        _run(session, 'ovaAdminCheck { writeLine("stdout", "open"); }\n', _RULE_LANGUAGE)
    except AdminError as error:
        return int(getattr(error.__cause__, "code", None) or -1)
    return 0
