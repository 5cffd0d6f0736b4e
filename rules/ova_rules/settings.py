"""The administrator's settings: one JSON file beside core.py, every key optional, described in the class `Settings`.

A wrong key or type is reported in the server log, once for each agent, and the default is used: a typing error in the
settings must never stop the zone's users. If the file cannot be read at all, the places of the key and of the known
ready OVAs are unknown: then ready OVAs are neither built nor handed out, and everything else goes on.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Callable, Mapping
from functools import lru_cache

from ova_rules.errors import one_line
from ova_tools.records import dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeVar

    T = TypeVar("T")

FILE_NAME = "ova_rules.json"
_MOST_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Kind:
    """A kind of value. expected: the right form, in words; converted: the value as the rules use it, None if wrong."""

    expected: str
    converted: Callable[[Any], Any]


def _number(value: Any) -> Any:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _strings(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) and all(isinstance(v, str) for v in value) else None


def _mapping(value: Any) -> Any:
    return dict(value) if isinstance(value, dict) and all(isinstance(v, str) for v in value.values()) else None


def _flag(value: Any) -> Any:
    return value if isinstance(value, bool) else None


def _path(value: Any) -> Any:
    return value if isinstance(value, str) and (value == "" or value.startswith("/")) else None


_BYTES = Kind("a number of bytes", _number)
_SECONDS = Kind("a number of seconds", _number)
_COUNT = Kind("a number", _number)
_FLAG = Kind("true or false", _flag)
_PATH = Kind('an absolute path, or ""', _path)
_MAPPING = Kind("an object of strings", _mapping)
_WHO = ("owners", "refuse", "allow")
_WHO_MAY = Kind('"owners", "refuse" or "allow"', lambda value: value if value in _WHO else None)


def _list_of(what: str) -> Kind:
    return Kind(f"a list of {what}", _strings)


@dataclass(frozen=True)
class Setting:
    """One key of the settings file: its kind of value, its default, and its purpose."""

    key: str
    kind: Kind
    default: Any
    text: str


_described: list[tuple[Kind, Any, str]] = []


def _setting(default: T, kind: Kind, text: str) -> T:
    _described.append((kind, default, text))
    return default


@dataclass(frozen=True)
class Settings:
    """The choices of an administrator. Sizes in bytes, times in seconds."""

    inline_limit: int = _setting(64 * 1024 * 1024, _BYTES,
        "What a build may read and copy while the client waits. Larger builds go to the delay queue. "
        "Extents that the file system shares do not count.")  # fmt: skip
    gate_wait: int = _setting(60, _SECONDS,
        "How long a reader waits for a build in progress before the server refuses the read.")  # fmt: skip
    inline_components: int = _setting(16, _COUNT,
        "How many components one change builds while the client waits. The delay queue builds the others.")  # fmt: skip
    aliases: Mapping[str, str] = _setting({"ip_addr": "ipaddr"}, _MAPPING,
        "Maps AVU attributes to property keys, if grids and appliances spell them differently.")  # fmt: skip
    fixed_properties: str = _setting("owners", _WHO_MAY,
        'Whether AVUs may set properties that are not userConfigurable: where an owner says `ova_options` = `fixed` '
        '("owners"), nowhere ("refuse") or everywhere ("allow").')  # fmt: skip
    strict_values: bool = _setting(False, _FLAG,
        "Whether the server refuses a value that does not fit before iRODS stores it, for all components. "
        "`ova_options` = `strict` does so for the components below it.")  # fmt: skip
    seed_roles: Mapping[str, str] = _setting({}, _MAPPING,
        "Further names of properties and AVUs for the roles of a seed. Maps a role such as host-name, address or "
        "gateway to names separated by blanks.")  # fmt: skip
    tasks_limit: int = _setting(256 * 1024 * 1024, _BYTES,
        "The maximum total size of the tasks on one seed.")  # fmt: skip
    disk_limit: int = _setting(2 * 1024**4, _BYTES,
        "The maximum size of a disk that is converted, as its machine sees it.")  # fmt: skip
    rules_for_users: tuple[str, ...] = _setting((), _list_of("rule names"),
        'The rules that ordinary users may call with irule. ["*"] lifts the gate on rule text.')  # fmt: skip
    state_directory: str = _setting("", _PATH,
        'The folder for locks, the key and the known ready OVAs. "" means .ova-rules in the service account\'s home.'
        )  # fmt: skip
    allowed_urls: tuple[str, ...] = _setting((), _list_of("URL prefixes and address ranges"),
        "The http(s) sources that the server may download: URL prefixes, and ranges such as 10.1.0.0/16 of addresses "
        "that are not public but may be connected to. An empty list allows none.")  # fmt: skip
    fetch_limit: int = _setting(64 * 1024 * 1024 * 1024, _BYTES,
        "The maximum size of one download. 0 means no limit.")  # fmt: skip
    fetch_time: int = _setting(4 * 3600, _SECONDS,
        "How long one download may take. The next attempt continues where this one stopped.")  # fmt: skip
    job_time: int = _setting(4 * 3600, _SECONDS,
        "How long a job of the delay queue may build or check one OVA before the server ends it.")  # fmt: skip
    admin_command: str = _setting("", _PATH,
        'The path of ova-admin on this server, for `ova-admin reconcile --every`. "" refuses that job.')  # fmt: skip
    local_hosts: tuple[str, ...] = _setting((), _list_of("host names"),
        "Further names by which the host of a resource may name this server.")  # fmt: skip

    # Why the whole file cannot be used; "" if it can, or if it does not exist.
    unusable: str = field(default="", compare=False)

    @property
    def digest(self) -> str:
        """A hash of the settings that change the content of a ready OVA."""
        text = json.dumps([sorted(self.aliases.items()), self.fixed_properties])
        return hashlib.sha256(text.encode()).hexdigest()[:16]


SETTINGS = {
    key: Setting(key, kind, default, text) for key, (kind, default, text) in zip(Settings.__annotations__, _described)
}


def defaults_text() -> str:
    """The text of a settings file with the defaults."""
    return json.dumps({setting.key: setting.default for setting in SETTINGS.values()}, indent=4) + "\n"


def load(directory: str, report: Callable[[str], None]) -> Settings:
    """The settings in `directory`. Reports each mistake once, in one line, and uses the default. Raises nothing."""
    settings, problems = _read(os.path.join(directory, FILE_NAME))
    while problems:
        report(problems.pop(0))
    return settings


@lru_cache(maxsize=4)
def _read(path: str) -> tuple[Settings, list[str]]:
    try:
        data = read_json(path)
    except FileNotFoundError:
        return Settings(), []
    except (OSError, ValueError, RecursionError) as error:
        reason = one_line(f"{path}: cannot be used: {error}; ready OVAs are neither built nor read until it can")
        return Settings(unusable=reason), [reason]
    problems: list[str] = []
    chosen: dict[str, Any] = {}
    for key, value in data.items():
        if key not in SETTINGS:
            problems.append(f"{path}: {key}: no such setting; known are {', '.join(sorted(SETTINGS))}")
            continue
        kind = SETTINGS[key].kind
        converted = kind.converted(value)
        if converted is None:
            problems.append(one_line(f"{path}: {key}: {value!r} is not {kind.expected}; the default is used"))
        else:
            chosen[key] = converted
    return Settings(**chosen), problems


def read_json(path: str, *, ours: bool = True) -> dict[str, Any]:
    """The JSON object in a file. Raises OSError or ValueError if it must not be trusted. Never blocks.

    ours: it must be root's or this account's, and written by nobody else.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, encoding="utf-8") as stream:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode):
            raise ValueError("it is no file")
        if ours and (state.st_uid not in (0, os.geteuid()) or state.st_mode & stat.S_IWOTH):
            raise ValueError("others than root and the service account may write it")
        if state.st_size > _MOST_BYTES:
            raise ValueError(f"it has more than {_MOST_BYTES} bytes")
        data = json.load(stream)
    if not isinstance(data, dict):
        raise ValueError("it must hold one JSON object")
    return data
