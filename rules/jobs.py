"""The delay queue: one job per component, idempotent, retried by iRODS, run as the user whose change caused it."""

from __future__ import annotations

from rules.catalog import Catalog

_FUNCTION = "ova_build_job"
# One job may be running and about to finish with what it read; a second one waiting sees everything since.
_MOST_JOBS = 2


def queue(catalog: Catalog, path: str) -> None:
    """Queues a build of the component at `path`, unless one is waiting already."""
    # Hexadecimal: the text must hold no quotes, no `$name` and at most 2700 bytes, whatever the path holds.
    mark = path.encode("utf-8", "surrogateescape").hex()
    call = f"core.{_FUNCTION}('{mark}', callback, rei)"
    if catalog.queued_jobs(f"{mark}'", call) < _MOST_JOBS:
        catalog.delay(f"import core; {call}")


def path_of(mark: str) -> str:
    """The component that a job's text names."""
    return bytes.fromhex(mark).decode("utf-8", "surrogateescape")
