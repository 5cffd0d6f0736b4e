"""Starts fresh zones quickly, for tests: one process that has imported the server and forks one per request.

`Nursery` is the side of the test process; `main` is the nursery process itself, which reads requests as lines of JSON
and answers each with a line. It has one thread, and its zones end when it ends, so a killed test run leaves nothing.
It is not for serving people: use the command `irods-zone`.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class NurseryError(RuntimeError):
    """A zone could not be started; the message says why."""


@dataclass(frozen=True)
class Started:
    """A zone that accepts connections."""

    pid: int
    host: str
    port: int


class Nursery:
    """The process that starts zones; it is started with the first zone."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def start(
        self,
        root: Path,
        rules: Path | None = None,
        resources: dict[str, Path] | None = None,
        port: int = 0,
        trace: Path | None = None,
    ) -> Started:
        """Start a zone on `root`, new or as it was left. Raises NurseryError."""
        answer = self._ask(
            {
                "start": {
                    "root": str(root),
                    "rules": None if rules is None else str(rules),
                    "resources": {name: str(vault) for name, vault in (resources or {}).items()},
                    "port": port,
                    "trace": None if trace is None else str(trace),
                }
            }
        )
        return Started(answer["pid"], answer["host"], answer["port"])

    def stop(self, pid: int, number: int = signal.SIGTERM) -> None:
        """End a zone by a signal and wait for its end."""
        self._ask({"stop": pid, "signal": int(number)})

    def close(self) -> None:
        """End the nursery and what it started."""
        if self._process is not None:
            process, self._process = self._process, None
            process.communicate()

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "irods_zone.nursery"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        assert self._process.stdin is not None  # noqa: S101 (made with pipes)
        assert self._process.stdout is not None  # noqa: S101
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise NurseryError("the nursery process ended")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise NurseryError(answer["error"])
        return answer


def main() -> None:
    """Serve requests until the input ends."""
    from irods_zone.server import import_for_agents

    import_for_agents(rules=True)  # once, before the forks
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = _start(request["start"]) if "start" in request else _stop(request["stop"], request["signal"])
        except OSError as error:
            answer = {"error": str(error)}
        print(json.dumps(answer), flush=True)


def _start(wanted: dict[str, Any]) -> dict[str, Any]:
    read, write = os.pipe()
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.close(read)
            code = _serve(wanted, write, parent)
        finally:
            os._exit(code)
    os.close(write)
    with os.fdopen(read, encoding="utf-8") as pipe:
        answer: dict[str, Any] = json.loads(pipe.read() or '{"error": "the server ended before it was ready"}')
    if "error" in answer:
        os.waitpid(pid, 0)
        return answer
    return {"pid": pid, **answer}


def _serve(wanted: dict[str, Any], write: int, parent: int) -> int:
    """In the forked process: make the server, report, serve."""
    from irods_zone import processes
    from irods_zone.server import Options, Server
    from irods_zone.session import Resource

    os.setsid()
    processes.die_with_parent(parent)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    try:
        options = Options(
            root=Path(wanted["root"]),
            port=wanted["port"],
            rules=Path(wanted["rules"]) if wanted["rules"] else None,
            trace=Path(wanted["trace"]) if wanted["trace"] else None,
            resources=tuple(Resource(name, Path(vault)) for name, vault in wanted["resources"].items()),
        )
        server = Server(options)
        answer: dict[str, Any] = {"host": server.config.host, "port": server.config.port}
    except Exception:
        answer = {"error": traceback.format_exc()}
    os.write(write, json.dumps(answer).encode())
    os.close(write)
    return 1 if "error" in answer else server.run()


def _stop(pid: int, number: int) -> dict[str, Any]:
    with contextlib.suppress(ProcessLookupError, ChildProcessError):
        os.kill(pid, number)
        os.waitpid(pid, 0)
    return {}


if __name__ == "__main__":
    main()
