"""What one look showed. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import Enum

from ova_rules.errors import one_line


class Outcome(Enum):
    """How a requirement stands. NOTE: it works, and could work better."""

    OK = "ok"
    NOTE = "note"
    NOT_OK = "not ok"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True)
class Finding:
    """One requirement. detail: what was seen; remedy: what to do, '' where nothing is to be done."""

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
    """Met, but."""
    return Finding(name, Outcome.NOTE, one_line(detail), one_line(remedy))


def not_ok(name: str, detail: str, remedy: str) -> Finding:
    """Not met."""
    return Finding(name, Outcome.NOT_OK, one_line(detail), one_line(remedy))


def not_applicable(name: str, detail: str) -> Finding:
    """Cannot be, or need not be, on this server."""
    return Finding(name, Outcome.NOT_APPLICABLE, one_line(detail))


def whole(names: Sequence[str], found: Iterable[Finding], why: str = "see the lines before") -> Iterator[Finding]:
    """What was found, then each of `names` that was not looked at, as not applicable for this reason.

    So every run of `check` has the same requirements, whatever stopped a look.
    """
    missing = list(names)
    for finding in found:
        missing.remove(finding.name)
        yield finding
    yield from (not_applicable(name, why) for name in missing)


def summary(findings: Iterable[Finding]) -> str:
    """How many there are of each outcome: `18 ok, 2 not applicable`."""
    counts = Counter(finding.outcome for finding in findings)
    return ", ".join(f"{counts[outcome]} {outcome.value}" for outcome in Outcome if counts[outcome])
