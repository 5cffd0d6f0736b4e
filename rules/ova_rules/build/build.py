"""Builds: brings the ready OVA and the facts of one component up to date. Idempotent; the same in a hook and in a job.

Under the component's lock: read the AVUs again, compute the fingerprint, edit, write to a new file, check that nothing
changed meanwhile, put it in place, write the facts. A build that fails leaves the last good OVA and says why in
`ova::message`; what it raises is a fault of ours or of the server.
"""

from __future__ import annotations

import time

from ova_rules import jobs, names
from ova_rules.build import versions
from ova_rules.build.make import Outcome, State, make, permitted_source
from ova_rules.build.ownership import is_ours, is_unnoted, require_free, require_ours
from ova_rules.build.publish import note_as_made
from ova_rules.build.staleness import View, view
from ova_rules.build.takings import MisfitError, left_over_of
from ova_rules.catalog.types import Avu
from ova_rules.catalog.writes import Catalog
from ova_rules.component import strictness
from ova_rules.component.fingerprint import BUILDER_FORMAT
from ova_rules.component.model import Component, read
from ova_rules.component.source import Source
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
from ova_rules.record import authorship, facts
from ova_rules.record.signing import signer_of
from ova_rules.settings import Settings
from ova_rules.state import forget_made, made_at, note_made
from ova_tools.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ova_rules.build.progress import Progress

_ATTEMPTS = 5  # times that a source or AVU may change under a build before it gives up


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
        source = permitted_source(catalog, settings, seen)
        if not now.ready:
            require_free(catalog, settings, source, component.ready_path)
        if seen.last is None or not seen.last.is_from(source.path):
            from ova_rules.images.in_use import changed

            changed(catalog, settings, component.path, None, source.path)
        if source.host:
            return _made_there(catalog, settings, seen, source, order)
        return make(catalog, settings, seen, source, may_queue=order.may_queue, progress=order.progress)
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
            alike=decided_by(settings),
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


def decided_by(settings: Settings) -> list[str]:
    """What has to be the same on all servers of a zone: they decide by it, each for itself."""
    return [settings.digest, str(BUILDER_FORMAT)]


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
    what `make` raises.
    """
    # The agent that asked may have died meanwhile, and its lock with it.
    with locked(settings.state_directory, f"{path} made here", 0):
        component = read(catalog, path)
        seen = view(catalog, settings, component) if component is not None else None
        if seen is None or seen.inputs.fingerprint != fingerprint:
            raise Changed
        source = permitted_source(catalog, settings, seen)
        if source.host:
            raise ComponentError(f"{source.path}: its file is not on the server that was asked", lasting=False)
        if not seen.inputs.ready:
            require_free(catalog, settings, source, seen.component.ready_path)
        elif not known:
            require_ours(settings, seen.component.ready_path, seen.inputs.ready, seen.last)
        return make(catalog, settings, seen, source, may_queue=may_queue, progress=progress)


def _failed(catalog: Catalog, settings: Settings, seen: View, error: ComponentError, order: _Order) -> Outcome:
    if error.lasting or not order.reading:
        said = error.said if isinstance(error, MisfitError) else ()
        facts.write(catalog, seen.component, facts.failed(catalog, seen.inputs, error, signer_of(settings), said))
    return Outcome(State.FAILED, str(error))


def _queued(catalog: Catalog, settings: Settings, component: Component, work: str) -> Outcome:
    message = f"{work}; waits in the delay queue"
    facts.write(catalog, component, facts.queued(component, message))
    queue(catalog, settings, component)
    return Outcome(State.QUEUED, message)
