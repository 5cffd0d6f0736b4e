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
_REMEMBERED = {_SILENT: 30, _BARE: 60}  # seconds in which no agent asks such a server again
_KIND = "no answer"  # of the notes about them: a time, and the reason
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


def ask(channel: Channel, settings: Settings, host: str, kind: str, *, try_again: bool = False, **content: Any) -> Any:
    """The answer of the server `host` to a request of this kind; JSON values.

    try_again: also a server that has just given none is asked.

    Raises AwayError if it gives none, or had a fault, and what the other server raised (ComponentError, Changed …).
    """
    if host in channel.away:
        raise channel.away[host]
    had_none = _require_not_remembered(channel, settings, host, try_again=try_again)
    key = zone_key(settings)
    answer = ""
    try:
        for text in calls(key, channel.identity, host, [kind, content]):
            answer = channel.run_there(host, text)
    except RuntimeError as error:
        found = _CODE.search(str(error))
        code = found.group(1) if found else ""
        reason = _REASONS.get(code, f"iRODS has the error {code}" if code else str(error))
        raise _no_answer(channel, settings, host, reason) from error
    try:
        outcome = unpacked(answer)
        notes, value, error_ = outcome["notes"], outcome.get("value"), outcome.get("error")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _no_answer(channel, settings, host, _BARE) from error
    if had_none:
        forget_note(settings.state_directory, _KIND, host)
    note_again(settings.state_directory, notes)
    if error_ is not None and error_[0] == "SealError":
        raise _away(channel, host, f"refuses: {error_[1]}")
    if error_ is not None:
        raise _raised(host, error_)
    return value


def _require_not_remembered(channel: Channel, settings: Settings, host: str, *, try_again: bool) -> bool:
    """Raises AwayError if it is known that this server gives no answer: iRODS waits for one for up to 100 seconds.

    Returns whether it gave none before; then this agent asks, and the others still do not.
    """
    noted = read_note(settings.state_directory, _KIND, host)
    if noted is None:
        return False
    when, _, reason = noted.partition(" ")
    try:
        ago = time.time() - float(when)
    except ValueError:  # cut short by a power cut
        return True
    if not try_again and 0 <= ago < _REMEMBERED.get(reason, 0):
        raise _away(channel, host, f"gives no answer: {reason}", bare=reason == _BARE)
    write_note(settings.state_directory, _KIND, host, f"{time.time()} {reason}")
    return True


def _no_answer(channel: Channel, settings: Settings, host: str, reason: str) -> AwayError:
    if reason in _REMEMBERED:
        write_note(settings.state_directory, _KIND, host, f"{time.time()} {reason}")
    return _away(channel, host, f"gives no answer: {reason}", bare=reason == _BARE)


def _away(channel: Channel, host: str, why: str, *, bare: bool = False) -> AwayError:
    channel.away[host] = AwayError(f"the server {host} {why}", host, bare=bare)
    return channel.away[host]


def ask_provider(channel: Channel, settings: Settings, kind: str, **content: Any) -> Any:
    """The answer of the server with the catalog: it has the locks, knows what was made, and runs what follows."""
    return ask(channel, settings, provider(), kind, **content)


def provider_against(channel: Channel, settings: Settings, kind: str, **content: Any) -> str | None:
    """Why the server with the catalog is against something, in one line; None if it is not."""
    reason: str | None = ask_provider(channel, settings, kind, **content)
    return reason


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
