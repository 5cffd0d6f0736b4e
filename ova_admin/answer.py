"""Waits until the reloaded server answers with the installed rules, so that the next client gets them.

A reload is over when the main server process has forked a new agent factory; until then the old one may answer, with
the old configuration. Rule text shows which rules an agent loaded and which process forked it. The service account
asks, because its iRODS environment always exists.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from ova_admin.install.payload import PACKAGES, RULES
from ova_admin.interpreter import Interpreter
from ova_admin.places import Places
from ova_admin.rule_text import run_python
from ova_grid.connection import connected, environment
from ova_grid.errors import GridError
from ova_rules.errors import one_line

_RULE_TEXT = """\
import core, json, os, ova_rules
callback.writeLine('stdout', json.dumps([os.path.dirname(os.path.realpath(ova_rules.__file__)), os.getppid()]))
"""
_PROGRAM = "import sys; sys.path[:0] = sys.argv[1:]; from ova_admin.answer import main; main()"
_SECONDS = 60
_SECONDS_IN_VAIN = 10  # if no sign-in worked before the reload either
_ASK_SECONDS = 15  # for one question
_PAUSE_SECONDS = 0.2
_CHECK = "run `ova-admin check` as the service account"


@dataclass(frozen=True)
class Answer:
    """The result of one connection. can_ask: there is an environment to sign in with; signed_in: the sign-in worked.

    rules: the folder of ova_rules that the agent loaded, "" if none; factory: the process that forked the agent; why:
    the obstacle, "" if there was none.
    """

    can_ask: bool = True
    signed_in: bool = True
    rules: str = ""
    factory: int = 0
    why: str = ""


def watch(places: Places) -> Callable[[Interpreter, Path], Callable[[], str]]:
    """For `install`: call it with PREP's interpreter and the version's folder before the reload.

    Call its result after the reload: that waits (`wait`).
    """

    def watched(python: Interpreter, folder: Path) -> Callable[[], str]:
        before = ask(places, python, folder)
        return lambda: wait(places, python, folder, before)

    return watched


def wait(places: Places, python: Interpreter, folder: Path, before: Answer) -> str:
    """Returns once a new agent factory answers with the rules in `folder`, or when the time is over: which, in a line.

    before: the answer before the reload.
    """
    wanted = os.path.realpath(folder / RULES / "ova_rules")
    limit = _SECONDS if before.signed_in else _SECONDS_IN_VAIN
    start = time.monotonic()
    while True:
        seen = ask(places, python, folder)
        if not seen.can_ask:
            return f"not waited for its answer: {seen.why}; {_CHECK} in some seconds"
        if seen.rules == wanted and _is_new(seen.factory, before.factory, places.main_process()):
            return f"the server answers with the rules of {folder.name}"
        if time.monotonic() + _PAUSE_SECONDS > start + limit:
            why = seen.why or "the agents are of before the reload"
            return f"the server did not answer with the rules of {folder.name} within {limit} s: {why}; {_CHECK}"
        time.sleep(_PAUSE_SECONDS)


def _is_new(factory: int, before: int, main: int | None) -> bool:
    return factory != before or factory == main  # a server without a factory forks its agents itself


def ask(places: Places, python: Interpreter, folder: Path) -> Answer:
    """The present answer of an agent, asked by the service account with the client in `folder`."""
    variables = {key: value for key, value in os.environ.items() if key.startswith("IRODS_")}
    paths = [str(folder), str(folder / RULES), str(folder / PACKAGES)]
    try:
        done = python.run_as_service(places, _PROGRAM, *paths, variables=variables, timeout=_ASK_SECONDS)
        return Answer(**json.loads(done.stdout))
    except ValueError:
        return Answer(can_ask=False, why=one_line((done.stderr.strip().splitlines() or ["no word of it"])[-1]))
    except subprocess.TimeoutExpired:
        return Answer(signed_in=False, why="it gave no answer")
    except (OSError, subprocess.SubprocessError) as error:
        return Answer(can_ask=False, why=one_line(str(error)))


def main() -> None:
    """The process of `ask`: prints the answer as JSON."""
    print(json.dumps(asdict(_answer())))


def _answer() -> Answer:
    try:
        chosen = environment()
    except GridError as error:
        return Answer(can_ask=False, signed_in=False, why=str(error))
    try:
        with connected(chosen) as session:
            try:
                rules, factory = json.loads(run_python(session, _RULE_TEXT))
            except (GridError, ValueError) as error:
                return Answer(why=one_line(str(error)))
            return Answer(rules=rules, factory=factory)
    except GridError as error:
        return Answer(signed_in=False, why=str(error))
