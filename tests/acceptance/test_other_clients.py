"""What happens when a client copies a whole grid: docs/reference.md, Other clients."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.conftest import MakeClient, Site
from tests.support.clients import IBridgesCommands, PythonClient, ready_path


@pytest.fixture
def copied(site: Site, component: str, client: PythonClient, tmp_path: Path) -> Path:
    """A grid as a folder; since it was made the machine has changed, and a task was added in the folder."""
    folder = tmp_path / "grid01"
    (folder / "comp01/install").mkdir(parents=True)
    (folder / "comp01/comp01.ova").write_bytes(client.get(ready_path(component)))
    (folder / "comp01/install/20-second.sh").write_text("#!/bin/sh\n")
    client.set(component, "hostname", "sg55")
    return folder


def test_a_synchronization_stops_at_a_ready_ova_and_says_why(
    site: Site, component: str, copied: Path, make_client: MakeClient
) -> None:
    ibridges = make_client("ibridges commands")
    assert isinstance(ibridges, IBridgesCommands)
    with pytest.raises(Exception, match="leave it out of an upload"):
        ibridges.ibridges("sync", str(copied), f"irods:{site.home}/grid01")


def test_with_the_documented_option_the_tasks_arrive(
    site: Site, component: str, copied: Path, make_client: MakeClient, client: PythonClient
) -> None:
    ibridges = make_client("ibridges commands")
    assert isinstance(ibridges, IBridgesCommands)
    ibridges.ibridges("sync", "--on-error", "warn", str(copied), f"irods:{site.home}/grid01")
    assert client.get(f"{component}/install/20-second.sh") == b"#!/bin/sh\n"
    assert client.ready(component).values["host.hostname"] == "sg55"


def test_so_they_do_alone(
    site: Site, component: str, copied: Path, make_client: MakeClient, client: PythonClient
) -> None:
    ibridges = make_client("ibridges commands")
    assert isinstance(ibridges, IBridgesCommands)
    client.make(f"{component}/install")
    ibridges.ibridges("sync", str(copied / "comp01/install"), f"irods:{component}/install")
    assert client.get(f"{component}/install/20-second.sh") == b"#!/bin/sh\n"
