"""Builds: brings the ready OVA and the facts of one component up to date. Idempotent; the same in a hook and in a job.

Under the component's lock: read the AVUs again, compute the fingerprint, edit, write to a new file, check that nothing
changed meanwhile, put it in place, write the facts. A build that fails leaves the last good OVA and says why in
`ova::message`; what it raises is a fault of ours or of the server.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import ExitStack
from enum import Enum

from ova_rules import jobs, names
from ova_rules.build import versions
from ova_rules.build.ownership import is_ours, is_unnoted, require_free, require_ours
from ova_rules.build.publish import Content, note_as_made, publish_made
from ova_rules.build.staleness import View, view
from ova_rules.build.takings import LeftOver, MisfitError, Takings, left_over_of, taken
from ova_rules.catalog.types import Avu
from ova_rules.catalog.writes import Catalog
from ova_rules.component import strictness
from ova_rules.component.fingerprint import content, file_identity, source_state
from ova_rules.component.model import Component, read, unseen, unseen_error
from ova_rules.component.pointers import hashed
from ova_rules.component.source import Source, version_of
from ova_rules.errors import (
    AwayError,
    BehindError,
    BusyError,
    Changed,
    ComponentError,
    OutdatedError,
    TooMuchError,
    WaitingError,
)
from ova_rules.locks import locked
from ova_rules.record import authorship, facts, remarks
from ova_rules.record.last_build import LastBuild, MadeForm
from ova_rules.record.signing import signer_of
from ova_rules.settings import Settings
from ova_rules.state import forget_made, made_at, note_made, note_source_file
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
_ATTEMPTS = 5  # times that a source or AVU may change under a build before it gives up


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


@dataclass(frozen=True)
class _Order:
    """How to build a component: whether the delay queue may do it, and who watches the progress.

    helped: the results of the components whose ready OVAs it is made from; None if these are not to be built. reading:
    a read asks for the build. It must not tell others that a component failed because this reader lacks a right.
    """

    may_queue: bool
    progress: Progress | None
    helped: dict[str, State] | None
    reading: bool = False


def build(
    catalog: Catalog,
    settings: Settings,
    path: str,
    *,
    may_queue: bool,
    wait: float,
    progress: Progress | None = None,
    upstream: bool = True,
    reading: bool = False,
) -> Outcome:
    """Brings the component at `path` up to date, or hands it to the delay queue if it is expensive and may_queue.

    upstream: the components whose ready OVAs it is made from are brought up to date first. reading: a read asks for the
    build; a failure that another client might not meet is then shown to nobody else. Raises BusyError if another agent
    builds the component for longer than `wait` seconds.
    """
    order = _Order(may_queue, progress, {} if upstream else None, reading)
    return _journaled(catalog, settings, path, order, wait)


def _journaled(catalog: Catalog, settings: Settings, path: str, order: _Order, wait: float) -> Outcome:
    start = time.monotonic()
    outcome = _build(catalog, settings, path, order, wait)
    if outcome.state is State.BUILT:  # what was found about components made from it no longer holds
        catalog.found_fresh = {path}
    if outcome.state is not State.NOT_A_COMPONENT:
        milliseconds = round(1000 * (time.monotonic() - start))
        done = f"{outcome.state.value}: {outcome.done}" if outcome.done else outcome.state.value
        catalog.journal("component", component=path, done=done, ms=milliseconds)
    return outcome


def _build(catalog: Catalog, settings: Settings, path: str, order: _Order, wait: float) -> Outcome:
    for _ in range(_ATTEMPTS):
        try:
            with locked(settings.state_directory, path, wait):
                component = read(catalog, path)
                if component is None:
                    return Outcome(State.NOT_A_COMPONENT)
                if order.progress is not None:
                    component = _building(catalog, component)
                return _build_once(catalog, settings, component, order)
        except Changed:
            continue
        except BehindError as behind:  # outside the lock: no agent waits for a lock while it holds one
            helped = order.helped if order.helped is not None else {}
            for upstream in behind.chain:  # each finds the one before it built, or the reason in `helped`
                if upstream not in helped:
                    below = _Order(order.may_queue, None, helped, order.reading)
                    helped[upstream] = _journaled(catalog, settings, upstream, below, wait).state
    raise ComponentError(f"{path}: its source or AVUs change faster than it can be built; try again", lasting=False)


def _building(catalog: Catalog, component: Component) -> Component:
    """Notes that a job builds it, then reads again: a later change of an AVU shows that another job is needed."""
    facts.write(catalog, component, facts.building(component))
    return read(catalog, component.path) or component


def queue(catalog: Catalog, settings: Settings, component: Component) -> None:
    """Queues a job for a component, unless one waits that has not begun to read: a job sets `building` before it reads.

    Only the status `queued` counts: a job that has built, and said so, stays in the queue for a moment.
    """
    status = component.fact(names.STATUS)
    waits = status is not None and status.value == names.QUEUED
    jobs.queue(catalog, settings, jobs.BUILD, component.path, running=not waits)


def _build_once(catalog: Catalog, settings: Settings, component: Component, order: _Order) -> Outcome:
    seen = view(catalog, settings, component)
    now = seen.inputs
    authorship.forget_authors(catalog, settings, component)
    strictness.note(settings, component)
    try:
        if seen.fresh:
            facts.write(catalog, component, facts.fresh(catalog, now))
            note_as_made(settings, now.holds, component.ready_path, now.ready)
            return Outcome(State.UNCHANGED)
        is_away = now.source is not None and bool(now.source.host)
        if not (is_away and now.ready and is_unnoted(settings, component.ready_path, now.ready)):
            require_ours(settings, component.ready_path, now.ready, seen.last)
        source = _permitted_source(catalog, settings, seen)
        if not now.ready:
            require_free(catalog, settings, source, component.ready_path)
        if seen.last is None or not seen.last.is_from(source.path):
            from ova_rules.images.in_use import changed

            changed(catalog, settings, component.path, None, source.path)
        if source.host:
            return _made_there(catalog, settings, seen, source, order)
        return _make(catalog, settings, seen, source, order)
    except TooMuchError as work:
        return _queued(catalog, settings, component, str(work))
    except BehindError as behind:
        if order.helped is not None and behind.upstream not in order.helped:
            raise
        # The job that builds the source goes on with this one.
        if (order.helped or {}).get(behind.upstream) is State.QUEUED:
            facts.write(catalog, component, facts.waiting(catalog, now, str(behind)))
            return Outcome(State.QUEUED, str(behind))
        return _failed(catalog, settings, seen, behind, order)
    except WaitingError as waiting:
        is_later = isinstance(waiting, OutdatedError)  # than what a running job may have brought
        jobs.queue(catalog, settings, jobs.FETCH, component.path, running=is_later)
        facts.write(catalog, component, facts.waiting(catalog, now, str(waiting)))
        return Outcome(State.QUEUED, str(waiting))
    except BusyError:
        raise
    except AwayError as away:
        if order.progress is not None:
            raise  # the job is tried again
        if order.reading:
            return _failed(catalog, settings, seen, away, order)
        jobs.queue(catalog, settings, jobs.BUILD, component.path)
        facts.write(catalog, component, facts.waiting(catalog, now, str(away)))
        return Outcome(State.QUEUED, str(away))
    except ComponentError as error:
        return _failed(catalog, settings, seen, error, order)


def _made_there(catalog: Catalog, settings: Settings, seen: View, source: Source, order: _Order) -> Outcome:
    """Lets the server that has the source's file build: it does the work of `make_here`. This one keeps the lock."""
    from ova_rules.servers.asking import ask

    if order.progress is not None:
        order.progress.leave()  # to the other server
    path, now = seen.component.ready_path, seen.inputs
    is_first = not now.ready and made_at(settings.state_directory, path) is None
    if is_first:  # if that server dies before it answers, the gate knows all the same what this may be
        note_made(settings.state_directory, path, "")
    try:
        answer = ask(
            catalog,
            settings,
            source.host,
            "make",
            path=seen.component.path,
            fingerprint=now.fingerprint,
            digest=settings.digest,
            may_queue=order.may_queue,
            is_job=order.progress is not None,
            sizes=versions.sizes_of(settings, [path, *(f"{seen.component.path}/{name}" for name in now.made)]),
            known=not now.ready or is_ours(settings, path, now.ready, seen.last),
        )
    except AwayError:
        raise
    except Exception:
        noted = made_at(settings.state_directory, path)
        if is_first and noted is not None and noted[0] == "":
            forget_made(settings.state_directory, path)
        raise
    if "misfit" in answer:
        message, lasting, said = answer["misfit"]
        raise MisfitError(ComponentError(message, lasting=lasting), [Avu(*parts) for parts in said])
    left = left_over_of(answer["left"]) if answer["left"] is not None else None
    return Outcome(State(answer["state"]), f"{answer['done']}, on {source.host}", left)


