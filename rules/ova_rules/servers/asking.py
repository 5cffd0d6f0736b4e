"""Asks another server of the zone, as the client, by iRODS's remote execution of one fixed rule (see `envelope`).

The first request of an agent to a server costs that server's agent, about 0.1 s; the next ones a millisecond. What the
other server finds wrong with a component arrives here as the same error. See `ova_rules.events.requests` for what may
be asked.
"""

from __future__ import annotations

import re
import time

from ova_rules import errors
from ova_rules.errors import AwayError, BehindError, ComponentError
from ova_rules.servers.envelope import calls, unpacked
from ova_rules.servers.key import zone_key
from ova_rules.servers.roles import provider
from ova_rules.state import forget_note, note_again, read_note, write_note

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

    from ova_rules.settings import Settings

    class Channel(Protocol):
        """iRODS as the client of this agent sees it."""

        @property
        def identity(self) -> str:
            """The client, name#zone."""

        @property
        def away(self) -> dict[str, AwayError]:
            """The servers that gave no answer in this event, and why: each is waited for once."""

        def run_there(self, host: str, text: str) -> str:
            """Runs rule text on another server. Returns its `*ARG3`; raises RuntimeError with iRODS's code."""


_BARE = "it has not got these rules"
_SILENT = "it cannot be reached"
_SILENT_SECONDS = 30  # in which no agent tries again to reach such a server
_KIND = "silent"  # of the notes about them
_CODE = re.compile(r"Error__Code:(-\d+)")
_REASONS = {
    "-305111": "it does not run",
    "-305113": _SILENT,
    "-347000": _SILENT,
    "-4000": "it has ended meanwhile",
    "-21000": "its name is unknown",
    "-1102000": _BARE,
    "-1201000": _BARE,
    "-830000": "its rules let no server ask",
}


def ask(channel: Channel, settings: Settings, host: str, kind: str, **content: Any) -> Any:
    """The answer of the server `host` to a request of this kind; JSON values.

    Raises AwayError if it gives none, or had a fault, and what the other server raised (ComponentError, Changed …).
    """
    if host in channel.away:
        raise channel.away[host]
    was_silent = _require_not_silent(channel, settings, host)
    key = zone_key(settings)
    answer = ""
    try:
        for text in calls(key, channel.identity, host, [kind, content]):
            answer = channel.run_there(host, text)
    except RuntimeError as error:
        found = _CODE.search(str(error))
        code = found.group(1) if found else ""
        reason = _REASONS.get(code, f"iRODS has the error {code}" if code else str(error))
        if reason == _SILENT:
            write_note(settings.state_directory, _KIND, host, str(time.time()))
        raise _away(channel, host, f"gives no answer: {reason}", bare=reason == _BARE) from error
    if was_silent:
        forget_note(settings.state_directory, _KIND, host)
    try:
        outcome = unpacked(answer)
        notes, value, error_ = outcome["notes"], outcome.get("value"), outcome.get("error")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _away(channel, host, f"gives no answer: {_BARE}", bare=True) from error
    note_again(settings.state_directory, notes)
    if error_ is not None and error_[0] == "SealError":
        raise _away(channel, host, f"refuses: {error_[1]}")
    if error_ is not None:
        raise _raised(host, error_)
    return value


def _require_not_silent(channel: Channel, settings: Settings, host: str) -> bool:
    """Raises AwayError if iRODS has just waited in vain for this server: it does so for up to 100 seconds.

    Returns whether it was so before; then this agent tries, and the others still do not.
    """
    noted = read_note(settings.state_directory, _KIND, host)
    if noted is None:
        return False
    try:
        ago = time.time() - float(noted)
    except ValueError:  # cut short by a power cut
        ago = _SILENT_SECONDS
    if 0 <= ago < _SILENT_SECONDS:
        raise _away(channel, host, f"gives no answer: {_SILENT}")
    write_note(settings.state_directory, _KIND, host, str(time.time()))
    return True


def _away(channel: Channel, host: str, why: str, *, bare: bool = False) -> AwayError:
    channel.away[host] = AwayError(f"the server {host} {why}", host, bare=bare)
    return channel.away[host]


def ask_provider(channel: Channel, settings: Settings, kind: str, **content: Any) -> Any:
    """The answer of the server with the catalog: it has the locks, knows what was made, and runs what follows."""
    return ask(channel, settings, provider(), kind, **content)


# ---- errors, as they travel ------------------------------------------------------------------------------------------

_PLAIN = ("HiddenError", "WaitingError", "OutdatedError", "Changed", "TooMuchError")


def told(error: Exception) -> list[Any]:
    """An error as JSON: its kind, its text and what else it holds."""
    kind = type(error).__name__
    if isinstance(error, BehindError):
        return ["BehindError", str(error), list(error.chain)]
    if isinstance(error, errors.BusyError):
        return ["BusyError", str(error), None]
    if isinstance(error, AwayError):
        return ["AwayError", str(error), error.host]
    if kind in _PLAIN:
        return [kind, str(error), None]
    if isinstance(error, (errors.NotJoinedError, errors.UnusableSettingsError, errors.SealError)):
        return ["SealError", str(error), None]
    if isinstance(error, ComponentError):
        return ["ComponentError", str(error), error.lasting]
    return ["Fault", f"{kind}: {error}", None]


def _raised(host: str, outcome: list[Any]) -> Exception:
    kind, text, rest = outcome
    if kind == "BehindError":
        return BehindError(text, tuple(rest))
    if kind == "AwayError":
        return AwayError(text, rest)
    if kind == "ComponentError":
        return ComponentError(text, lasting=rest)
    if kind == "BusyError":
        return errors.BusyError(text, lasting=False)
    if kind in _PLAIN:
        made: Exception = getattr(errors, kind)(text)
        return made
    return AwayError(f"a fault on the server {host}, whose log tells it: {text}", host)
