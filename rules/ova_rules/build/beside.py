"""Objects beside the ready OVA, whatever is in them: which are the server's, where they may go, how they get there.

Nothing here is imported for a component without `ova_forms`.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Iterable, Mapping, Sequence

from ova_rules import names
from ova_rules.build import versions
from ova_rules.build.ownership import is_ours, require_free, require_ours
from ova_rules.build.publish import UNKNOWN_SIZE, Content, publish_made
from ova_rules.build.staleness import View
from ova_rules.catalog.types import Replica
from ova_rules.catalog.writes import Catalog
from ova_rules.component.source import Source, version_of
from ova_rules.errors import ComponentError
from ova_rules.record.last_build import MadeForm
from ova_rules.settings import Settings
from ova_rules.state import forget_made
from ova_tools.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ova_tools.extents import Method
    from ova_tools.write import Staged

_PADDING = 1 << 20


@dataclass(frozen=True)
class Form:
    """One object to be beside the ready OVA. content: a hash of what its bytes follow from.

    kind: as `ova::form` has it. size: in bytes, or UNKNOWN_SIZE until it is written; fill: writes it to a new file.
    """

    name: str
    kind: str
    content: str
    size: int
    fill: Callable[[int], Method]


def text_form(name: str, kind: str, content: str, text: bytes) -> Form:
    """A form that is a short text."""

    def fill(descriptor: int) -> Method:
        from ova_tools.extents import Method, write_all

        write_all(descriptor, text, 0)
        return Method.COPIED

    return Form(name, kind, content, len(text), fill)


@dataclass(frozen=True)
class Shelf:
    """Where the forms of one build go: the component's collection, as the client of the event may change it.

    made: the replicas that each has now, by name.
    """

    catalog: Catalog
    settings: Settings
    seen: View
    source: Source
    made: Mapping[str, Sequence[Replica]]

    def path(self, name: str) -> str:
        """The path of the form of this name."""
        return f"{self.seen.component.path}/{name}"

    def require_place(self, name: str) -> None:
        """Raises ComponentError unless the form's place is free or the server's own, and the client may write there."""
        path, replicas = self.path(name), self.made[name]
        if not replicas:
            require_free(self.catalog, self.settings, self.source, path)
            return
        record = record_of(self.seen, name)
        if record is None or record.data_id != replicas[0].data_id:
            require_ours(self.settings, path, replicas)
        if not self.catalog.may_replace(path):
            raise ComponentError(f"{self.catalog.user} may not write {path}", lasting=False)

    def kept(self, name: str, content: str) -> MadeForm | None:
        """The record of a form that is there already, with this content."""
        record = record_of(self.seen, name)
        if record is None or record.content != content:
            return None
        return record if version_of(self.made[name], self.settings) == record.version else None

    def put(self, form: Form) -> MadeForm:
        """Publishes a form, unless it is there. Raises ComponentError, and Changed."""
        kept = self.kept(form.name, form.content)
        if kept is not None:
            return kept
        path, replicas = self.path(form.name), self.made[form.name]
        content = self._content(form, path, replicas)
        data_id, version = publish_made(self.catalog, self.settings, self.seen.inputs.holds, path, replicas, content)
        return MadeForm(form.name, data_id, version, form.content)

    def _content(self, form: Form, path: str, replicas: Sequence[Replica]) -> Content:
        """The form, with a size by which a client's parallel download tells this version from all others."""

        def fill(descriptor: int) -> Method:
            method = form.fill(descriptor)
            size = os.fstat(descriptor).st_size
            if size >= versions.PARALLEL_FROM:
                size = versions.free_size(self.settings, path, replicas, size, _PADDING)
                os.ftruncate(descriptor, size)
            versions.note_size(self.settings, path, size)
            return method

        def stage(vault_path: str) -> Staged:
            from ova_tools.write import stage_with

            return stage_with(fill, vault_path)

        known = form.size if form.size < versions.PARALLEL_FROM else UNKNOWN_SIZE
        return Content(known, self.source.replica.resource, stage)


def shelf(catalog: Catalog, settings: Settings, seen: View, source: Source, names_: Iterable[str]) -> Shelf:
    """The shelf for forms of these names; no query for those that were asked for already."""
    known = dict(seen.inputs.made)
    missing = {f"{seen.component.path}/{name}": name for name in names_ if name not in known}
    if missing:
        known.update({missing[path]: tuple(found) for path, found in catalog.replicas_of(missing).items()})
    return Shelf(catalog, settings, seen, source, known)


def record_of(seen: View, name: str) -> MadeForm | None:
    """What the last build says of the form of this name."""
    return next((form for form in seen.last.forms if form.name == name), None) if seen.last is not None else None


def remove_unwanted(catalog: Catalog, settings: Settings, seen: View, kept: Sequence[MadeForm]) -> None:
    """Removes the forms of the last build that are not made any more; what others have made stays."""
    names_ = {form.name for form in kept}
    for form in seen.last.forms if seen.last is not None else ():
        path = f"{seen.component.path}/{form.name}"
        replicas = seen.inputs.made.get(form.name) or catalog.replicas(path)
        if form.name in names_ or not replicas or replicas[0].data_id != form.data_id:
            continue
        if catalog.may_rename(path):
            catalog.unlink(path)
            forget_made(settings.state_directory, path)


def is_ours_at(settings: Settings, seen: View, path: str) -> bool:
    """Whether the server has made the object at `path` beside the ready OVA."""
    name = posixpath.basename(path)
    replicas, record = seen.inputs.made.get(name, ()), record_of(seen, name)
    if record is not None and replicas and replicas[0].data_id == record.data_id:
        return True
    return bool(replicas) and is_ours(settings, path, replicas)


def file_name(component: str, suffix: str, ending: str) -> str:
    """The name of a form. suffix: of the virtual system, "" where there is one."""
    return f"{posixpath.basename(component)}{f'-{suffix}' if suffix else ''}{ending}"


def reason_if_not_made(seen: View, name: str) -> str | None:
    """Why a form cannot be had although nothing is out of date, in one line; None if it can."""
    record = record_of(seen, name)
    if record is None:
        return f"it is not asked for any more; {names.FORMS} of {seen.component.path} says what is"
    return None if record.is_made else said_of(seen, name)


def said_of(seen: View, name: str) -> str:
    """What the last build noted of a form that it could not make."""
    from ova_rules.record import remarks

    notes = [avu for avu in seen.component.facts if (avu.attribute, avu.units) == (names.NOTE, remarks.OF_FORM)]
    found = next((avu.value for avu in notes if avu.value.startswith(f"{name}: ")), None)
    return found[len(name) + 2 :] if found is not None else "it cannot be made"
