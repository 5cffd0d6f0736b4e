"""examples/grid: its script makes the grid, and each machine is told what its tasks ask for."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.acceptance.test_seeds import read
from tests.support import REPOSITORY
from tests.support.icommands import commands
from tests.support.zones import MakePlace, Place

EXAMPLE = REPOSITORY / "examples/grid"
MACHINES = ("ce01", "wn01", "wn02", "se01")


@pytest.fixture
def place(make_place: MakePlace, tmp_path: Path) -> Place:
    """A zone with the example's grid, of packages that are only names."""
    place = make_place()
    place.client.put((REPOSITORY / "demo/sample.ova").read_bytes(), f"{place.home}/base.ova")
    for role in ("ce", "wn", "se"):
        (tmp_path / "packages" / role).mkdir(parents=True)
        (tmp_path / "packages" / role / f"{role}_1.0-1+b1_all.deb").write_bytes(role.encode())
    path = f"{commands(tmp_path / 'bin')}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "IRODS_ENVIRONMENT_FILE": str(place.zone.environment)}
    environment["IRODS_AUTHENTICATION_FILE"] = str(tmp_path / "irodsA")
    if not (tmp_path / "bin/imeta").exists():
        subprocess.run(["iinit"], env=environment, input="rods", text=True, check=True, capture_output=True)
    script = ["sh", str(EXAMPLE / "make-grid.sh"), f"{place.home}/base.ova", str(tmp_path / "packages")]
    done = subprocess.run(script, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return place


def test_the_grid_follows_its_machines_and_so_does_one_that_is_like_it(place: Place) -> None:
    grid, other = f"{place.home}/grid01", f"{place.home}/grid02"
    asked = {name for task in EXAMPLE.glob("tasks/*/*.sh") for name in re.findall(r"OVA_(\w+)", task.read_text())}
    for machine in MACHINES:
        facts = place.client.facts(f"{grid}/{machine}")
        assert facts["ova::status"] == "ready", facts
        disc = read(place.client, f"{grid}/{machine}/{machine}.iso")
        assert asked <= disc.properties.keys() | {"domainname"}
        assert disc.properties["hostname"] == f"{machine}.cc.example.org"
        assert disc.properties["WN_LIST"] == "wn01 wn02"
        assert disc.properties["CE_HOST"] == "ce01"
        packages = [name for name in disc.tasks if name.endswith(".deb")]
        assert [name.rpartition("/")[2] for name in packages] == [f"{machine[:2]}_1.0-1+b1_all.deb"]
        assert sum(name.endswith("munge.key") for name in disc.tasks) == 1

    place.client.set(f"{grid}/ce01", "hostname", "ce77")
    place.client.set(f"{grid}/ce01", "ip_addr", "10.91.14.77")
    for machine in MACHINES:
        properties = read(place.client, f"{grid}/{machine}/{machine}.iso").properties
        assert properties["CE_HOST"] == "ce77"
        assert properties["HOSTS"].startswith("10.91.14.77=ce77 ")

    place.client.make(other)
    place.client.set(other, "ova_like", grid)
    place.client.set(f"{other}/wn01", "hostname", "node1")
    properties = read(place.client, f"{other}/ce01/ce01.iso").properties
    assert (properties["WN_LIST"], properties["SITE_NAME"]) == ("node1 wn02", "EXAMPLE-GRID")
    assert read(place.client, f"{grid}/ce01/ce01.iso").properties["WN_LIST"] == "wn01 wn02"
