"""Microservices that touch no object: output, exit, times, the delay queue."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Sequence

from irods_zone.errors import UNKNOWN_PARAM_IN_RULE_ERR, USER_FILE_DOES_NOT_EXIST, USER_PARAM_TYPE_ERR, IrodsError
from irods_zone.prep import delay as delayed
from irods_zone.prep.microservices.table import Parameter, microservice
from irods_zone.prep.types import BytesBuf
from irods_zone.session import Session


@microservice("writeLine", 2)
def write_line(session: Session, args: Sequence[Parameter]) -> None:
    """(stdout, stderr or serverLog; text)."""
    # Two writes, as on a real server, because the size of the output buffer depends on them.
    _write(session, args[0].text(), args[1])
    if args[0].value != "serverLog":
        _write(session, args[0].text(), Parameter("\n"))


@microservice("writeString", 2)
def write_string(session: Session, args: Sequence[Parameter]) -> None:
    """writeLine without the line's end."""
    _write(session, args[0].text(), args[1])


@microservice("writePosInt", 2)
def write_number(session: Session, args: Sequence[Parameter]) -> None:
    """(where; number)."""
    _write(session, args[0].text(), args[1])


def _write(session: Session, stream: str, parameter: Parameter) -> None:
    if not isinstance(parameter.value, (str, int, float)):
        raise IrodsError(USER_PARAM_TYPE_ERR)
    text = str(parameter.value)
    if stream == "stdout":
        session.rule_stdout.append(text)
    elif stream == "stderr":
        session.rule_stderr.append(text)
    elif stream == "serverLog":
        session.log.info("writeLine: %s", text)
    else:
        raise IrodsError(USER_FILE_DOES_NOT_EXIST, f"nothing is written to {stream!r}")


@microservice("msiWriteRodsLog", 2)
def write_log(session: Session, args: Sequence[Parameter]) -> None:
    """(text, out status)."""
    session.log.info("msiWriteRodsLog: %s", args[0].text())
    args[1].set(0)


@microservice("msiStrToBytesBuf", 2)
def to_buffer(_session: Session, args: Sequence[Parameter]) -> None:
    """(text, out BytesBuf)."""
    args[1].set(BytesBuf(args[0].text().encode("utf-8", "surrogateescape")))


@microservice("msiBytesBufToStr", 2)
def to_text(_session: Session, args: Sequence[Parameter]) -> None:
    """(BytesBuf, out text)."""
    if not isinstance(args[0].value, BytesBuf):
        raise IrodsError(USER_PARAM_TYPE_ERR)
    args[1].set(bytes(args[0].value.get_bytes()).decode("utf-8", "surrogateescape"))


@microservice("msi_get_agent_pid", 1)
def agent_pid(_session: Session, args: Sequence[Parameter]) -> None:
    """(out text)."""
    args[0].set(str(os.getpid()))


@microservice("msi_get_hostname", 1)
def hostname(_session: Session, args: Sequence[Parameter]) -> None:
    """(out text)."""
    args[0].set(socket.gethostname())


@microservice("msiExit", 2)
def exit_(session: Session, args: Sequence[Parameter]) -> None:
    """(code, text): fails with the code, and the text reaches the client's terminal."""
    text = args[0].value
    if not isinstance(text, str):
        refused = "DEBUG: msiExit: Unsupported input Param1 types INT_PI\n"
        session.error_stack.append((UNKNOWN_PARAM_IN_RULE_ERR, refused))
        raise IrodsError(UNKNOWN_PARAM_IN_RULE_ERR, "msiExit takes its code as text")
    try:
        code = int(text)
    except (TypeError, ValueError):
        code = 0
    session.error_stack.append((code, args[1].text() + "\n"))
    if code < 0:
        raise IrodsError(code, args[1].text())


@microservice("msiGetSystemTime", 2)
def system_time(_session: Session, args: Sequence[Parameter]) -> None:
    """(out text; "unix" or "human")."""
    args[0].set(_time(args[1].value))


@microservice("msiGetIcatTime", 2)
def catalog_time(_session: Session, args: Sequence[Parameter]) -> None:
    """(out text; "unix" or "human")."""
    args[0].set(_time(args[1].value))


def _time(style: object) -> str:
    now = time.time()
    return time.strftime("%Y-%m-%d.%H:%M:%S", time.localtime(now)) if style == "human" else f"{int(now):011d}"


@microservice("msiSleep", 2)
def sleep(_session: Session, args: Sequence[Parameter]) -> None:
    """(seconds, microseconds)."""
    time.sleep(args[0].integer() + args[1].integer() / 1e6)


@microservice("delayExec", 3)
def delay(session: Session, args: Sequence[Parameter]) -> None:
    """(condition with INST_NAME, PLUSET, ET, EF; rule text; recovery text): queues a job of this user."""
    delayed.enqueue(session, args[0].text(), args[1].text())
