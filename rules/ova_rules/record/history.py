"""The last ten states of a component, in `ova::history`, and the way back to one of them (`ova_restore`).

An entry is one AVU: time, fingerprint, the component's own AVUs as JSON, source; units: its number and a signature.
The number tells the order, not the time: a clock may be set back. AVU values hold 2700 bytes; where the AVUs do not
fit, they stand in `ova::history_values`, in pieces (units: fingerprint and number).
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from ova_rules import names
from ova_rules.catalog.types import VALUE_BYTES, Avu, fact
from ova_rules.component.model import Component
from ova_rules.errors import ComponentError
from ova_rules.record.signing import Signer, is_same
from ova_tools.records import dataclass

LONGEST = 10  # entries
_MOST_BYTES = 256 * 1024  # of all entries: every reading of the component reads them, too
_ELSEWHERE = "+"


@dataclass(frozen=True)
class Entry:
    """A state that a component was in: its number, when it was reached (UTC), of which source, and its own AVUs."""

    number: int
    time: str
    fingerprint: str
    source: str
    avus: tuple[tuple[str, str, str], ...]


def entries(component: Component, signer: Signer) -> list[Entry]:
    """The entries of a component, the latest first; what the server did not write is left out."""
    pieces: dict[str, dict[int, str]] = {}
    for avu in component.facts:
        fingerprint, _, number = avu.units.partition(" ")
        if avu.attribute == names.HISTORY_VALUES and number.isdigit():
            pieces.setdefault(fingerprint, {})[int(number)] = avu.value
    found = []
    for avu in component.facts:
        if avu.attribute == names.HISTORY:
            entry = _parsed(component, avu, pieces, signer)
            found += [entry] if entry is not None else []
    return sorted(found, key=lambda entry: entry.number, reverse=True)


def _parsed(component: Component, avu: Avu, pieces: dict[str, dict[int, str]], signer: Signer) -> Entry | None:
    try:
        time, fingerprint, rest = avu.value.split(" ", 2)
        apart = ""
        if rest.startswith(f"{_ELSEWHERE} "):
            source = rest[len(_ELSEWHERE) + 1 :]
            here = pieces[fingerprint]
            apart = "".join(here[number] for number in sorted(here))
            values = json.loads(apart)
        else:
            values, end = json.JSONDecoder().raw_decode(rest)
            source = rest[end + 1 :]
        avus = tuple((str(attribute), str(value), str(units)) for attribute, value, units in values)
    except (ValueError, KeyError, TypeError):
        return None
    number, _, signature = avu.units.partition(" ")
    if not is_same(signature, signer.of_entry(component.id, f"{number} {avu.value}", apart)):
        return None  # copied here from somewhere, or edited
    return Entry(int(number), time, fingerprint, source, avus)


def added(component: Component, time: str, fingerprint: str, source: str, signer: Signer) -> list[Avu]:
    """The facts of the history with the state that the component is in now as its latest entry."""
    own = sorted((avu.attribute, avu.value, avu.units) for avu in own_avus(component))
    before = entries(component, signer)
    number = 1 + max((entry.number for entry in before), default=0)
    others = [entry for entry in before if entry.fingerprint != fingerprint]
    found: list[Avu] = []
    room = _MOST_BYTES
    for entry in [Entry(number, time, fingerprint, source, tuple(own)), *others][:LONGEST]:
        written = _written(component, entry, signer)
        room -= sum(len(avu.value.encode("utf-8", "surrogateescape")) for avu in written)
        if room < 0:
            break
        found += written
    return found


def own_avus(component: Component) -> list[Avu]:
    """What an entry keeps: the component's own `ova_url` and values."""
    return [*component.urls, *(component.own_values)]


def _written(component: Component, entry: Entry, signer: Signer) -> list[Avu]:
    text = json.dumps([list(avu) for avu in entry.avus], ensure_ascii=False, separators=(",", ":"))
    whole = f"{entry.time} {entry.fingerprint} {text} {entry.source}"
    if len(whole.encode("utf-8", "surrogateescape")) <= VALUE_BYTES:
        return [_signed(component, entry, whole, "", signer)]
    text = json.dumps([list(avu) for avu in entry.avus], separators=(",", ":"))  # ASCII: pieces of so many bytes
    pieces = [text[start : start + VALUE_BYTES] for start in range(0, len(text), VALUE_BYTES)]
    head = f"{entry.time} {entry.fingerprint} {_ELSEWHERE} {entry.source}"
    return [
        _signed(component, entry, head, text, signer),
        *(
            fact(component.path, names.HISTORY_VALUES, piece, f"{entry.fingerprint} {n}")
            for n, piece in enumerate(pieces)
        ),
    ]


def _signed(component: Component, entry: Entry, text: str, values: str, signer: Signer) -> Avu:
    signature = signer.of_entry(component.id, f"{entry.number} {text}", values)
    return fact(component.path, names.HISTORY, text, f"{entry.number} {signature}")


def find(component: Component, wanted: str, signer: Signer) -> Entry:
    """The entry of a fingerprint, or of its first digits (8 at least). Raises ComponentError if there is none."""
    known = entries(component, signer)
    found = [entry for entry in known if entry.fingerprint.startswith(wanted) and len(wanted) >= 8]
    if len(found) == 1:
        return found[0]
    choices = ", ".join(f"{entry.fingerprint} ({entry.time})" for entry in known) or "nothing yet"
    raise ComponentError(f"AVU ova_restore of {component.path}: no entry {wanted} in ova::history; it holds {choices}")


def changes(component: Component, entry: Entry, command: Sequence[Avu]) -> tuple[list[Avu], list[Avu]]:
    """AVUs to remove and to add, for the component to be as the entry says. command: the `ova_restore` AVUs."""
    now = {(avu.attribute, avu.value, avu.units) for avu in own_avus(component)}
    then = set(entry.avus)
    remove = [Avu(component.path, *avu) for avu in sorted(now - then)]
    return [*remove, *command], [Avu(component.path, *avu) for avu in sorted(then - now)]
