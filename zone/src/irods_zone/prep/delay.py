"""Puts jobs on the delay queue: reads the condition of a delayExec and stores the job for the requesting user.

`irods_zone.delay_server` runs the jobs.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

from irods_zone.catalog import delay_queue
from irods_zone.errors import CAT_SQL_ERR, SYS_INVALID_INPUT_PARAM, IrodsError
from irods_zone.session import Session

# Bytes of a job's text. (A real server's table takes that many characters, but could not read them back.)
MAX_TEXT = 2700

_PRIORITIES = tuple("123456789")
_TAG = re.compile(r"<(?P<tag>[A-Z_]+)>(?P<value>.*?)</(?P=tag)>", re.DOTALL)
_SPAN = re.compile(r"\s*(\d+)\s*([smhdy]?)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "y": 31536000}
_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)[.\s](\d\d):(\d\d):(\d\d)")
_TIME = re.compile(r"(\d\d?):(\d\d):(\d\d)")


@dataclass(frozen=True)
class DelayCondition:
    """When, how often and where a job runs. `start` is seconds since the epoch; `frequency` the text of EF."""

    start: int
    frequency: str = ""
    instance: str = ""
    priority: int = 5


def parse_condition(text: str, now: float) -> DelayCondition:
    """Read the tags of a delay condition: PLUSET (from now), ET (at a time), EF (repeat), INST_NAME, PRIORITY."""
    tags = {found["tag"]: found["value"].strip() for found in _TAG.finditer(text)}
    start = int(now)
    if "ET" in tags:
        start = moment(tags["ET"], now)
    if "PLUSET" in tags:
        start = (start if "ET" in tags else int(now)) + span(tags["PLUSET"])
    priority = tags.get("PRIORITY", "5")
    if priority not in _PRIORITIES:
        raise IrodsError(SYS_INVALID_INPUT_PARAM, "PRIORITY must be 1 to 9")
    return DelayCondition(start, tags.get("EF", ""), tags.get("INST_NAME", ""), int(priority))


def span(text: str) -> int:
    """The seconds in a span like 30, 30s, 5m, 2h, 1d, 1y."""
    found = _SPAN.match(text)
    if not found:
        raise IrodsError(SYS_INVALID_INPUT_PARAM, f"{text!r} is no span of time such as 30s, 5m, 2h")
    return int(found[1]) * _SECONDS[found[2]]


def moment(text: str, now: float) -> int:
    """The seconds since the epoch of 2026-01-31.13:00:00, a time today (13:00:00), a span from now, a number."""
    if text.isdigit():
        return int(text)
    date = _DATE.match(text)
    if date:
        year, month, day, hour, minute, second = (int(part) for part in date.groups())
        return int(time.mktime((year, month, day, hour, minute, second, 0, 0, -1)))
    clock = _TIME.match(text)
    if clock:
        today = time.localtime(now)
        hour, minute, second = (int(part) for part in clock.groups())
        return int(time.mktime((today.tm_year, today.tm_mon, today.tm_mday, hour, minute, second, 0, 0, -1)))
    if _SPAN.fullmatch(text):
        return int(now) + span(text)
    raise IrodsError(SYS_INVALID_INPUT_PARAM, f"{text!r} is no time such as 2026-01-31.13:00:00")


def enqueue(session: Session, condition: str, text: str) -> int:
    """Put a job on the queue for the session's user, and return its id."""
    try:
        if len(text.encode("utf-8", "surrogateescape")) > MAX_TEXT:
            raise IrodsError(CAT_SQL_ERR, f"the text of a delayed rule is limited to {MAX_TEXT} bytes")
        when = parse_condition(condition, time.time())
    except IrodsError as error:
        session.error_stack.append((error.code, "DEBUG: \n"))
        raise
    return delay_queue.add(
        session.db,
        session.client,
        proxy=session.proxy,
        text=text,
        start=when.start,
        frequency=when.frequency,
        priority=when.priority,
        instance=when.instance,
    )
