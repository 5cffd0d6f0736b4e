"""The contracts in pyproject.toml hold, and they detect what they forbid: imports that point up, and circles."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("importlinter", reason="import-linter is not installed")

PROJECT = Path(__file__).parents[1]

# The import added to a module, and the message of the linter.
PLANTED = {
    "an import that points up": (
        "paths.py",
        "from irods_zone import server\n",
        "irods_zone.paths -> irods_zone.server",
    ),
    "one inside a function": (
        "catalog/users.py",
        "def f() -> None:\n    from irods_zone.operations import access\n",
        "irods_zone.catalog.users -> irods_zone.operations.access",
    ),
    "one for types only": (
        "policy.py",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from irods_zone.session import Session\n",
        "irods_zone.policy -> irods_zone.session",
    ),
    "a circle among operations": (
        "operations/trash.py",
        "from irods_zone.operations import collections\n",
        "irods_zone.operations.trash -> irods_zone.operations.collections",
    ),
    "a part of the protocol that needs the zone": (
        "protocol/auth.py",
        "from irods_zone import errors\n",
        "irods_zone.protocol.auth -> irods_zone.errors",
    ),
    "a module without a layer": ("novelty.py", "", "irods_zone.novelty"),
}


def lint(project: Path) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"],
        cwd=project, env={**os.environ, "PYTHONPATH": str(project / "src"), "COLUMNS": "200"},
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of this project, to plant imports in."""
    shutil.copy(PROJECT / "pyproject.toml", tmp_path)
    shutil.copytree(PROJECT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def test_the_contracts_are_kept(project: Path) -> None:
    code, output = lint(project)
    assert code == 0, output


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_import_is_named(project: Path, name: str) -> None:
    module, text, message = PLANTED[name]
    with (project / "src/irods_zone" / module).open("a") as file:
        file.write(text)
    code, output = lint(project)
    assert code != 0
    assert message in output
