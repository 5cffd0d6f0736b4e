"""A copy of a server's folder to install into. Touches no server: no reload, and a separate prefix."""

from __future__ import annotations

import hashlib
import json
import stat
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ova_admin.install import commands, payload, site, versions
from ova_admin.places import Places

CONFIG = {
    "schema_name": "server_config",
    "zone_key": "SECRET_ZONE_KEY",
    "advanced_settings": {"delay_server_sleep_time_in_seconds": 30},
    "plugin_configuration": {
        "rule_engines": [
            {
                "instance_name": "irods_rule_engine_plugin-irods_rule_language-instance",
                "plugin_name": "irods_rule_engine_plugin-irods_rule_language",
                "plugin_specific_configuration": {"re_rulebase_set": ["core"]},
            },
        ],
        "database": {"technology": "postgres", "password": "SECRET_PASSWORD"},
    },
}


@dataclass
class Server:
    """The folder, the prefix, and what the commands said."""

    root: Path
    said: list[str] = field(default_factory=list)

    @property
    def etc(self) -> Path:
        return self.root / "etc"

    @property
    def prefix(self) -> Path:
        return self.root / "opt"

    @property
    def places(self) -> Places:
        return Places(self.etc, self.prefix, python=Path(sys.executable))

    def install(self, *, agree: Callable[[], bool] = lambda: True, **wanted: bool) -> bool:
        return commands.install(self.places, site.Wanted(**wanted), agree, self.said.append, reloading=False)

    def uninstall(self) -> bool:
        return commands.uninstall(self.places, lambda: True, self.said.append, reloading=False)

    def core(self, text: str) -> Path:
        (self.etc / "core.py").write_text(text)
        return self.etc / "core.py"


def snapshot(folder: Path) -> dict[str, tuple[object, ...]]:
    """Names, kinds, modes, owners and contents of everything in a folder."""
    found: dict[str, tuple[object, ...]] = {}
    for path in sorted(folder.rglob("*")):
        state = path.lstat()
        content = (
            path.readlink() if path.is_symlink() else path.is_file() and hashlib.sha256(path.read_bytes()).digest()
        )
        found[str(path)] = (stat.S_IFMT(state.st_mode), state.st_mode, state.st_uid, state.st_gid, content)
    return found


@pytest.fixture(autouse=True)
def quick_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Our own files only, not compiled: the libraries and bytecode take seconds, and one test has each."""
    monkeypatch.setattr(payload, "_NEEDED", ())
    monkeypatch.setattr(versions, "compile_folder", lambda *arguments: None)


@pytest.fixture
def server(tmp_path: Path) -> Server:
    """A server's folder without a core.py."""
    made = Server(tmp_path)
    made.etc.mkdir()
    (made.etc / "server_config.json").write_text(json.dumps(CONFIG, indent=4))
    (made.etc / "server_config.json").chmod(0o600)
    return made
