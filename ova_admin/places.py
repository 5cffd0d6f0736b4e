"""Where things are on this server: the folders, the plugin, the main process, the service account. Reads only."""

from __future__ import annotations

import contextlib
import os
import pwd
from dataclasses import dataclass
from pathlib import Path

DEFAULT_ETC = Path("/etc/irods")
DEFAULT_PREFIX = Path("/opt/ova-tools")
DEFAULT_PID_FILES = (Path("/var/run/irods/irods-server.pid"), Path("/run/irods/irods-server.pid"))
PLUGIN = Path("plugins/rule_engines/libirods_rule_engine_plugin-python.so")
_PLUGIN_FOLDERS = (Path("/usr/lib/irods"), Path("/usr/lib64/irods"))
_SERVER = "irodsServer"


@dataclass(frozen=True)
class Places:
    """The paths given on the command line; None: to be found."""

    etc: Path = DEFAULT_ETC
    prefix: Path = DEFAULT_PREFIX
    plugin: Path | None = None
    python: Path | None = None
    pid_file: Path | None = None

    @property
    def core(self) -> Path:
        """The rule file that the plugin imports."""
        return self.etc / "core.py"

    @property
    def server_config(self) -> Path:
        """The server's configuration."""
        return self.etc / "server_config.json"

    @property
    def current(self) -> Path:
        """The link to the installed version."""
        return self.prefix / "current"

    @property
    def is_usual(self) -> bool:
        """Whether this is the server of this machine and not a copy of its folder."""
        return self.etc == DEFAULT_ETC

    def find_plugin(self) -> Path | None:
        """PREP's library: the given one, else one beside the running server or in the packages' folders."""
        if self.plugin is not None:
            return self.plugin if self.plugin.exists() else None
        folders = list(_PLUGIN_FOLDERS)
        server = self.main_process()
        if server is not None:
            with contextlib.suppress(OSError):  # another account's process
                folders.insert(0, Path(f"/proc/{server}/exe").readlink().parent.parent / "lib" / "irods")
        return next((folder / PLUGIN for folder in folders if (folder / PLUGIN).exists()), None)

    def main_process(self) -> int | None:
        """The main server process; None if it does not run or is unknown.

        For a folder other than /etc/irods only a given pid file is trusted: the server found on this machine may be
        another one.
        """
        files = [self.pid_file] if self.pid_file is not None else list(DEFAULT_PID_FILES) if self.is_usual else []
        for file in files:
            try:
                number = int(file.read_text().strip() or 0)
            except (OSError, ValueError):
                continue
            if number > 1 and _name(number) == _SERVER:
                return number
        if self.pid_file is not None or not self.is_usual:
            return None
        found = [number for number in _processes() if _name(number) == _SERVER and _name(_parent(number)) != _SERVER]
        return found[0] if len(found) == 1 else None

    def service_account(self) -> pwd.struct_passwd | None:
        """The account that the server runs as: the configuration's owner; None if that has no name."""
        try:
            return pwd.getpwuid(self.server_config.stat().st_uid)
        except (OSError, KeyError):
            return None


def state_folder(configured: str, account: pwd.struct_passwd | None) -> Path | None:
    """The state folder of rules that run as this account; None if it is not known. configured: by state_directory."""
    if configured or account is None:
        return Path(configured) if configured else None
    return Path(account.pw_dir) / ".ova-rules"


def _processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _name(number: int) -> str:
    try:
        return Path(f"/proc/{number}/comm").read_text().strip()
    except OSError:
        return ""


def _parent(number: int) -> int:
    try:
        stat = Path(f"/proc/{number}/stat").read_text()
    except OSError:
        return 0
    return int(stat.rpartition(")")[2].split()[1])


def is_root() -> bool:
    """Whether this command may change the owner of files."""
    return os.geteuid() == 0
