"""The Python that PREP embeds, and programs run with it.

PREP is linked to one libpython. What it imports must be compiled for that version, and only that version's standard
library shows which modules it will have.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ova_admin.errors import AdminError
from ova_admin.places import Places, is_root
from ova_rules.errors import one_line

OLDEST = (3, 9)
_LIBPYTHON = re.compile(rb"libpython3\.(\d+)[a-z]*\.so")
_FOLDERS = "/usr/bin:/usr/local/bin:/bin"


@dataclass(frozen=True)
class Interpreter:
    """A Python program and its version (major, minor)."""

    path: Path
    version: tuple[int, int]

    @property
    def name(self) -> str:
        """The name as people write it."""
        return "python{}.{}".format(*self.version)

    def run(self, program: str, *arguments: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Runs Python text, isolated from the caller's environment, without leaving bytecode."""
        command = [str(self.path), "-I", "-B", "-c", program, *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=timeout)  # noqa: S603 - ours

    def run_as_service(
        self, places: Places, program: str, *arguments: str, variables: Mapping[str, str], timeout: float
    ) -> subprocess.CompletedProcess[str]:
        """Runs Python text as `run` does, with only these variables, and as the service account if this is root."""
        account = places.service_account() if is_root() else None
        home = account.pw_dir if account is not None else str(Path.home())
        as_account: dict[str, Any] = (
            {} if account is None else {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        )
        return subprocess.run(  # noqa: S603 - ours
            [str(self.path), "-I", "-B", "-c", program, *arguments],
            capture_output=True,
            text=True,
            timeout=timeout,
            cwd="/",
            env={"PATH": os.defpath, "HOME": home, **variables},
            **as_account,
        )


def linked_version(plugin: Path) -> tuple[int, int] | None:
    """The Python that the plugin is linked to, from the names of the libraries that it needs."""
    found = _LIBPYTHON.search(plugin.read_bytes())
    return (3, int(found[1])) if found else None


def find(places: Places) -> Interpreter:
    """The interpreter of PREP's Python: the given one, else the system's with the version that PREP is linked to.

    Raises AdminError.
    """
    if places.python is not None:
        return _checked(places.python)
    plugin = places.find_plugin()
    if plugin is None:
        raise AdminError(
            "PREP is not installed (libirods_rule_engine_plugin-python.so was not found): install the package "
            "irods-rule-engine-plugin-python, or say where it is with --plugin, or its interpreter with --python"
        )
    version = linked_version(plugin)
    if version is None:
        raise AdminError(f"{plugin}: does not tell which libpython it needs; name its interpreter with --python")
    program = shutil.which("python{}.{}".format(*version), path=_FOLDERS)
    if program is None:
        raise AdminError(
            "PREP is linked to Python {}.{}, but there is no such program; name it with --python".format(*version)
        )
    return _checked(Path(program))


def _checked(path: Path) -> Interpreter:
    path = path.absolute() if path.exists() else Path(shutil.which(path) or path)  # the launcher names it, too
    bare = Interpreter(path, OLDEST)
    try:
        done = bare.run("import sys; print(*sys.version_info[:2])")
    except (OSError, subprocess.SubprocessError) as error:
        raise AdminError(f"{path}: is no Python: {error}") from error
    if done.returncode != 0:
        raise AdminError(f"{path}: is no Python: {one_line(done.stderr)}")
    major, minor = done.stdout.split()
    return Interpreter(path, (int(major), int(minor)))
