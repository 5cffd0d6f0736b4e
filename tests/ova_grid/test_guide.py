"""The commands in docs/ova-grid.md print what it shows."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.support import REPOSITORY
from tests.support.zones import MakePlace


def test_the_guide_says_what_is(make_place: MakePlace, tmp_path: Path) -> None:
    place = make_place()
    client, grid = place.client, place.grid
    client.make(f"{place.home}/images")
    image = f"{place.home}/images/base.ova"
    client.put((REPOSITORY / "demo/sample.ova").read_bytes(), image)
    one = client.component(f"{grid}/comp01", image, hostname="sg12", ip_addr="10.91.14.12", rack="B7")
    two = client.component(f"{grid}/comp02", image, hostname="sg13")
    client.set(grid, "gateway", "10.91.14.1")
    client.set(one, "domainname", "kek.jp")
    client.set(one, "domainname", "${comp02:hostname}.kek.jp")
    client.set(two, "mtu", "jumbo")
    client.make(f"{one}/install")
    client.put(b"#!/bin/sh\n", f"{one}/install/10-torque.sh")

    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "IRODS_ENVIRONMENT_FILE": str(place.zone.environment)}
    guide = [sys.executable, "docker/client/guide.py", "docs/ova-grid.md", "--folder", str(tmp_path)]
    done = subprocess.run(
        guide, cwd=REPOSITORY, env={**environment, "IRODS_PASSWORD": "rods"}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr + done.stdout[-3000:]
