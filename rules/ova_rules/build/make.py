"""Makes one ready OVA where its source's file lies: edit, write to a new file, put it in place, write the facts.

The caller holds the component's lock, and has decided that there is something to do (see `build`).
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import ExitStack
from enum import Enum

from ova_rules import names
from ova_rules.build import versions
from ova_rules.build.publish import Content, publish_made
from ova_rules.build.staleness import View, view
from ova_rules.build.takings import LeftOver, Takings, taken
from ova_rules.catalog.types import Avu
from ova_rules.catalog.writes import Catalog
from ova_rules.component.fingerprint import content, file_identity, source_state
from ova_rules.component.model import read, unseen, unseen_error
from ova_rules.component.pointers import hashed
from ova_rules.component.source import Source, version_of
from ova_rules.errors import Changed, ComponentError, TooMuchError
from ova_rules.record import authorship, facts, remarks
from ova_rules.record.last_build import LastBuild, MadeForm
from ova_rules.record.signing import signer_of
from ova_rules.settings import Settings
from ova_rules.state import note_source_file
from ova_tools.records import dataclass, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ova_rules.build.forms import Prepared
    from ova_rules.build.progress import Progress
    from ova_tools.edit import Edit
    from ova_tools.layout import Plan
    from ova_tools.package import Package
    from ova_tools.write import Staged

_LONG_SECONDS = 0.5  # after which AVUs are read again before the OVA becomes visible; the gate sees earlier changes


class State(Enum):
    """The state of a component after a build was requested."""

    NOT_A_COMPONENT = "not a component"
    UNCHANGED = "unchanged"
    BUILT = "built"
    FAILED = "failed"
    QUEUED = "queued"


@dataclass(frozen=True)
class Outcome:
    """The state of a component, and what was done, in words for the journal. left: its AVUs that are of no use."""

    state: State
    done: str = ""
    left: LeftOver | None = None


def permitted_source(catalog: Catalog, settings: Settings, seen: View) -> Source:
    """The source, if the client and the authors of the AVUs may do all that the build does."""
    component, now = seen.component, seen.inputs
    if now.source is None:
        raise now.error or ComponentError(f"{component.path} has no source")
    if "++++" in component.path or len(component.ready_path.encode()) > 1000:
        raise ComponentError(f"{component.path}: iRODS cannot open objects of such a name; rename the collection")
    hidden = unseen(catalog, component, now.resolved)
    if hidden:
        raise unseen_error(now, hidden, catalog.user)
    if not catalog.may_write(component.path):
        raise ComponentError(f"{catalog.user} may not write in {component.path}", lasting=False)
    if now.ready and not catalog.may_replace(component.ready_path):
        raise ComponentError(f"{catalog.user} may not write {component.ready_path}", lasting=False)
    authorship.require_rights(catalog, settings, now, now.source.path)
    return now.source


def make(
    catalog: Catalog, settings: Settings, seen: View, source: Source, *, may_queue: bool, progress: Progress | None
) -> Outcome:
    """Makes the ready OVA and its forms of a component from a source in a vault of this server, and writes the facts.

    may_queue: raises TooMuchError if that is expensive. Raises Changed if something changes meanwhile, ComponentError.
    """
    from ova_tools.errors import OvaError, PropertyError
    from ova_tools.package import read_archive

    start = time.monotonic()
    component, last = seen.component, seen.last
    with ExitStack() as stack:
        try:
            package = stack.enter_context(read_archive(source.replica.vault_path))
            opened = os.fstat(package.fileno())
            if source_state(source.replica, opened) != source.state:
                raise Changed
            takings = taken(settings, seen, package)
            ready = component.ready_path
            forms = None
            if seen.inputs.forms.kind is not None:
                from ova_rules.build.forms import prepared

                forms = prepared(catalog, settings, seen, source, package, takings, stack)
                if may_queue and forms.waiting:
                    raise TooMuchError(f"{forms.waiting} bytes of disks to convert or copy")
                if progress is not None:
                    progress.expect(forms.waiting)
            enclosed, seed = (forms.enclosed, forms.content) if forms is not None else ((), "")
            wanted = content(source.state, settings.digest, takings.values, seed if enclosed else "")
            if last is not None and last.content == wanted and version_of(seen.inputs.ready, settings) == last.version:
                return _kept(catalog, settings, seen, source, takings, last, forms, progress)
            edit = takings.edit(package, enclosed)
            verified = _is_verified(catalog, settings, seen, source)
            if may_queue and _is_expensive(package, edit, source, settings, verified):
                raise TooMuchError(f"{edit.plan.size} bytes to read and copy")
            if progress is not None:
                progress.expect(edit.plan.size if verified else 2 * edit.plan.size)
            if not verified:
                _verify(catalog, settings, source, package, progress)
        except PropertyError as error:
            raise ComponentError(f"{source.path}: {error}") from error
        except OvaError as error:
            message = source.named_in(str(error))
            passing = isinstance(error.__cause__, OSError)  # the file could not be read just now
            raise ComponentError(
                message if source.path in message else f"{source.path}: {message}", lasting=not passing
            ) from error

        def stage(vault_path: str) -> Staged:
            from ova_tools.write import stage as stage_beside

            return stage_beside(plan, package.fileno(), vault_path, report=progress)

        def check() -> None:
            if seen.inputs.ready and seen.inputs.ready[0].size >= versions.PARALLEL_FROM:
                versions.wait_for_readers(settings, ready)
            if source_state(source.replica, os.fstat(package.fileno())) != source.state:
                raise Changed  # it was written while it was copied
            if time.monotonic() - start > _LONG_SECONDS:
                _require_unchanged(catalog, settings, seen)

        plan = _told_apart(settings, ready, seen, edit.plan)
        bytes_ = Content(plan.size, source.replica.resource, stage)  # by the source, so that extents can be shared
        data_id, version = publish_made(catalog, settings, seen.inputs.holds, ready, seen.inputs.ready, bytes_, check)
        if not source.is_copy:  # its file says nothing about a later version of the source
            note_source_file(settings.state_directory, source.path, source.replica.vault_path, source.replica.host)
        beside = forms.put_in_place(progress) if forms is not None else None
        if progress is not None:
            progress.close()
    made = LastBuild(
        built=facts.moment(),
        fingerprint=seen.inputs.fingerprint,
        data_id=data_id,
        version=version,
        content=wanted,
        source=hashed(source.path),
        source_state=source.state,
        source_file=file_identity(opened),
        verified=source.state,
        forms=beside.forms if beside is not None else (),
    )
    _drop_forms(catalog, settings, seen, made.forms)
    notes = [str(each) for each in edit.notes]
    _write_ready(catalog, settings, seen, source, takings, made, notes, beside.facts if beside is not None else None)
    return Outcome(State.BUILT, f"{plan.size} bytes", takings.left_over)


def _kept(
    catalog: Catalog,
    settings: Settings,
    seen: View,
    source: Source,
    takings: Takings,
    last: LastBuild,
    forms: Prepared | None,
    progress: Progress | None,
) -> Outcome:
    """AVUs or tasks changed, but not the content of the ready OVA: it stays and counts as built from these AVUs."""
    _require_unchanged(catalog, settings, seen)
    notes = [avu.value for avu in seen.component.facts if (avu.attribute, avu.units) == (names.NOTE, remarks.OF_IMAGE)]
    beside = forms.put_in_place(progress) if forms is not None else None
    if progress is not None:
        progress.close()
    made = replace(last, fingerprint=seen.inputs.fingerprint, forms=beside.forms if beside is not None else ())
    _drop_forms(catalog, settings, seen, made.forms)
    _write_ready(catalog, settings, seen, source, takings, made, notes, beside.facts if beside is not None else None)
    return Outcome(State.UNCHANGED, "other AVUs, same content", takings.left_over)


def _drop_forms(catalog: Catalog, settings: Settings, seen: View, kept: Sequence[MadeForm]) -> None:
    """Removes the forms of the last build that are no longer made."""
    if seen.last is not None and {form.name for form in seen.last.forms} - {form.name for form in kept}:
        from ova_rules.build.beside import remove_unwanted

        remove_unwanted(catalog, settings, seen, kept)


def _write_ready(
    catalog: Catalog,
    settings: Settings,
    seen: View,
    source: Source,
    takings: Takings,
    made: LastBuild,
    notes: Sequence[str],
    of_forms: Sequence[Avu] | None,
) -> None:
    """of_forms: the facts of what was made beside the ready OVA, with its tasks; None if nothing was made."""
    component = seen.component
    tasks = list(of_forms or ())
    if component.prototypes and of_forms is None:
        from ova_rules.component.prototype import tasks_of
        from ova_rules.record.disclosure import shown_tasks

        tasks = shown_tasks(catalog, seen.inputs, tasks_of(catalog, component))
    further = [
        *tasks,
        *remarks.unmatched(component, takings.unmatched),
        *remarks.facts(component.path, remarks.OF_IMAGE, notes),
        *remarks.facts(component.path, remarks.OF_AVUS, takings.notes),
    ]
    found = facts.ready(
        catalog,
        seen.inputs,
        made,
        source.path,
        takings.taken,
        takings.secrets,
        further,
        signer_of(settings),
    )
    facts.write(catalog, component, found)


def _is_verified(catalog: Catalog, settings: Settings, seen: View, source: Source) -> bool:
    """Whether the disks of this source version were compared with the manifest, for this component or another."""
    if seen.last is not None and seen.last.verified == source.state:
        return True
    from ova_rules.images.check import known_valid

    return known_valid(catalog, settings, source)


def _told_apart(settings: Settings, ready: str, seen: View, plan: Plan) -> Plan:
    """The plan, with a size by which a client's parallel download can tell this version from all others."""
    from ova_tools.layout import padded
    from ova_tools.limits import MAX_PADDING

    if plan.size >= versions.PARALLEL_FROM:
        size = versions.free_size(settings, ready, seen.inputs.ready, plan.size, MAX_PADDING)
        plan = padded(plan, size)
    versions.note_size(settings, ready, plan.size)
    return plan


def _verify(catalog: Catalog, settings: Settings, source: Source, package: Package, progress: Progress | None) -> None:
    """Compares the disks with the manifest, once per version of a source."""
    from ova_rules.images.check import note_checked
    from ova_tools.verify import verify_members

    verify_members(package, progress)
    note_checked(catalog, settings, source, package)


def _is_expensive(package: Package, edit: Edit, source: Source, settings: Settings, verified: bool) -> bool:
    """Whether the build would read and copy more than a hook should. Shared extents cost nothing."""
    from ova_tools.extents import can_share

    if edit.plan.size <= settings.inline_limit:
        return False
    return not verified or not can_share(package.fileno(), os.path.dirname(source.replica.vault_path))


def _require_unchanged(catalog: Catalog, settings: Settings, seen: View) -> None:
    """Raises Changed if the AVUs or the source changed meanwhile: what was made for them would be useless."""
    component = read(catalog, seen.component.path)
    if component is None or view(catalog, settings, component).inputs.fingerprint != seen.inputs.fingerprint:
        raise Changed
