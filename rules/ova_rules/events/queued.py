"""The jobs of the delay queue (see `jobs`), each run as the user whose change caused it."""

from __future__ import annotations

from ova_rules import jobs, names
from ova_rules.build.batch import build_all, build_one
from ova_rules.build.build import State, build
from ova_rules.build.completion import complete
from ova_rules.build.staleness import stale
from ova_rules.catalog.writes import Catalog
from ova_rules.component import dependents
from ova_rules.errors import ComponentError
from ova_rules.events.context import context
from ova_rules.faults import report
from ova_rules.settings import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def run(kind: str, encoded_path: str, callback: Any, rei: Any) -> None:
    """Runs a job. Raises what goes wrong, so that iRODS tries again."""
    catalog, settings = context(callback, rei, f"job {kind}")
    path = jobs.path_of(encoded_path)
    try:
        _JOBS[kind](catalog, settings, path)
    except ComponentError as error:  # somebody else is at it, or a web server is away: no fault
        catalog.journal("job", job=kind, path=path, done=f"put off: {error}")
        raise
    except Exception as error:
        report(catalog.log, f"job {kind} {path}", error)
        raise


def _build(catalog: Catalog, settings: Settings, path: str) -> None:
    """One component, with its progress; then what depends on its ready OVA."""
    from ova_rules.build.progress import progress

    with progress(catalog, path) as shown:
        state = build(catalog, settings, path, may_queue=False, wait=settings.gate_wait, progress=shown)
    if state is State.BUILT:
        others = [other for other in dependents.of_components(catalog, [path]) if other != path]
        build_all(catalog, settings, others, path)


def _change(catalog: Catalog, settings: Settings, path: str) -> None:
    """All that a collection, or a source, reaches and that is not what it should be."""
    is_source = names.looks_like_package(path)
    affected = dependents.of_source(catalog, path) if is_source else dependents.of_collection(catalog, path)
    for found in stale(catalog, settings, catalog.annotatable(affected)):
        build_one(catalog, settings, found.component, 0.0)


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
        build_one(catalog, settings, path, settings.gate_wait)  # its ova_url may lead there by a reference
        build_users(catalog, settings, changed)


_JOBS = {jobs.BUILD: _build, jobs.CHANGE: _change, jobs.LIKE: _like, jobs.CHECK: _check, jobs.FETCH: _fetch}
