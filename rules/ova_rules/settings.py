"""The administrator's settings: one JSON file beside core.py, every key optional.

A wrong key or type is reported (once per agent, in the server log) and the default is used: a typing error in the
settings must never take the zone's users down.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Callable, Mapping
from functools import lru_cache

from ova_tools.records import asdict, dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FILE_NAME = "ova_rules.json"
_DEFAULTS = "defaults are used"


@dataclass(frozen=True)
class Settings:
    """What an administrator may choose. Sizes in bytes, times in seconds."""

    # What a rebuild may read and copy inside a hook; more goes to the delay queue. Shared extents count nothing.
    inline_limit: int = 64 * 1024 * 1024
    # How long a reader waits for a rebuild under way before the read is refused.
    gate_wait: int = 60
    # How many components one change rebuilds inside the hook (an AVU on a grid reaches all of its components).
    inline_components: int = 16
    # AVU attribute -> property key, for spellings that differ between grids and appliances.
    aliases: Mapping[str, str] = field(default_factory=lambda: {"ip_addr": "ipaddr"})
    # "refuse" or "allow": whether AVUs may set properties that are not userConfigurable.
    fixed_properties: str = "refuse"
    # Which rules ordinary users may call with irule; ["*"] lifts the gate (see docs/operations.md before).
    rules_for_users: tuple[str, ...] = ()
    # Where lock files and the key of the seals live, on this server. "" = .ova-rules in the service account's home.
    state_directory: str = ""
    # Which http(s) sources the server downloads: URL prefixes, and ranges (10.1.0.0/16) of addresses that are not
    # public but may be connected to. Empty: none.
    allowed_urls: tuple[str, ...] = ()
    # The most bytes of one download; 0 = no limit.
    fetch_limit: int = 64 * 1024 * 1024 * 1024
    # How long one download may take; what came by then is kept, and the next attempt goes on.
    fetch_time: int = 4 * 3600
    # The path of ova-admin on this server, for `ova-admin reconcile --every`. "" = that job is refused.
    admin_command: str = ""
    # Further names by which the resources' host (RESC_LOC) may call this server.
    local_hosts: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """A hash of what changes the content of a ready OVA."""
        text = json.dumps([sorted(self.aliases.items()), self.fixed_properties])
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def load(directory: str, report: Callable[[str], None]) -> Settings:
    """The settings in `directory`; each mistake is reported in one line and its default used. Raises nothing."""
    settings, problems = _read(os.path.join(directory, FILE_NAME))
    for problem in problems:
        report(problem)
    return settings


@lru_cache(maxsize=4)
def _read(path: str) -> tuple[Settings, list[str]]:
    problems: list[str] = []
    try:
        with open(path, encoding="utf-8") as stream:
            state = os.fstat(stream.fileno())
            if state.st_uid not in (0, os.geteuid()) or state.st_mode & stat.S_IWOTH:
                return Settings(), [f"{path}: others than root and the service account may write it, {_DEFAULTS}"]
            data = json.load(stream)
    except FileNotFoundError:
        return Settings(), problems
    except (OSError, ValueError) as error:
        return Settings(), [f"{path}: not read, defaults are used: {error}"]
    if not isinstance(data, dict):
        return Settings(), [f"{path}: must hold one JSON object; defaults are used"]
    known = set(asdict(Settings()))
    chosen: dict[str, Any] = {}
    for key, value in data.items():
        if key not in known:
            problems.append(f"{path}: {key}: no such setting; known are {', '.join(sorted(known))}")
            continue
        converted = _convert(key, value)
        if converted is None:
            problems.append(f"{path}: {key}: {value!r} is not {EXPECTED[key]}; the default is used")
        else:
            chosen[key] = converted
    return Settings(**chosen), problems


EXPECTED = {
    "inline_limit": "a number of bytes",
    "gate_wait": "a number of seconds",
    "inline_components": "a number",
    "aliases": "an object of strings",
    "fixed_properties": '"refuse" or "allow"',
    "rules_for_users": "a list of rule names",
    "state_directory": "an absolute path",
    "allowed_urls": "a list of URL prefixes and address ranges",
    "fetch_limit": "a number of bytes",
    "fetch_time": "a number of seconds",
    "admin_command": "an absolute path",
    "local_hosts": "a list of host names",
}


def _convert(key: str, value: Any) -> Any:
    """`value` in the type of the setting, or None if it does not fit."""
    if key in ("inline_limit", "gate_wait", "inline_components", "fetch_limit", "fetch_time"):
        fits = isinstance(value, int) and not isinstance(value, bool) and value >= 0
        return value if fits else None
    if key == "aliases":
        if isinstance(value, dict) and all(isinstance(v, str) for v in value.values()):
            return dict(value)
        return None
    if key in ("rules_for_users", "allowed_urls", "local_hosts"):
        if isinstance(value, list) and all(isinstance(v, str) for v in value):
            return tuple(value)
        return None
    if key == "fixed_properties":
        return value if value in ("refuse", "allow") else None
    return value if isinstance(value, str) and value.startswith("/") else None
