"""AVUs that clients set on a ready OVA itself: they set no property, and a note on the component says so."""

from __future__ import annotations

from ova_rules import names
from ova_rules.catalog.writes import Catalog


def note_avus(catalog: Catalog, path: str) -> None:
    """Makes the component's notes name the AVUs that the ready OVA at `path` has now, if it is one."""
    from ova_rules.component.model import read
    from ova_rules.record import remarks

    collection = names.component_of(path)
    component = read(catalog, collection) if collection is not None else None
    if component is None or path != component.ready_path or not catalog.may_annotate(component.path):
        return
    attributes = sorted({avu.attribute for avu in catalog.avus_of("-d", path)})
    name = path.rpartition("/")[2]
    texts = [f"AVU {each} of {name} sets nothing; set it on the collection" for each in attributes]
    old = {avu for avu in component.facts if (avu.attribute, avu.units) == (names.NOTE, remarks.OF_READY)}
    new = set(remarks.facts(component.path, remarks.OF_READY, texts))
    if old != new:
        catalog.change_facts(component.path, sorted(old - new, key=str), sorted(new - old, key=str))
