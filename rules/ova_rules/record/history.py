"""The last ten states of a component, in `ova::history`, and the way back to one of them (`ova_restore`).

An entry is one AVU: time, fingerprint, JSON, source; units: its number and a signature. The JSON says who caused the
build, the component's own AVUs, and the values that it took from elsewhere. No entry holds a password, nor a value that
a reader of the component may not read: null stands for both. The number gives the order, not the time, because a clock
may be set back. AVU values hold 2700 bytes. If the JSON does not fit, it is stored in pieces in `ova::history_values`
(units: fingerprint and number).
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from ova_rules import names
from ova_rules.catalog.types import VALUE_BYTES, Avu, fact
from ova_rules.component.model import Component
from ova_rules.errors import ComponentError
from ova_rules.record.signing import Signer, is_same
from ova_tools.records import dataclass, replace

LONGEST = 10  # entries
_MOST_BYTES = 256 * 1024  # of all entries, because every reading of the component reads them, too
_ELSEWHERE = "+"


@dataclass(frozen=True)
class Entry:
    """One state of a component: its number, when it was reached (UTC), its source, and whose change caused it.

    avus: its own AVUs (attribute, value, units). inherited: the values it took from elsewhere, each with its
    collection, as far as every reader may know it. A value that is not kept is None.
    """

    number: int
    time: str
    fingerprint: str
    source: str
    avus: tuple[tuple[str, str | None, str], ...]
    inherited: tuple[tuple[str, str | None, str, str], ...] = ()
    user: str = ""


def entries(component: Component, signer: Signer) -> list[Entry]:
    """The entries of a component, the latest first, without those that the server did not write."""
    pieces = pieces_of(component.facts)
    found = []
    for avu in component.facts:
        if avu.attribute == names.HISTORY:
            entry = _parsed(component, avu, pieces, signer)
            found += [entry] if entry is not None else []
    return sorted(found, key=lambda entry: entry.number, reverse=True)


def pieces_of(facts: Iterable[Avu]) -> dict[str, dict[int, str]]:
    """The values that are stored apart from their entries, by fingerprint and number of the piece."""
    pieces: dict[str, dict[int, str]] = {}
    for avu in facts:
        fingerprint, _, number = avu.units.partition(" ")
        if avu.attribute == names.HISTORY_VALUES and number.isdigit():
            pieces.setdefault(fingerprint, {})[int(number)] = avu.value
    return pieces


def _parsed(component: Component, avu: Avu, pieces: dict[str, dict[int, str]], signer: Signer) -> Entry | None:
    found = parsed(avu, pieces)
    if found is None:
        return None
    entry, apart = found
    signature = avu.units.partition(" ")[2]
    if not is_same(signature, signer.of_entry(component.id, f"{entry.number} {avu.value}", apart)):
        return None  # copied from elsewhere, or edited
    return entry


def parsed(avu: Avu, pieces: dict[str, dict[int, str]]) -> tuple[Entry, str] | None:
    """The entry in a fact, with its separately stored values; None if it is no entry. Checks no signature."""
    try:
        number = int(avu.units.partition(" ")[0])
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
        kept = values if isinstance(values, dict) else {"avus": values}  # a list: written by an earlier version
        avus = tuple((str(a), v if v is None else str(v), str(u)) for a, v, u in kept["avus"])
        others = kept.get("inherited", ())
        inherited = tuple((str(a), v if v is None else str(v), str(u), str(c)) for a, v, u, c in others)
        user = str(kept.get("user", ""))
    except (ValueError, KeyError, TypeError):
        return None
    return Entry(number, time, fingerprint, source, avus, inherited, user), apart


def added(component: Component, entry: Entry, secrets: Iterable[Avu], signer: Signer) -> list[Avu]:
    """The facts of the history with `entry`, the present state of the component, as the latest.

    Its number follows from those before. secrets: the AVUs that set passwords. No entry keeps their values, not even
    from the time before the property was a password.
    """
    withheld = {(avu.attribute, avu.units) for avu in secrets}
    before = entries(component, signer)
    number = 1 + max((each.number for each in before), default=0)
    others = [each for each in before if each.fingerprint != entry.fingerprint]
    found: list[Avu] = []
    room = _MOST_BYTES
    for each in [replace(entry, number=number), *others][:LONGEST]:
        avus = tuple((a, None if (a, u) in withheld else v, u) for a, v, u in each.avus)
        inherited = tuple((a, None if (a, u) in withheld else v, u, c) for a, v, u, c in each.inherited)
        written = _written(component, replace(each, avus=avus, inherited=inherited), signer)
        room -= sum(len(avu.value.encode("utf-8", "surrogateescape")) for avu in written)
        if room < 0:
            break
        found += written
    return found


def own_avus(component: Component) -> list[Avu]:
    """What an entry keeps: the component's own `ova_url` and values."""
    return [*component.urls, *(component.own_values)]


def _written(component: Component, entry: Entry, signer: Signer) -> list[Avu]:
    kept = {"user": entry.user, "avus": entry.avus, "inherited": entry.inherited}
    text = json.dumps(kept, ensure_ascii=False, separators=(",", ":"))
    whole = f"{entry.time} {entry.fingerprint} {text} {entry.source}"
    if len(whole.encode("utf-8", "surrogateescape")) <= VALUE_BYTES:
        return [_signed(component, entry, whole, "", signer)]
    text = json.dumps(kept, separators=(",", ":"))  # ASCII, so that one character is one byte
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
    """The entry with a number, or with a fingerprint or its first digits (8 at least). Raises ComponentError."""
    known = entries(component, signer)
    found = [entry for entry in known if entry.fingerprint.startswith(wanted) and len(wanted) >= 8]
    if len(wanted) < 8:
        found = [entry for entry in known if str(entry.number) == wanted]
    if len(found) == 1:
        return found[0]
    choices = ", ".join(f"{entry.number}: {entry.fingerprint} ({entry.time})" for entry in known) or "nothing yet"
    raise ComponentError(f"AVU ova_restore of {component.path}: no entry {wanted} in ova::history; it holds {choices}")


def at(component: Component, moment: str, signer: Signer) -> Entry | None:
    """The entry of the component's state at a time (ISO 8601, UTC); None if the history does not go back so far."""
    return next((entry for entry in entries(component, signer) if entry.time <= moment), None)


def changes(component: Component, entry: Entry) -> tuple[list[Avu], list[Avu]]:
    """AVUs to remove and to add, so that the component's own match the entry. Leaves out those without a kept value."""
    withheld = {(attribute, units) for attribute, value, units in entry.avus if value is None}
    now = {(avu.attribute, avu.value, avu.units) for avu in own_avus(component)}
    now = {avu for avu in now if (avu[0], avu[2]) not in withheld}
    then = {(attribute, value, units) for attribute, value, units in entry.avus if value is not None}
    remove = [Avu(component.path, *avu) for avu in sorted(now - then)]
    return remove, [Avu(component.path, *avu) for avu in sorted(then - now)]
