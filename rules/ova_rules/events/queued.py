"""The jobs of the delay queue (see `jobs`), each run as the user whose change caused it."""

from __future__ import annotations

from ova_rules import jobs, names
from ova_rules.build.batch import build_all, build_one
from ova_rules.build.build import build
from ova_rules.build.completion import complete
from ova_rules.build.make import State
from ova_rules.build.staleness import stale, view
from ova_rules.catalog.writes import Catalog
from ova_rules.component import dependents
from ova_rules.errors import AwayError, BusyError, ComponentError, SaidError
from ova_rules.events.context import context
from ova_rules.faults import report
from ova_rules.servers.asking import ask_provider
from ova_rules.servers.roles import provider
from ova_rules.settings import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def run(kind: str, encoded_path: str, callback: Any, rei: Any) -> None:
    """Runs a job. Raises SaidError if iRODS is to try again, or any error from outside the job itself."""
    catalog, settings = context(callback, rei, f"job {kind}")
    path = jobs.path_of(encoded_path)
    if provider():  # it has the locks, and counts the tries
        ask_provider(catalog, settings, "job", job=kind, path=path)
    else:
        run_job(catalog, settings, kind, path)


def run_job(catalog: Catalog, settings: Settings, kind: str, path: str) -> None:
    """Runs a job on the server with the catalog. Raises SaidError if iRODS is to try again."""
    if not jobs.begin(settings, kind, path):  # the last tries did not end at all
        _give_up(catalog, settings, kind, path, ComponentError("its agent died, or was ended"))
        return
    try:
        _JOBS[kind](catalog, settings, path)
    except BusyError as error:  # another agent does this work
        jobs.end(settings, kind, path)
        catalog.journal("job", job=kind, path=path, done=f"put off: {error}")
        raise SaidError(str(error)) from error
    except Exception as error:
        if isinstance(error, ComponentError):  # a web server is away, say: no fault
            catalog.journal("job", job=kind, path=path, done=f"put off: {error}")
        else:
            report(catalog.log, f"job {kind} {path}", error)
        if not jobs.is_last_try(settings, kind, path):
            raise SaidError(str(error)) from error
        fault = ComponentError("a fault, which the server log tells")
        _give_up(catalog, settings, kind, path, error if isinstance(error, ComponentError) else fault)
    else:
        jobs.end(settings, kind, path)


def _give_up(catalog: Catalog, settings: Settings, kind: str, path: str, reason: ComponentError) -> None:
    """Gives the job up until something changes, and notes that on its component or image."""
    from ova_rules.component.model import read
    from ova_rules.images.check import note_unchecked
    from ova_rules.record import facts
    from ova_rules.record.signing import signer_of

    message = f"{jobs.GIVEN_UP} {jobs.MOST_TRIES} tries, until something changes: {reason}"
    catalog.journal("job", job=kind, path=path, done=message)
    if kind == jobs.CHECK:
        note_unchecked(catalog, settings, path, message)
    elif kind == jobs.CAPTURE:
        from ova_rules.captures.capture import note_failed

        note_failed(catalog, path, message)
    elif kind in (jobs.BUILD, jobs.FETCH):
        component = read(catalog, path)
        if component is not None:  # as if lasting: neither a read nor reconcile starts it again
            now = view(catalog, settings, component).inputs
            given_up = ComponentError(message, lasting=not isinstance(reason, AwayError))  # a server may come back
            facts.write(catalog, component, facts.failed(catalog, now, given_up, signer_of(settings)))


def _build(catalog: Catalog, settings: Settings, path: str) -> None:
    """Builds one component, with progress; then what depends on its ready OVA."""
    from ova_rules.build.progress import progress

    with progress(catalog, settings, path) as shown:
        outcome = build(catalog, settings, path, may_queue=False, wait=settings.gate_wait, progress=shown)
    if outcome.state is State.BUILT:
        others = [other for other in dependents.of_components(catalog, [path]) if other != path]
        build_all(catalog, settings, others, path)


def _change(catalog: Catalog, settings: Settings, path: str) -> None:
    """Builds all out-of-date components that a collection, or a source, reaches."""
    is_source = names.looks_like_package(path)
    affected = dependents.of_source(catalog, path) if is_source else dependents.of_collection(catalog, path)
    busy = []
    for found in stale(catalog, settings, catalog.annotatable(affected)):
        try:
            build(catalog, settings, found.component, may_queue=True, wait=0.0)
        except BusyError:  # another job for this change builds it; go on with the rest
            busy.append(found.component)
        except ComponentError:
            build_one(catalog, settings, found.component, 0.0)
        except Exception as error:  # a fault in one stops no other
            report(catalog.log, found.component, error)
    for component in busy:
        build_one(catalog, settings, component, settings.gate_wait)


def _like(catalog: Catalog, settings: Settings, path: str) -> None:
    """Makes all the components that a collection with `ova_like` should have, and builds them."""
    complete(catalog, settings, path)
    _change(catalog, settings, path)


def _check(catalog: Catalog, settings: Settings, path: str) -> None:
    from ova_rules.images.check import run_check

    run_check(catalog, settings, path)


def _fetch(catalog: Catalog, settings: Settings, path: str) -> None:
    """Downloads a source; then all components that name its URL are built, or the one that asked for it."""
    from ova_rules.downloads.fetch import run_fetch
    from ova_rules.events.sources import build_users

    changed = run_fetch(catalog, settings, path)
    if changed is not None:
        build_one(catalog, settings, path, settings.gate_wait)  # its ova_url may be a reference to the download
        build_users(catalog, settings, changed)


def _capture(catalog: Catalog, settings: Settings, path: str) -> None:
    """Makes the image of a captured machine; then all components that use it are built."""
    from ova_rules.captures.capture import run_capture
    from ova_rules.events.sources import build_users

    made = run_capture(catalog, settings, path)
    if made is not None:
        build_users(catalog, settings, made)


_JOBS = {
    jobs.BUILD: _build,
    jobs.CHANGE: _change,
    jobs.LIKE: _like,
    jobs.CHECK: _check,
    jobs.FETCH: _fetch,
    jobs.CAPTURE: _capture,
}
