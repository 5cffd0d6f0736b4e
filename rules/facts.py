"""What the server writes about a component: the `ova::…` AVUs, changed in one silent transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone

from rules import names
from rules.catalog import Avu, Catalog
from rules.component import Component, View
from rules.errors import ComponentError, one_line

# What a failed build leaves as it was: it describes the last good OVA.
_OF_THE_LAST_GOOD_OVA = (names.FINGERPRINT, names.BUILT, names.INHERITED, names.DEPENDS, names.SOURCE, names.VERIFIED)


def ready(view: View, identity: str, source_identity: str, unmatched: Sequence[Avu]) -> list[Avu]:
    """The facts of a component whose ready OVA is the vault file `identity`."""
    component, source = view.component, view.source
    if source is None:
        raise ValueError("a ready OVA has a source")
    path = component.path
    now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    facts = [
        Avu(path, names.STATUS, names.READY),
        Avu(path, names.FINGERPRINT, view.fingerprint, identity),
        Avu(path, names.BUILT, now),
        Avu(path, names.SOURCE, source.path, f"{source.state} {source_identity} {source.replica.vault_path}"),
        Avu(path, names.VERIFIED, source.state),
    ]
    facts += [Avu(path, names.UNMATCHED, avu.attribute, avu.units) for avu in _distinct(unmatched)]
    facts += [Avu(path, names.INHERITED, collection) for collection in sorted(component.contributors)]
    facts += [Avu(path, names.DEPENDS, other) for other in sorted(view.depends)]
    return facts


def failed(view: View, error: ComponentError) -> list[Avu]:
    """The facts of a component that cannot be built; those of its last good OVA stay.

    The message of a lasting failure carries the fingerprint it is about, so that a read need not try again.
    What it depends on is noted too: setting that right must heal it.
    """
    component = view.component
    units = view.fingerprint if error.lasting else ""
    kept = [avu for avu in component.facts if avu.attribute in _OF_THE_LAST_GOOD_OVA]
    known = {avu.value for avu in kept if avu.attribute == names.DEPENDS}
    kept += [Avu(component.path, names.DEPENDS, other) for other in sorted(view.depends - known)]
    kept.append(Avu(component.path, names.STATUS, names.FAILED))
    kept.append(Avu(component.path, names.MESSAGE, one_line(str(error)), units))
    return kept


def queued(component: Component, what: str) -> list[Avu]:
    """The facts of a component whose build waits in the delay queue."""
    kept = [avu for avu in component.facts if avu.attribute not in (names.STATUS, names.MESSAGE)]
    return [
        *kept,
        Avu(component.path, names.STATUS, names.QUEUED),
        Avu(component.path, names.MESSAGE, what),
    ]


def write(catalog: Catalog, component: Component, facts: Sequence[Avu]) -> None:
    """Makes `facts` the facts of the component; does nothing if they are already."""
    old, new = set(component.facts), set(facts)
    changed = (sorted(old - new, key=_order), sorted(new - old, key=_order))
    catalog.change_facts(component.path, *changed)


def _order(avu: Avu) -> tuple[str, str, str]:
    return (avu.attribute, avu.value, avu.units)


def _distinct(avus: Sequence[Avu]) -> list[Avu]:
    return list({(avu.attribute, avu.units): avu for avu in avus}.values())
