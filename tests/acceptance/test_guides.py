"""Runs the documents of i-commands and their output, if the i-commands are installed.

Always in an embedded zone of their own: they make and remove collections such as `images` in the home.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support import REPOSITORY
from tests.support.clients import HAS_ICOMMANDS
from tests.support.zones import rule_folder

DOCUMENTS = ("docs/tutorial.md",)

if HAS_ICOMMANDS:

    @pytest.mark.parametrize("document", DOCUMENTS)
    def test_a_guide_says_what_is(document: str, irods_zone_factory: Callable[..., Any], tmp_path: Path) -> None:
        zone = irods_zone_factory(rule_folder(tmp_path / "etc"))
        folder = tmp_path / "guide"
        folder.mkdir()
        shutil.copy(REPOSITORY / "demo/sample.ova", folder / "base.ova")
        environment = {**os.environ, "IRODS_ENVIRONMENT_FILE": str(zone.environment)}
        environment["IRODS_AUTHENTICATION_FILE"] = str(tmp_path / "irodsA")
        subprocess.run(["iinit"], env=environment, input="rods", text=True, check=True, capture_output=True)
        guide = [sys.executable, "docker/client/guide.py", document, "--folder", str(folder)]
        done = subprocess.run(guide, cwd=REPOSITORY, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr + done.stdout[-3000:]
