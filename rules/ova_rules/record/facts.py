"""What the server writes about a component: the `ova::…` AVUs, changed in one silent transaction.

`ova::set_by` is not handled here (see `ova_rules.record.authorship`): it belongs to the AVUs, not to builds.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from ova_rules import names
from ova_rules.build.progress import percent
from ova_rules.catalog.writes import Avu, Catalog
from ova_rules.component.model import Component, View
from ova_rules.errors import Changed, ComponentError, one_line
from ova_rules.record import history
from ova_rules.record.last_build import LastBuild
from ova_rules.record.signing import Seals

# What a failed build leaves as it was: it describes the last good OVA.
_OF_THE_LAST_GOOD_OVA = (
    names.FINGERPRINT,
    names.BUILT,
    names.INHERITED,
    names.SOURCE,
    names.SOURCE_FILE,
    names.VERIFIED,
    names.TASKS,
    names.HISTORY,
    names.HISTORY_VALUES,
)


def now(*, milliseconds: bool = False) -> str:
    """The time as facts have it: UTC, ISO 8601."""
    seconds, thousandths = divmod(time.time_ns() // 1_000_000, 1000)
    fraction = f".{thousandths:03}" if milliseconds else ""
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}{fraction}Z"


def ready(
    view: View, last: LastBuild, built: str, unmatched: Sequence[Avu], tasks: Sequence[Avu], seals: Seals
) -> list[Avu]:
    """The facts of a component whose ready OVA is now the one that `last` describes, built at that time."""
    component = view.component
    path = component.path
    facts = [
        Avu(path, names.STATUS, names.READY),
        Avu(path, names.FINGERPRINT, last.fingerprint, f"{last.version} {seals.of_build(component.id, last.parts)}"),
        Avu(path, names.BUILT, built, last.content),
        Avu(path, names.SOURCE, last.source_path, last.source_state),
        Avu(path, names.SOURCE_FILE, last.source_vault_path, last.source_file),
        Avu(path, names.VERIFIED, last.verified),
        *history.added(component, now(milliseconds=True), last.fingerprint, last.source_path, seals),
        *tasks,
    ]
    facts += [Avu(path, names.UNMATCHED, avu.attribute, avu.units) for avu in _distinct(unmatched)]
    facts += [Avu(path, names.INHERITED, collection) for collection in sorted(component.contributors)]
    return facts + _depends(view, view.inputs.depends)


def fresh(view: View) -> list[Avu]:
    """The facts when the last build is right again (a value was set back): without a failure between."""
    component = view.component
    dropped = (names.STATUS, names.MESSAGE, names.DEPENDS, names.PROGRESS)
    kept = [avu for avu in component.facts if avu.attribute not in dropped]
    return [*kept, Avu(component.path, names.STATUS, names.READY), *_depends(view, view.inputs.depends)]


def failed(view: View, error: ComponentError, seals: Seals) -> list[Avu]:
    """The facts of a component that cannot be built; those of its last good OVA stay.

    The message of a lasting failure carries a seal of the fingerprint it is about, so that a read need not try again.
    What its AVUs name is noted too: setting that right must heal it. Nothing else that the client saw is.
    """
    component = view.component
    kept = [avu for avu in component.facts if avu.attribute in _OF_THE_LAST_GOOD_OVA]
    about = seals.of_failure(component.id, view.inputs.fingerprint) if error.lasting else ""
    message = Avu(component.path, names.MESSAGE, one_line(str(error)), about)
    return [*kept, *_depends(view, view.inputs.named), Avu(component.path, names.STATUS, names.FAILED), message]


def waiting(view: View, what: str) -> list[Avu]:
    """The facts of a component that waits for another job; what its AVUs name is noted, too."""
    kept = [avu for avu in queued(view.component, what) if avu.attribute != names.DEPENDS]
    return [*kept, *_depends(view, view.inputs.named)]


def building(component: Component) -> list[Avu]:
    """The facts of a component while a job builds it."""
    kept = [avu for avu in component.facts if avu.attribute not in (names.STATUS, names.MESSAGE, names.PROGRESS)]
    return [*kept, Avu(component.path, names.STATUS, names.BUILDING), percent(component.path, 0)]


def queued(component: Component, what: str) -> list[Avu]:
    """The facts of a component whose build waits in the delay queue."""
    kept = [avu for avu in component.facts if avu.attribute not in (names.STATUS, names.MESSAGE, names.PROGRESS)]
    path = component.path
    return [*kept, Avu(path, names.STATUS, names.QUEUED), Avu(path, names.MESSAGE, what)]


def write(catalog: Catalog, component: Component, facts: Sequence[Avu]) -> None:
    """Makes `facts` the facts of the component; does nothing if they are already, or if the client may not.

    One who may not (an uploader of a source that others use) leaves the facts as they are: they are not the truth, the
    fingerprint is, and the gate computes it for each read. Raises Changed if the component is not there any more.
    """
    old, new = (_without_notes(avus) for avus in (component.facts, facts))
    if old != new and catalog.may_note(component.path):
        try:
            catalog.change_facts(component.path, sorted(old - new, key=_order), sorted(new - old, key=_order))
        except RuntimeError:
            if catalog.visible([component.path]):
                raise
            raise Changed from None


def _without_notes(avus: Sequence[Avu]) -> set[Avu]:
    return {avu for avu in avus if avu.attribute != names.SET_BY}


def _depends(view: View, on: frozenset[str]) -> list[Avu]:
    own = view.component.path
    return [Avu(own, names.DEPENDS, other) for other in sorted(on - {own})]


def _order(avu: Avu) -> tuple[str, str, str]:
    return (avu.attribute, avu.value, avu.units)


def _distinct(avus: Sequence[Avu]) -> list[Avu]:
    return list({(avu.attribute, avu.units): avu for avu in avus}.values())
