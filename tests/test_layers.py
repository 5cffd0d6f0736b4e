"""The layers are enforced: each contract of pyproject.toml passes here, and fails on an import that it forbids.

The import is added to a copy, inside a function: lazy imports count, too.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import grimp
import pytest

from tests.support import REPOSITORY

_TOML: Any = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
SETTINGS: dict[str, Any] = _TOML.loads((REPOSITORY / "pyproject.toml").read_text())["tool"].get("importlinter", {})
CONTRACTS: list[dict[str, Any]] = SETTINGS.get("contracts", [])

pytestmark = pytest.mark.skipif(sys.version_info < (3, 10), reason="its import-linter knows no contract on circles")


def lint_imports(folder: Path) -> tuple[int, str]:
    """The command on the packages and the pyproject.toml in `folder`: its exit status, and what it says."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    path = os.pathsep.join(str(folder / place) for place in (".", "rules", "zone/src"))
    settings = {**os.environ, "PYTHONPATH": path, "COLUMNS": "200"}
    done = subprocess.run(command, cwd=folder, env=settings, capture_output=True, text=True)
    return done.returncode, re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)  # older ones print colours


def modules_of(contract: dict[str, Any]) -> tuple[str, str]:
    """Two modules of which the first must not import the second."""
    if contract["type"] == "layers":
        [container, *_] = contract.get("containers", [""])
        layers = [re.split(r"[|:]", layer)[0].strip(" ()") for layer in contract["layers"]]
        lowest, highest = (f"{container}.{layer}".lstrip(".") for layer in (layers[-1], layers[0]))
        return lowest, highest
    if contract["type"] == "forbidden":
        return contract["source_modules"][0], contract["forbidden_modules"][0]
    if contract["type"] == "acyclic_siblings":
        return sibling_and_importer(contract["ancestors"][0])
    return contract["modules"][0], contract["modules"][1]


def sibling_and_importer(package: str) -> tuple[str, str]:
    """Two modules of a package of which the second imports the first."""
    graph = grimp.build_graph(package)
    modules = sorted(graph.find_children(package))
    return next((each, module) for module in modules for each in graph.find_modules_directly_imported_by(module)
                if each in modules)  # fmt: skip


def test_no_import_here_is_forbidden() -> None:
    assert CONTRACTS
    status, report = lint_imports(REPOSITORY)
    assert status == 0, report


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract["name"])
def test_a_forbidden_import_is_found_and_both_modules_are_named(contract: dict[str, Any], tmp_path: Path) -> None:
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    for package in SETTINGS.get("root_packages") or [SETTINGS["root_package"]]:
        spec = importlib.util.find_spec(package)
        assert spec is not None and spec.submodule_search_locations
        shutil.copytree(spec.submodule_search_locations[0], tmp_path / package, ignore=lambda *_: ["__pycache__"])
    importer, imported = modules_of(contract)
    place = tmp_path.joinpath(*importer.split("."))
    file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    with file.open("a") as text:
        text.write(f"\n\ndef planted() -> None:\n    import {imported}\n")

    status, report = lint_imports(tmp_path)

    assert status == 1, report
    assert f"{contract['name']} BROKEN" in report
    names = (f"(?:{re.escape(name)}|[.]{name.rpartition('.')[2]})" for name in (importer, imported))  # or relative ones
    assert re.search(" *-> *".join(names), report)
