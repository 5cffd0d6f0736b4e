"""Decides when a delayed job runs again: reads the EF of its condition. Pure functions of text, time and outcome.

An EF is a span (30s, 5m, 2h, 1d, 1y) and a directive: REPEAT or DOUBLE (the span doubles after each run), then FOR
EVER, UNTIL SUCCESS, `n TIMES`, UNTIL a time, or UNTIL SUCCESS OR one of the last two. A span alone repeats for ever.
(iRODS: the comment on getNextRepeatTime in rcMisc.cpp.)
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from irods_zone.prep.delay import moment, span

_FREQUENCY = re.compile(
    r"""\s*(?P<count>\d+)\s*(?P<unit>[smhdy]?)\s*
        (?:(?P<verb>REPEAT|DOUBLE)\s+
           (?:(?P<ever>FOR\s+EVER)
             |(?P<times>\d+)\s+TIMES
             |(?P<success>UNTIL\s+SUCCESS)
                (?:\s+OR\s+(?:UNTIL\s+(?P<or_until>\S.*)|(?P<or_times>\d+)\s+TIMES)|\s+UPTO\s+(?P<upto>\S.*))?
             |UNTIL\s+(?P<until>\S.*)))?
        (?P<rest>.*)\Z""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True)
class Next:
    """A further run: its time, in seconds since the epoch, and the EF from then on."""

    start: int
    frequency: str


def next_run(frequency: str, now: int, succeeded: bool) -> Next | None:
    """The run after one that ended now, or None if the job is done. No EF: one run, whatever its result."""
    found = _FREQUENCY.match(frequency)
    if not frequency.strip() or not found:
        return None
    if found["success"] and succeeded:
        return None
    wait = span(found["count"] + found["unit"])
    start = now + wait
    until = found["until"] or found["or_until"]
    if until and moment(until.strip(), now) < start:
        return None
    following = frequency
    count = found["times"] or found["or_times"]
    if count:
        left = int(count) - 1
        if left <= 0:
            return None
        name = "times" if found["times"] else "or_times"
        note = "" if "ORIGINAL TIMES" in frequency else f". ORIGINAL TIMES={count}"
        following = frequency[: found.start(name)] + str(left) + frequency[found.end(name) :].rstrip() + note
    doubles = found["verb"] == "DOUBLE" and not (found["upto"] and moment(found["upto"].strip(), now) < start)
    if doubles:
        following = following.replace(found["count"], str(2 * int(found["count"])), 1)
    return Next(start, following)
