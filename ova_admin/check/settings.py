"""Checks the settings file, the state folder and what the settings require. Changes nothing."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from ova_admin import interpreter
from ova_admin.check.finding import Finding, not_applicable, not_ok, note, ok, whole
from ova_admin.install.payload import PACKAGES
from ova_admin.places import Places, is_root, state_folder
from ova_grid.errors import GridError
from ova_rules import settings as rules_settings
from ova_rules.servers.key import KEY_BYTES
from ova_rules.servers.roles import provider_named
from ova_rules.settings import FILE_NAME, Settings

_NAMES = (
    "settings",
    "settings' owner",
    "state folder",
    "key",
    "rules for users",
    "httpx",
    "pycdlib",
    "qemu-img",
    "admin_command",
)


def findings(places: Places) -> Iterator[Finding]:
    """All findings about the settings."""
    return whole(_NAMES, _findings(places))


def _findings(places: Places) -> Iterator[Finding]:
    file = places.etc / FILE_NAME
    problems: list[str] = []
    settings = rules_settings.load(str(places.etc), problems.append)
    if not file.exists():
        yield ok("settings", f"{file} is not there: the defaults")
        yield not_applicable("settings' owner", "there is no file of settings")
    else:
        yield from _file(places, file, problems)
    yield from _state(places, settings)
    yield _gate(settings)
    yield _downloads(places, settings)
    yield _seeds(places)
    yield _disks()
    yield _admin_command(places, settings)


def _file(places: Places, file: Path, problems: list[str]) -> Iterator[Finding]:
    if problems:
        yield not_ok("settings", "; ".join(problems), f"put {file} right; see the line before for what holds meanwhile")
    else:
        yield ok("settings", str(file))
    risk = _writable_by_others(places, file)
    if risk:
        yield not_ok("settings' owner", risk, f"chown root {file} && chmod 644 {file}")
    else:
        yield ok("settings' owner", "only root or the service account may write it")


def _writable_by_others(places: Places, file: Path) -> str:
    state = file.stat()
    account = places.service_account()
    trusted = {0} if account is None else {0, account.pw_uid}
    if state.st_uid not in trusted:
        return f"{file} belongs to {_name(state.st_uid)}"
    if state.st_mode & 0o022:
        return f"{file} has mode {stat.S_IMODE(state.st_mode):04o}: others may write it"
    return ""


def _state(places: Places, settings: Settings) -> Iterator[Finding]:
    account = places.service_account()
    folder = state_folder(settings.state_directory, account)
    if folder is None:
        yield not_applicable("state folder", "the service account is not known")
        return
    if not is_root() and account is not None and account.pw_uid != os.getuid():
        yield not_applicable("state folder", f"{folder} can be looked at by root and {account.pw_name} only")
        return
    try:
        state = folder.lstat()
    except FileNotFoundError:
        yield ok("state folder", f"{folder} is made when it is first needed")
        yield _key(folder / "key", provider_named(str(places.etc)))
        return
    wrong = not stat.S_ISDIR(state.st_mode) or state.st_mode & 0o077 or (account and state.st_uid != account.pw_uid)
    if wrong:
        seen = f"{folder}: {_name(state.st_uid)}, mode {stat.S_IMODE(state.st_mode):04o}"
        name = account.pw_name if account else "the service account"
        yield not_ok("state folder", seen, f"make it a folder of {name} with mode 0700, else no OVA is built or read")
        return
    yield ok("state folder", str(folder))
    yield _key(folder / "key", provider_named(str(places.etc)))


def _key(key: Path, provider: str) -> Finding:
    try:
        state = key.lstat()
    except FileNotFoundError:
        if provider:
            return not_ok("key", f"{key} is not there", f"ssh {provider} ova-admin join --give | ova-admin join")
        return ok("key", f"{key} is made when it is first needed; then keep it with your backups")
    if not stat.S_ISREG(state.st_mode) or state.st_size != KEY_BYTES:
        return not_ok(
            "key", f"{key} is no key", "put it back from a backup, or remove it and set ova_url anew everywhere"
        )
    if state.st_mode & 0o077:
        return not_ok("key", f"{key} may be read by others", f"chmod 600 {key}")
    return ok("key", f"{key}; keep it with your backups")


def _gate(settings: Settings) -> Finding:
    if "*" in settings.rules_for_users:
        return not_ok(
            "rules for users",
            'rules_for_users is ["*"]: any user may run Python as the service account',
            "list the rules that users need instead",
        )
    listed = ", ".join(settings.rules_for_users) or "none"
    return ok("rules for users", f"users may call: {listed}")


def _downloads(places: Places, settings: Settings) -> Finding:
    if not settings.allowed_urls:
        return not_applicable("httpx", "allowed_urls is empty: nothing is downloaded")
    try:
        found = _version_of(places, "httpx")
    except GridError as error:
        return not_ok("httpx", str(error), "see `python` above")
    if found:
        return ok("httpx", found)
    remedy = "install httpx where ova-admin is installed from, then run `ova-admin install` again"
    return not_ok("httpx", "allowed_urls is not empty, but httpx cannot be imported", remedy)


def _seeds(places: Places) -> Finding:
    try:
        found = _version_of(places, "pycdlib")
    except GridError as error:
        return not_ok("pycdlib", str(error), "see `python` above")
    if found:
        return ok("pycdlib", found)
    remedy = "install pycdlib where ova-admin is installed from, then run `ova-admin install` again"
    return note("pycdlib", "cannot be imported: components with ova_forms cannot be built", remedy)


def _disks() -> Finding:
    """qemu-img converts disks; agents look for it along the PATH of the server, which is this one at most."""
    found = shutil.which("qemu-img")
    if found is not None:
        return ok("qemu-img", found)
    text = "is not installed: ova_capture, and ova_forms libvirt, proxmox and openstack, give no disks"
    return note("qemu-img", text, "install it (Debian: qemu-utils)")


def _version_of(places: Places, package: str) -> str:
    """The version of a package as agents import it; "" if they cannot. Raises GridError if there is no interpreter."""
    program = (
        "import sys; sys.path.append(sys.argv[1]); import importlib.metadata as m; "
        "__import__(sys.argv[2]); print(m.version(sys.argv[2]))"
    )
    done = interpreter.find(places).run(program, str(places.current / PACKAGES), package)
    return done.stdout if done.returncode == 0 else ""


def _admin_command(places: Places, settings: Settings) -> Finding:
    if not settings.admin_command:
        return not_applicable("admin_command", "not set: `ova-admin reconcile --every` needs it")
    command = Path(settings.admin_command)
    if not os.access(command, os.X_OK) or not command.is_file():
        return not_ok("admin_command", f"{command} cannot be run", f"set it to {places.prefix / 'bin' / 'ova-admin'}")
    risk = _writable_by_others(places, command)
    if risk:
        return not_ok("admin_command", risk, "it runs as the service account: let root own it, mode 755")
    return ok("admin_command", str(command))


def _name(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)
