"""The wheel is complete: unpacked anywhere, without this project beside it, it starts a zone."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import irods_zone

builders = pytest.importorskip("hatchling.builders.wheel", reason="hatchling is not installed")

PROJECT = Path(__file__).parents[1]
START = """
import pathlib, sys
import irods_zone
from irods_zone.forkserver import Forkserver
forkserver = Forkserver()
started = forkserver.start(pathlib.Path(sys.argv[1]))
forkserver.stop(started.pid)
forkserver.close()
print(irods_zone.__file__)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    builder = builders.WheelBuilder(str(PROJECT))
    (built,) = builder.build(directory=str(tmp_path_factory.mktemp("wheel")), versions=["standard"])
    return Path(built)


def test_it_holds_the_modules_and_the_tables_beside_them(wheel: Path) -> None:
    source = PROJECT / "src"
    files = {
        str(file.relative_to(source)) for file in (source / "irods_zone").rglob("*")
        if file.is_file() and file.suffix != ".pyc"
    }  # fmt: skip
    assert {file for file in files if not file.endswith(".py")} == {
        "irods_zone/catalog/genquery/columns.txt",
        "irods_zone/catalog/genquery/links.txt",
        "irods_zone/catalog/schema.sql",
        "irods_zone/catalog/specific_queries.sql",
        "irods_zone/catalog/tokens.txt",
        "irods_zone/error_codes.txt",
        "irods_zone/protocol/structures.txt",
        "irods_zone/py.typed",
    }
    with zipfile.ZipFile(wheel) as archive:
        assert files <= set(archive.namelist())


def test_it_has_the_version_the_command_the_plugin_and_the_licence(wheel: Path) -> None:
    about = f"irods_zone-{irods_zone.__version__}.dist-info"
    with zipfile.ZipFile(wheel) as archive:
        entry_points = archive.read(f"{about}/entry_points.txt").decode()
        assert f"{about}/licenses/LICENSE" in archive.namelist()
    assert "irods-zone = irods_zone.cli:main" in entry_points
    assert "irods_zone = irods_zone.pytest_plugin" in entry_points


def test_a_zone_starts_from_it(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    started = subprocess.run(
        [sys.executable, "-c", START, str(tmp_path / "zone")],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert started.stdout.strip() == str(tmp_path / "site/irods_zone/__init__.py"), started.stderr
    assert (tmp_path / "zone/catalog.sqlite").exists()
