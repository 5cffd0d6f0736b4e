"""After a reload `install` returns when a new agent factory answers with the new rules, or reports that it is unknown.

The zone is the embedded one. A process with its name plays the main server process; on the signal the zone is started
again, as a real server then forks a new agent factory.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ova_admin import answer
from ova_admin.check import zone as zone_check
from ova_admin.check.finding import Outcome
from ova_admin.install import commands, site, versions
from ova_admin.places import Places
from ova_grid.connection import environment
from tests.ova_admin.conftest import Server
from tests.support.waiting import until

_MAIN = """
import pathlib, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
print("ready", flush=True)
signal.sigwait({signal.SIGHUP})
pathlib.Path(sys.argv[1]).touch()
signal.pause()
"""


@dataclass
class Reloading:
    """A server's folder whose reload begins the zone anew."""

    server: Server
    zone: Any
    main: int
    told: Path
    begun: threading.Event = field(default_factory=threading.Event)

    @property
    def places(self) -> Places:
        (self.server.root / "pid").write_text(str(self.main))
        return Places(
            self.server.etc, self.server.prefix, python=Path(sys.executable), pid_file=self.server.root / "pid"
        )

    def install(self) -> str:
        """The last line of `install --configure-server`."""
        wanted, places = site.Wanted(configure_server=True), self.places
        commands.install(places, wanted, lambda: True, self.server.said.append, watch=answer.watch(places))
        return self.server.said[-1]

    def begin_anew_when_told(self) -> threading.Thread:
        def follow() -> None:
            until(self.told.exists, "the main process was told")
            self.zone.stop()
            self.zone.rules = self.server.etc / "core.py"
            self.begun.set()
            self.zone.start()

        thread = threading.Thread(target=follow)
        thread.start()
        return thread

    def not_ok(self) -> list[str]:
        """What the zone's part of `check` finds wrong."""
        found = zone_check.findings(environment(self.zone.environment), ())
        return [finding.name for finding in found if finding.outcome is Outcome.NOT_OK]


@pytest.fixture
def reloading(
    server: Server, irods_zone_factory: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Reloading]:
    """A zone without rules, of whose administrator this process has the environment."""
    zone = irods_zone_factory(None)
    (server.etc / "ova_rules.json").write_text(json.dumps({"state_directory": str(server.root / "state")}))
    monkeypatch.setenv("IRODS_ENVIRONMENT_FILE", str(zone.environment))
    monkeypatch.setenv("IRODS_PASSWORD", zone.password)
    program = server.root / "irodsServer"  # its name is what tells the main process
    program.symlink_to(os.path.realpath(sys.executable))
    told = server.root / "told"
    main = subprocess.Popen([program, "-I", "-S", "-c", _MAIN, str(told)], stdout=subprocess.PIPE, text=True)
    try:
        assert main.stdout is not None and main.stdout.readline() == "ready\n"
        yield Reloading(server, zone, main.pid, told)
    finally:
        main.kill()
        main.communicate()


def test_check_right_after_install_finds_the_new_rules(reloading: Reloading) -> None:
    thread = reloading.begin_anew_when_told()
    said = reloading.install()
    assert said == f"the server answers with the rules of {versions.current_name(reloading.server.prefix)}"
    assert reloading.not_ok() == []
    thread.join()


def test_the_agents_of_the_old_factory_are_no_answer(reloading: Reloading) -> None:
    """PREP was there, so agents of the old factory load the new rules, too; but with the old patterns."""
    reloading.zone.stop()
    reloading.server.install()
    reloading.zone.rules = reloading.server.etc / "core.py"
    reloading.zone.start()
    thread = reloading.begin_anew_when_told()
    assert reloading.install().startswith("the server answers with the rules of ")
    assert reloading.begun.is_set()
    thread.join()


def test_a_server_that_never_answers_is_said_in_one_line(reloading: Reloading, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer, "_SECONDS", 2)
    said = reloading.install()
    assert "did not answer with the rules of" in said and "within 2 s" in said
    assert said.endswith("run `ova-admin check` as the service account")
    assert "\n" not in said


def test_a_zone_that_is_down_does_not_fail_the_installation(
    reloading: Reloading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answer, "_SECONDS_IN_VAIN", 2)
    reloading.zone.stop()
    assert "cannot sign in" in reloading.install()
    assert versions.current_name(reloading.server.prefix) is not None


def test_without_an_environment_it_says_so_and_does_not_wait(
    reloading: Reloading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IRODS_ENVIRONMENT_FILE", str(reloading.server.root / "none.json"))
    said = reloading.install()
    assert said.startswith("not waited for its answer: ") and "none.json" in said
    assert said.endswith("run `ova-admin check` as the service account in some seconds")
    assert reloading.told.exists()
