"""The prefix: a folder for each installed version, and the link `current`, which is switched in one step.

    PREFIX/versions/0.1.0-1f2e3d4c5b6a/   core.py, rules/ova_rules/, ova_tools/, ova_admin/, packages/
    PREFIX/current -> versions/…          what core.py's block resolves once in each agent
    PREFIX/bin/ova-admin                  this command with PREP's interpreter
    PREFIX/backups/                       what was changed in /etc/irods, and what it was before

An agent that started before a switch goes on with its version, so the previous version is kept.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import subprocess
from pathlib import Path

from ova_admin.errors import AdminError
from ova_admin.install.payload import PACKAGES, RULES, Payload
from ova_admin.interpreter import Interpreter
from ova_rules.errors import one_line

_KEPT = 2
_OURS = {"versions", "bin", "current", "backups"}
_LAUNCHER = """\
#!{python} -IB
import os
import sys

folder = os.path.realpath({current!r})
sys.path[:0] = [folder, os.path.join(folder, {rules!r}), os.path.join(folder, {packages!r})]
from ova_admin.cli import main

sys.exit(main())
"""


def name_of(payload: Payload, python: Interpreter) -> str:
    """The folder's name of this version."""
    return f"{payload.version}-{payload.digest(python.name)[:12]}"


def current_name(prefix: Path) -> str | None:
    """The folder's name of the installed version; None if nothing is installed."""
    try:
        return (prefix / "current").readlink().name
    except OSError:
        return None


def is_whole(prefix: Path, payload: Payload, python: Interpreter) -> bool:
    """Whether exactly this version is installed and none of its files was changed since."""
    name = current_name(prefix)
    if name != name_of(payload, python):
        return False
    folder = prefix / "versions" / name
    launcher = prefix / "bin" / "ova-admin"
    if not launcher.is_file() or launcher.read_text() != _launcher(prefix, python):
        return False
    return all(
        (folder / path).is_file() and (folder / path).read_bytes() == source.read_bytes()
        for path, source in payload.files.items()
    )


def prepare(prefix: Path) -> None:
    """Makes the prefix. Raises AdminError if it is a folder with other content, or cannot be made."""
    if prefix.is_dir() and any(entry.name not in _OURS and entry.name[0] != "." for entry in prefix.iterdir()):
        raise AdminError(f"{prefix}: holds other things; choose a folder of its own with --prefix")
    made = prefix.absolute()
    try:
        for folder in (made, made / "versions", made / "bin"):
            folder.mkdir(mode=0o755, parents=True, exist_ok=True)
            folder.chmod(0o755)
    except OSError as error:
        raise AdminError(f"{prefix}: cannot be made: {error.strerror}; run this as root, or choose --prefix") from error


def stage(prefix: Path, payload: Payload, python: Interpreter) -> Path:
    """Writes the version's folder, compiled. It gets its name only when it is complete.

    Raises AdminError if a file does not compile.
    """
    versions = prefix.absolute() / "versions"
    name = name_of(payload, python)
    work = versions / f".new-{secrets.token_hex(6)}"
    try:
        for path, source in payload.files.items():
            target = work / path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
        compile_folder(work, versions / name, python)
        for folder, _, names in os.walk(work):
            Path(folder).chmod(0o755)
            for each in names:
                (Path(folder) / each).chmod(0o644)
        final = versions / name
        if final.exists():  # changed by hand, or half removed: agents may be using it, so it is only renamed
            final.rename(versions / f".old-{secrets.token_hex(6)}")
        work.rename(final)
        return final
    finally:
        shutil.rmtree(work, ignore_errors=True)


def compile_folder(folder: Path, final: Path, python: Interpreter) -> None:
    """Compiles for the interpreter that PREP embeds, because the service account cannot write bytecode here.

    final: the later path of the folder. Raises AdminError if one of our files does not compile.
    """
    command = [str(python.path), "-I", "-m", "compileall", "-q", "-s", str(folder), "-p", str(final), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)  # noqa: S603 - ours
    ours = [line for line in (done.stdout + done.stderr).splitlines() if PACKAGES + "/" not in line]
    if done.returncode != 0 and any("Error compiling" in line for line in ours):
        raise AdminError(f"{python.name} cannot compile the rules: {one_line(' '.join(ours))}")


def switch(prefix: Path, folder: Path, python: Interpreter) -> None:
    """Makes `folder` the current version, in one step."""
    temporary = prefix / f".current-{secrets.token_hex(6)}"
    temporary.symlink_to(Path("versions") / folder.name)
    temporary.replace(prefix / "current")
    launcher = prefix / "bin" / f".ova-admin-{secrets.token_hex(6)}"
    launcher.write_text(_launcher(prefix, python))
    launcher.chmod(0o755)
    launcher.replace(prefix / "bin" / "ova-admin")


def prune(prefix: Path, current: str) -> None:
    """Removes versions except this one and the previous one, which running agents may still use."""
    folders = [each for each in (prefix / "versions").iterdir() if each.is_dir() and each.name != current]
    folders.sort(key=lambda folder: folder.stat().st_mtime)
    for folder in folders[: -(_KEPT - 1)]:
        shutil.rmtree(folder)


def remove(prefix: Path) -> None:
    """Removes all except the backups. Older agents may still look for their files here, so do it last."""
    for name in ("current", "bin/ova-admin"):
        with contextlib.suppress(FileNotFoundError):
            (prefix / name).unlink()
    for name in ("versions", "bin"):
        shutil.rmtree(prefix / name, ignore_errors=True)
    for folder in (prefix / "backups", prefix):
        with contextlib.suppress(OSError):  # not empty: the backups stay
            folder.rmdir()


def _launcher(prefix: Path, python: Interpreter) -> str:
    current = str(prefix.absolute() / "current")
    return _LAUNCHER.format(python=python.path, current=current, rules=str(RULES), packages=PACKAGES)
