"""Starts fresh zones quickly, for tests: one process imports the server and forks one zone per request.

`Forkserver` is the side of the test process; `main` is the forkserver's own process, which reads requests as lines of
JSON and answers each with a line. It has one thread, and its zones end when it ends, so a killed test run leaves
nothing behind. It is not for people: use the command `irods-zone`.
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

from irods_zone import processes
from irods_zone.config import Resource, ServerOptions
from irods_zone.server import Server, import_for_agents


class ForkserverError(RuntimeError):
    """A zone could not be started; the message says why."""


@dataclass(frozen=True)
class Started:
    """A zone that accepts connections."""

    pid: int
    host: str
    port: int


class Forkserver:
    """The process that starts zones. It starts with the first zone."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def start(
        self,
        root: Path,
        rules: Path | None = None,
        resources: dict[str, Path] | None = None,
        port: int = 0,
        trace: Path | None = None,
        host: str = "127.0.0.1",
        provider: Path | None = None,
    ) -> Started:
        """Start a zone on `root`, new or existing, or a consumer of the zone of `provider`. Raises ForkserverError."""
        reply = self._request(
            {
                "start": {
                    "root": str(root),
                    "rules": None if rules is None else str(rules),
                    "resources": {name: str(vault) for name, vault in (resources or {}).items()},
                    "port": port,
                    "trace": None if trace is None else str(trace),
                    "host": host,
                    "provider": None if provider is None else str(provider),
                }
            }
        )
        return Started(reply["pid"], reply["host"], reply["port"])

    def stop(self, pid: int, number: int = signal.SIGTERM) -> None:
        """End a zone with a signal and wait for its end."""
        self._request({"stop": pid, "signal": int(number)})

    def close(self) -> None:
        """End the forkserver and its zones."""
        if self._process is not None:
            process, self._process = self._process, None
            process.communicate()

    def _request(self, request: dict[str, Any]) -> dict[str, Any]:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "irods_zone.forkserver"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        assert self._process.stdin is not None  # noqa: S101 (made with pipes)
        assert self._process.stdout is not None  # noqa: S101
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise ForkserverError("the forkserver ended")
        reply: dict[str, Any] = json.loads(line)
        if "error" in reply:
            raise ForkserverError(reply["error"])
        return reply


def main() -> None:
    """Serve requests until the input ends."""
    import_for_agents()  # once, before the forks
    for line in sys.stdin:
        request = json.loads(line)
        try:
            reply = _start(request["start"]) if "start" in request else _stop(request["stop"], request["signal"])
        except OSError as error:
            reply = {"error": str(error)}
        print(json.dumps(reply), flush=True)


def _start(request: dict[str, Any]) -> dict[str, Any]:
    read, write = os.pipe()
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.close(read)
            code = _serve(request, write, parent)
        finally:
            os._exit(code)
    os.close(write)
    with os.fdopen(read, encoding="utf-8") as pipe:
        reply: dict[str, Any] = json.loads(pipe.read() or '{"error": "the server ended before it was ready"}')
    if "error" in reply:
        os.waitpid(pid, 0)
        return reply
    return {"pid": pid, **reply}


def _serve(request: dict[str, Any], write: int, parent: int) -> int:
    """In the forked process: make the server, report, serve."""
    os.setsid()
    processes.die_with_parent(parent)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    try:
        options = ServerOptions(
            root=Path(request["root"]),
            host=request["host"],
            port=request["port"],
            provider=Path(request["provider"]) if request["provider"] else None,
            rules=Path(request["rules"]) if request["rules"] else None,
            trace=Path(request["trace"]) if request["trace"] else None,
            resources=tuple(Resource(name, Path(vault)) for name, vault in request["resources"].items()),
        )
        server = Server(options)
        reply: dict[str, Any] = {"host": server.config.host, "port": server.config.port}
    except Exception:
        reply = {"error": traceback.format_exc()}
    os.write(write, json.dumps(reply).encode())
    os.close(write)
    return 1 if "error" in reply else server.run()


def _stop(pid: int, number: int) -> dict[str, Any]:
    with contextlib.suppress(ProcessLookupError, ChildProcessError):
        os.kill(pid, number)
        os.waitpid(pid, 0)
    return {}


if __name__ == "__main__":
    main()
