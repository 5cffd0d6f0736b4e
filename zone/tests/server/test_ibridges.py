"""The iBridges command line, unmodified, against the zone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from irods_zone.pytest_plugin import EmbeddedZone
from tests.support import write_file

PROGRAM = Path(sys.executable).with_name("ibridges")


@pytest.fixture
def ibridges(irods_zone: EmbeddedZone, tmp_path: Path) -> Callable[..., str]:
    home = tmp_path / "home"
    (home / ".irods").mkdir(parents=True)
    shutil.copy(irods_zone.environment, home / ".irods" / "irods_environment.json")
    environment = {**os.environ, "HOME": str(home), "PYTHONWARNINGS": "ignore"}

    def run(*arguments: str, typed: str = "") -> str:
        done = subprocess.run([str(PROGRAM), *arguments], env=environment, input=typed, cwd=tmp_path,
                              capture_output=True, text=True, timeout=60)  # fmt: skip
        assert done.returncode == 0, (arguments, done.stdout, done.stderr)
        return done.stdout

    run("init", str(home / ".irods" / "irods_environment.json"), typed="rods\n")
    return run


def test_the_command_line_works_from_end_to_end(
    irods_zone: EmbeddedZone, ibridges: Callable[..., str], tmp_path: Path
) -> None:
    small = write_file(tmp_path / "small.bin", 100_000)
    large = write_file(tmp_path / "large.bin", 35_000_000)
    ibridges("mkcoll", "irods:grid")
    ibridges("mkcoll", "irods:grid/c")
    ibridges("upload", str(small), "irods:grid/c/base.bin")
    ibridges("upload", str(large), "irods:grid/c/")
    ibridges("meta-add", "irods:grid/c", "hostname", "ib1")
    assert "(key: 'hostname', value: 'ib1', units: '')" in ibridges("meta-list", "irods:grid/c")
    listed = ibridges("list", "irods:grid/c").split()
    assert {"base.bin", "large.bin"} <= set(listed)
    ibridges("download", "--overwrite", "irods:grid/c", str(tmp_path))
    assert (tmp_path / "c/base.bin").read_bytes() == small.read_bytes()
    assert (tmp_path / "c/large.bin").read_bytes() == large.read_bytes()
    ibridges("meta-del", "--key", "hostname", "irods:grid/c")
    assert "hostname" not in ibridges("meta-list", "irods:grid/c")
    ibridges("rm", "-r", "-f", "irods:grid")
    assert not irods_zone.session().collections.exists(f"{irods_zone.home}/grid")
