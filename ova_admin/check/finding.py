"""The result of one check. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import Enum

from ova_rules.errors import one_line


class Outcome(Enum):
    """Whether a requirement is met. NOTE: it works, but could work better."""

    OK = "ok"
    NOTE = "note"
    NOT_OK = "not ok"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True)
class Finding:
    """One requirement. detail: what was seen; remedy: what to do, '' if nothing."""

    name: str
    outcome: Outcome
    detail: str
    remedy: str = ""

    def as_json(self) -> dict[str, str]:
        """For --json."""
        return {**asdict(self), "outcome": self.outcome.value}


def ok(name: str, detail: str) -> Finding:
    """Met."""
    return Finding(name, Outcome.OK, one_line(detail))


def note(name: str, detail: str, remedy: str) -> Finding:
    """Met, with a remark."""
    return Finding(name, Outcome.NOTE, one_line(detail), one_line(remedy))


def not_ok(name: str, detail: str, remedy: str) -> Finding:
    """Not met."""
    return Finding(name, Outcome.NOT_OK, one_line(detail), one_line(remedy))


def not_applicable(name: str, detail: str) -> Finding:
    """Cannot or need not be met on this server."""
    return Finding(name, Outcome.NOT_APPLICABLE, one_line(detail))


def whole(names: Sequence[str], found: Iterable[Finding], why: str = "see the lines before") -> Iterator[Finding]:
    """The findings, then each of `names` that was not checked, as not applicable for this reason.

    So every run of `check` has the same requirements, even if a check was cut short.
    """
    missing = list(names)
    for finding in found:
        missing.remove(finding.name)
        yield finding
    yield from (not_applicable(name, why) for name in missing)


def summary(findings: Iterable[Finding]) -> str:
    """The number of each outcome: `18 ok, 2 not applicable`."""
    counts = Counter(finding.outcome for finding in findings)
    return ", ".join(f"{counts[outcome]} {outcome.value}" for outcome in Outcome if counts[outcome])
