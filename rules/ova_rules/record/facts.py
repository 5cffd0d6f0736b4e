"""The facts that the server writes about a component: the `ova::…` AVUs, changed in one silent transaction.

`ova::set_by` is not handled here (see `authorship`): it belongs to the AVUs, not to builds.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from ova_rules import names
from ova_rules.catalog.access import Access
from ova_rules.catalog.types import Avu, fact
from ova_rules.catalog.writes import Catalog
from ova_rules.component.model import Component, Inputs
from ova_rules.errors import Changed, ComponentError, one_line
from ova_rules.record import history, remarks
from ova_rules.record.last_build import LastBuild
from ova_rules.record.signing import Signer, is_same

# Facts that a failed build does not change: they describe the last good OVA.
_OF_THE_LAST_GOOD_OVA = (
    names.FINGERPRINT,
    names.BUILT,
    names.INHERITED,
    names.SOURCE,
    names.BUILD,
    names.BUILD_FORMS,
    names.TASKS,
    names.SET,
    names.NOTE,
    names.FORM,
    names.MAC,
    names.HISTORY,
    names.HISTORY_VALUES,
)


def moment(*, milliseconds: bool = False) -> str:
    """The time in the format of facts: UTC, ISO 8601."""
    seconds, thousandths = divmod(time.time_ns() // 1_000_000, 1000)
    fraction = f".{thousandths:03}" if milliseconds else ""
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}{fraction}Z"


def ready(
    catalog: Access,
    now: Inputs,
    last: LastBuild,
    source_path: str,
    taken: Sequence[tuple[str, Avu]],
    secrets: frozenset[Avu],
    further: Sequence[Avu],
    signer: Signer,
) -> list[Avu]:
    """The facts of a component whose ready OVA is now the one that `last` describes.

    taken: the properties that are set, each with the AVU that sets it. secrets: the AVUs that are passwords. further:
    facts that are added as they are.
    """
    component = now.component
    path = component.path
    source = _source(catalog, now, source_path)
    facts = [
        fact(path, names.STATUS, names.READY),
        fact(path, names.FINGERPRINT, last.fingerprint),
        fact(path, names.BUILT, last.built),
        fact(path, names.SOURCE, source),
        *last.avus(component, signer),
        *history.added(component, _entry(catalog, now, last, source, taken, secrets, signer), secrets, signer),
        *further,
        *_set(catalog, now, taken),
        *(
            avu
            for avu in component.facts
            if avu.units in (remarks.OF_READY, f"{remarks.OF_RESTORING} {last.fingerprint}")
        ),
    ]
    facts += _pointers(catalog, now, names.INHERITED, component.contributors)
    return facts + _pointers(catalog, now, names.DEPENDS, now.depends)


def fresh(catalog: Access, now: Inputs) -> list[Avu]:
    """The facts when the last build is right again (a value was set back), without those of a failure in between."""
    component = now.component
    dropped = (names.STATUS, names.MESSAGE, names.DEPENDS, names.PROGRESS)
    kept = [avu for avu in component.facts if avu.attribute not in dropped]
    return [
        *kept,
        fact(component.path, names.STATUS, names.READY),
        *_pointers(catalog, now, names.DEPENDS, now.depends),
    ]


def failed(catalog: Access, now: Inputs, error: ComponentError, signer: Signer, said: Sequence[Avu] = ()) -> list[Avu]:
    """The facts of a component that cannot be built. Those of its last good OVA stay. said: those of its AVUs now.

    The message of a lasting failure carries a signature of its fingerprint, so that a read need not try again. What its
    AVUs name is noted too, so that a correction there causes a build. Nothing else that the client saw is noted.
    """
    component = now.component
    kept = [
        avu
        for avu in component.facts
        if avu.attribute in _OF_THE_LAST_GOOD_OVA and (avu.attribute, avu.units) != (names.NOTE, remarks.OF_AVUS)
    ]
    about = signer.of_failure(component.id, now.fingerprint) if error.lasting else ""
    message = fact(component.path, names.MESSAGE, one_line(str(error)), about)
    return [
        *kept,
        *said,
        *_pointers(catalog, now, names.DEPENDS, now.named),
        fact(component.path, names.STATUS, names.FAILED),
        message,
    ]


def has_failed(now: Inputs, signer: Signer) -> bool:
    """Whether a build from exactly the same inputs has failed, with a lasting failure."""
    message = now.component.fact(names.MESSAGE)
    return message is not None and is_same(message.units, signer.of_failure(now.component.id, now.fingerprint))


def waiting(catalog: Access, now: Inputs, what: str) -> list[Avu]:
    """The facts of a component that waits for another job. They also note what its AVUs name."""
    kept = [avu for avu in queued(now.component, what) if avu.attribute != names.DEPENDS]
    return [*kept, *_pointers(catalog, now, names.DEPENDS, now.named)]


def building(component: Component) -> list[Avu]:
    """The facts of a component while a job builds it."""
    kept = [avu for avu in component.facts if avu.attribute not in (names.STATUS, names.MESSAGE, names.PROGRESS)]
    return [*kept, fact(component.path, names.STATUS, names.BUILDING), percent(component.path, 0)]


def queued(component: Component, what: str) -> list[Avu]:
    """The facts of a component whose build waits in the delay queue."""
    kept = [avu for avu in component.facts if avu.attribute not in (names.STATUS, names.MESSAGE, names.PROGRESS)]
    path = component.path
    return [*kept, fact(path, names.STATUS, names.QUEUED), fact(path, names.MESSAGE, what)]


def write(catalog: Catalog, component: Component, facts: Sequence[Avu]) -> None:
    """Makes `facts` the facts of the component. Does nothing if they already are, or if the client may not.

    A client that may not (one that uploads a source which others use) leaves the facts as they are. That is safe: only
    the fingerprint decides, and the gate computes it for each read. Raises Changed if the component no longer exists.
    """
    old, new = (_without_notes(avus) for avus in (component.facts, facts))
    if old != new and catalog.may_annotate(component.path):
        try:
            catalog.change_facts(component.path, sorted(old - new, key=_order), sorted(new - old, key=_order))
        except RuntimeError:
            if catalog.visible([component.path]):
                raise
            raise Changed from None


def _without_notes(avus: Sequence[Avu]) -> set[Avu]:
    return {avu for avu in avus if avu.attribute != names.SET_BY}


def percent(component: str, number: int) -> Avu:
    """The fact that shows how far a job is."""
    return fact(component, names.PROGRESS, str(number), "percent")


def _pointers(catalog: Access, now: Inputs, attribute: str, paths: frozenset[str]) -> list[Avu]:
    """One fact for each other collection, with only what every reader may know."""
    own = now.component.path
    others = paths - {own}
    if others <= now.public:
        shown = sorted(others)
    else:
        from ova_rules.record.disclosure import shown_collections

        shown = sorted(shown_collections(catalog, now, others).values())
    return [Avu(own, attribute, other) for other in shown]


def _entry(
    catalog: Access,
    now: Inputs,
    last: LastBuild,
    source: str,
    taken: Sequence[tuple[str, Avu]],
    secrets: frozenset[Avu],
    signer: Signer,
) -> history.Entry:
    """The state that the component is in now, without its number."""
    component = now.component
    own = tuple(sorted((avu.attribute, avu.value, avu.units) for avu in history.own_avus(component)))
    others = {avu for _, avu in taken if avu.collection != component.path}
    before = next(iter(history.entries(component, signer)), None)
    known = set(before.inherited) if before is not None else set()
    inherited: list[tuple[str, str | None, str, str]] = [
        (avu.attribute, None if avu in secrets else avu.value, avu.units, avu.collection) for avu in others
    ]
    if not known.issuperset(inherited):  # else what every reader may know was determined before
        from ova_rules.record.disclosure import shown_values

        inherited = shown_values(catalog, now, others)
    time_ = moment(milliseconds=True)
    return history.Entry(0, time_, last.fingerprint, source, own, tuple(sorted(inherited, key=str)), catalog.identity)


def _set(catalog: Access, now: Inputs, taken: Sequence[tuple[str, Avu]]) -> list[Avu]:
    """One fact for each set property: its name, and the collection whose AVU it takes."""
    own = now.component.path
    others = {avu.collection for _, avu in taken} - {own}
    shown = {path: path for path in (own, *others)}
    if not others <= now.public:
        from ova_rules.record.disclosure import shown_collections

        shown.update(shown_collections(catalog, now, others))
    return [fact(own, names.SET, name, shown[avu.collection]) for name, avu in dict.fromkeys(taken)]


def _source(catalog: Access, now: Inputs, path: str) -> str:
    if not any("${" in avu.value for avu in now.component.urls):
        return path
    from ova_rules.record.disclosure import shown_source

    return shown_source(catalog, now, path)


def _order(avu: Avu) -> tuple[str, str, str]:
    return (avu.attribute, avu.value, avu.units)
