"""The command line itself: its answers if a part of it is missing."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from ova_admin import interpreter
from ova_admin.cli import main
from ova_admin.places import Places


def test_without_the_extra_it_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`pip install ova-tools` alone brings no iRODS client."""
    file = tmp_path / "irods_environment.json"
    file.write_text(json.dumps({"irods_host": "h", "irods_port": 1, "irods_user_name": "u", "irods_zone_name": "z"}))
    monkeypatch.setitem(sys.modules, "irods", None)
    monkeypatch.delitem(sys.modules, "irods.session", raising=False)
    assert main(["status", "--environment", str(file)]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "ova-admin: the package irods is missing here; install it: pip install 'ova-tools[admin]'\n"


def test_a_relative_interpreter_is_found_from_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "python").symlink_to(sys.executable)
    monkeypatch.chdir(tmp_path)
    found = interpreter.find(Places(python=Path("./python")))
    assert (found.path, found.version) == (tmp_path / "python", sys.version_info[:2])
