"""The states of a component over time, and what changed from one to the next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ova_grid.errors import GridError
from ova_rules import names
from ova_rules.catalog.types import Avu
from ova_rules.record.history import Entry, parsed, pieces_of

_FEWEST_DIGITS = 8


@dataclass(frozen=True)
class Value:
    """A value of a state. collection: that of the AVU, '' for the component's own; value: None if withheld."""

    attribute: str
    value: str | None
    units: str
    collection: str = ""


@dataclass(frozen=True)
class State:
    """A state: its number, when it was reached (UTC, ISO 8601), whose change caused it, and its source."""

    number: int
    time: str
    fingerprint: str
    user: str
    source: str
    values: tuple[Value, ...]

    @property
    def withheld(self) -> frozenset[tuple[str, str]]:
        """Attribute and units of the values that are not kept."""
        return frozenset((each.attribute, each.units) for each in self.values if each.value is None)


@dataclass(frozen=True)
class Change:
    """The changes of one step: values added and removed, and the previous source if it was another one."""

    came: tuple[Value, ...]
    went: tuple[Value, ...]
    source_before: str = ""


def states(facts: Iterable[Avu]) -> list[State]:
    """The states in a component's facts, the latest first."""
    facts = list(facts)
    pieces = pieces_of(facts)
    found = (parsed(avu, pieces) for avu in facts if avu.attribute == names.HISTORY)
    entries = [each[0] for each in found if each is not None]
    return [_state(entry) for entry in sorted(entries, key=lambda entry: entry.number, reverse=True)]


def _state(entry: Entry) -> State:
    own = tuple(Value(*avu) for avu in entry.avus)
    inherited = tuple(Value(a, v, u, collection) for a, v, u, collection in entry.inherited)
    return State(entry.number, entry.time, entry.fingerprint, entry.user, entry.source, (*own, *inherited))


def change(before: State | None, after: State) -> Change:
    """The change from one state to the next. From no state, all values are added."""
    if before is None:
        return Change(after.values, ())
    came = tuple(each for each in after.values if each not in before.values)
    went = tuple(each for each in before.values if each not in after.values)
    return Change(came, went, before.source if before.source != after.source else "")


def find(path: str, known: Sequence[State], wanted: str) -> State:
    """The state with a number, with the first digits of a fingerprint (8 at least), or at a time (UTC).

    Raises GridError if there is none.
    """
    for state in known:
        if wanted == str(state.number) or (len(wanted) >= _FEWEST_DIGITS and state.fingerprint.startswith(wanted)):
            return state
    if "-" in wanted:
        for state in known:
            if state.time <= wanted:
                return state
    choices = ", ".join(f"{state.number} ({state.time})" for state in known) or "nothing yet"
    raise GridError(f"{path}: its history has no state {wanted}; it has {choices}")
