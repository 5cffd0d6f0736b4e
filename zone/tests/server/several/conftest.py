"""A zone of two servers, each of which notes which hooks it runs, for whom."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from irods.session import iRODSSession

from irods_zone.pytest_plugin import EmbeddedZone, free_port
from tests.support import PASSWORD, make_user

RULES = """
import json, os, pathlib
import irods_errors

NOTES = pathlib.Path(__file__).with_name("notes")
STATIC = ("acPreProcForModifyAVUMetadata", "acPostProcForModifyAVUMetadata", "acPostProcForPut",
          "acPostProcForObjRename", "acPreprocForCollCreate")


def note(name, rei):
    with NOTES.open("a") as file:
        file.write(f"{name} {rei.rsComm.clientUser.userName}/{rei.rsComm.proxyUser.userName}\\n")


def __getattr__(name):
    watched = name in STATIC or name.startswith(("pep_api_", "pep_resource_"))
    if not watched or not name.endswith(("_pre", "_post", *STATIC)):
        raise AttributeError(name)

    def rule(rule_args, callback, rei):
        note(name, rei)
        return irods_errors.RULE_ENGINE_CONTINUE

    return rule
"""


@dataclass
class Watched:
    """A server and its notes."""

    zone: EmbeddedZone
    core: Path

    def add_rules(self, text: str) -> None:
        """More rules, for the agents that start from now on."""
        with self.core.open("a") as file:
            file.write(text)

    def notes(self, *names: str) -> list[str]:
        """The hooks of these names that ran since the last call, each with its client and proxy user."""
        path = self.core.with_name("notes")
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return [line for line in lines if not names or line.split()[0] in names]

    def session(self, user: str = "alice", **options: str) -> iRODSSession:
        """A session of alice, or of the administrator."""
        return self.zone.session(**options) if user == "rods" else self.zone.session(user, PASSWORD, **options)


@pytest.fixture
def servers(irods_zone_factory: Callable[..., EmbeddedZone], tmp_path: Path) -> Iterator[tuple[Watched, Watched]]:
    """The provider and a consumer; the user alice; nothing noted yet."""
    cores = [tmp_path / name / "core.py" for name in ("provider", "consumer")]
    for core in cores:
        core.parent.mkdir()
        core.write_text(RULES)
    port = free_port("127.0.0.2", "127.0.0.3", "127.0.0.4")
    provider = irods_zone_factory(cores[0], host="127.0.0.2", port=port)
    consumer = provider.consumer(cores[1], host="127.0.0.3", resources={"consumerResc": tmp_path / "vault"})
    with provider.session() as session:
        make_user(session, "alice")
    found = Watched(provider, cores[0]), Watched(consumer, cores[1])
    for server in found:
        server.notes()
    yield found