def make_here(
    catalog: Catalog,
    settings: Settings,
    path: str,
    fingerprint: str,
    *,
    may_queue: bool,
    progress: Progress | None,
    known: bool,
) -> Outcome:
    """Builds from a source in a vault of this server, for the server that has the catalog and holds the lock.

    fingerprint: of what that server saw. known: whether it knows that the ready OVA is one of ours; else that must be
    noted here, where an agent may have died before it said so. Raises Changed if this server sees something else, and
    what `_make` raises.
    """
    component = read(catalog, path)
    seen = view(catalog, settings, component) if component is not None else None
    if seen is None or seen.inputs.fingerprint != fingerprint:
        raise Changed
    source = _permitted_source(catalog, settings, seen)
    if source.host:
        raise ComponentError(f"{source.path}: its file is not on the server that was asked", lasting=False)
    if not seen.inputs.ready:
        require_free(catalog, settings, source, seen.component.ready_path)
    elif not known:
        require_ours(settings, seen.component.ready_path, seen.inputs.ready, seen.last)
    return _make(catalog, settings, seen, source, _Order(may_queue, progress, None))


def _failed(catalog: Catalog, settings: Settings, seen: View, error: ComponentError, order: _Order) -> Outcome:
    if error.lasting or not order.reading:
        said = error.said if isinstance(error, MisfitError) else ()
        facts.write(catalog, seen.component, facts.failed(catalog, seen.inputs, error, signer_of(settings), said))
    return Outcome(State.FAILED, str(error))


