"""Reports, on a collection that is no component, its AVUs that no property of the components below takes.

Considers only AVUs that are set, and the components that are built while the client waits. Writes `ova::unmatched`, and
`ova::note` if a property has a similar name.
"""

from __future__ import annotations

from collections.abc import Sequence

from ova_rules import names
from ova_rules.build.takings import LeftOver
from ova_rules.catalog.types import Avu
from ova_rules.catalog.writes import Catalog
from ova_rules.component.matching import described
from ova_rules.record import remarks


def note_unmatched(catalog: Catalog, path: str, added: Sequence[Avu], left: Sequence[LeftOver]) -> None:
    """Renews these facts of the collection at `path`. left: what the components did not use."""
    avus = catalog.avus([path])
    if any(avu.attribute == names.URL for avu in avus) or not catalog.may_annotate(path):
        return
    before = {avu for avu in avus if _is_ours(avu)}
    there = {(avu.attribute, avu.units) for avu in avus if names.is_value(avu.attribute)}
    told = {(avu.value, avu.units) for avu in before if avu.attribute == names.UNMATCHED}
    new = [avu for avu in added if names.is_value(avu.attribute)]
    if left:
        told |= {(avu.attribute, avu.units) for avu in new if all(avu in each.unmatched for each in left)}
        told -= {(avu.attribute, avu.units) for avu in new if any(avu not in each.unmatched for each in left)}
    hints = {avu: hint for each in reversed(left) for avu, hint in each.hints.items() if avu in new}
    notes = [avu.value for avu in before if avu.attribute == names.NOTE]
    notes = [text for text in (*notes, *hints.values()) if any(_is_about(text, avu, path) for avu in told & there)]
    wanted = {Avu(path, names.UNMATCHED, attribute, units) for attribute, units in told & there}
    wanted.update(remarks.facts(path, remarks.OF_AVUS, notes))
    if before != wanted:
        catalog.change_facts(path, sorted(before - wanted, key=str), sorted(wanted - before, key=str))


def _is_ours(avu: Avu) -> bool:
    return avu.attribute == names.UNMATCHED or (avu.attribute, avu.units) == (names.NOTE, remarks.OF_AVUS)


def _is_about(text: str, avu: tuple[str, str], path: str) -> bool:
    return text.startswith(f"{described(Avu(path, avu[0], '', avu[1]))}: ")
