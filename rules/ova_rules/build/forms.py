"""The forms of a component: all that `ova_forms` asks for beside the ready OVA, or in it.

Seeds are made before anything is visible: a component with values that no seed can hold fails as a whole. The files for
clouds are made when the ready OVA is in its place, and fail alone. Nothing here is imported for a component without
`ova_forms`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from contextlib import ExitStack

from ova_rules import names
from ova_rules.build import seeds
from ova_rules.build.beside import Shelf, shelf
from ova_rules.build.staleness import View
from ova_rules.build.takings import Takings
from ova_rules.catalog.types import Avu, fact
from ova_rules.catalog.writes import Catalog
from ova_rules.component.source import Source
from ova_rules.record import remarks
from ova_rules.record.last_build import MadeForm
from ova_rules.settings import Settings
from ova_tools.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ova_rules.build.clouds import Clouds
    from ova_tools.enclosure import Enclosed
    from ova_tools.package import Package


@dataclass(frozen=True)
class Beside:
    """What is in its place. forms: for the record of the build; facts: what is said of it."""

    forms: tuple[MadeForm, ...]
    facts: tuple[Avu, ...]


@dataclass(frozen=True)
class Prepared:
    """What is to be beside the ready OVA, or in it.

    enclosed: what is to lie in the ready OVA; content: a hash of what its bytes follow from. waiting: the bytes to
    convert and copy for what is beside it.
    """

    enclosed: tuple[Enclosed, ...]
    content: str
    waiting: int
    _shelf: Shelf
    _discs: tuple[seeds.Disc, ...]
    _clouds: Clouds | None
    _package: Package

    def put_in_place(self, report: Callable[[int], None] | None) -> Beside:
        """Publishes what is not there already. report: is told the bytes that are done, and may raise.

        Raises ComponentError, BusyError while another agent converts the same disk, and Changed.
        """
        catalog, seen = self._shelf.catalog, self._shelf.seen
        path, now = seen.component.path, seen.inputs
        made: list[MadeForm] = []
        shown = seeds.facts_of(catalog, seen, self._discs)
        if now.forms.embedded:
            ready = posixpath.basename(seen.component.ready_path)
            shown.append(fact(path, names.FORM, ready, f"embedded:{now.forms.kind}"))
        if self._clouds is not None:  # first, because disks take long
            from ova_rules.build.clouds import put_all

            found = put_all(self._shelf, self._clouds, self._package, report or (lambda _: None))
            made += found.forms
            shown += [fact(path, names.FORM, name, kind) for name, kind in found.kinds.items()]
            shown += remarks.facts(path, remarks.OF_FORM, found.notes)
        for disc in self._discs if now.forms.beside else ():
            form = seeds.form_of(disc, now.forms.kind, self.content)
            made.append(self._shelf.put(form))
            shown.append(fact(path, names.FORM, form.name, form.kind))
        seeds.note_tasks(self._shelf.settings, seen)
        return Beside(tuple(made), tuple(shown))


def prepared(
    catalog: Catalog,
    settings: Settings,
    seen: View,
    source: Source,
    package: Package,
    takings: Takings,
    stack: ExitStack,
) -> Prepared:
    """Makes what can be made before anything is visible, for as long as `stack`. Raises ComponentError."""
    forms = seen.inputs.forms
    discs = seeds.discs(catalog, settings, seen, package, takings, stack)
    clouds = None
    if forms.clouds:
        from ova_rules.build.clouds import planned

        clouds = planned(seen, source, package, takings, [disc.seed for disc in discs])
    beside = [disc.name for disc in discs] if forms.beside else []
    place = shelf(catalog, settings, seen, source, [*beside, *(clouds.names if clouds is not None else ())])
    for name in beside:
        place.require_place(name)
    waiting = 0
    if clouds is not None:
        from ova_rules.build.clouds import bytes_waiting

        waiting = bytes_waiting(place, clouds)
    enclosed = seeds.enclosed(discs) if forms.embedded else ()
    content = seeds.content_of(settings, seen, takings)
    return Prepared(enclosed, content, waiting, place, tuple(discs), clouds, package)