def _permitted_source(catalog: Catalog, settings: Settings, seen: View) -> Source:
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
    authorship.require_rights(catalog, settings, now, now.source)
    return now.source


def _make(catalog: Catalog, settings: Settings, seen: View, source: Source, order: _Order) -> Outcome:
    from ova_tools.errors import OvaError, PropertyError
    from ova_tools.package import read_archive

    start = time.monotonic()
    component, last = seen.component, seen.last
    progress = order.progress
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
                if order.may_queue and forms.waiting:
                    raise TooMuchError(f"{forms.waiting} bytes of disks to convert or copy")
                if progress is not None:
                    progress.expect(forms.waiting)
            enclosed, seed = (forms.enclosed, forms.content) if forms is not None else ((), "")
            wanted = content(source.state, settings.digest, takings.values, seed if enclosed else "")
            if last is not None and last.content == wanted and version_of(seen.inputs.ready, settings) == last.version:
                return _kept(catalog, settings, seen, source, takings, last, forms, progress)
            edit = takings.edit(package, enclosed)
            verified = _is_verified(catalog, settings, seen, source)
            if order.may_queue and _is_expensive(package, edit, source, settings, verified):
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


def _queued(catalog: Catalog, settings: Settings, component: Component, work: str) -> Outcome:
    message = f"{work}; waits in the delay queue"
    facts.write(catalog, component, facts.queued(component, message))
    queue(catalog, settings, component)
    return Outcome(State.QUEUED, message)


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
