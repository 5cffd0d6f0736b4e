"""The delay queue: one job per path and kind, idempotent, retried by iRODS, run as the user whose change caused it.

Kinds, each a function of (catalog, settings, path) in `ova_rules.events.handlers`: a job finds out for itself what there is to do,
so however many changes were made, the last state wins.
"""

from __future__ import annotations

from ova_rules.catalog.writes import Catalog

BUILD = "build"  # a component
CHANGE = "change"  # all that depends on a collection or a source
LIKE = "like"  # a collection with ova_like: makes the components that it should have
CHECK = "check"  # an image, or a collection of images
FETCH = "fetch"  # the source of a component whose ova_url is a URL

_FUNCTION = "ova_job"


# Jobs that may be past what they read, and are still in the queue: one that runs, and some that have ended just now.
_MOST_BEFORE = 3


def queue(catalog: Catalog, kind: str, path: str, *, running: bool = False) -> None:
    """Queues a job, unless one is waiting already.

    running: a job of this kind and path that is in the queue may be past what it reads; one more sees everything since.
    """
    # Hexadecimal: the text must hold no quotes, no `$name` and at most 2700 bytes, whatever the path holds.
    mark = path.encode("utf-8", "surrogateescape").hex()
    call = f"core.{_FUNCTION}('{kind}', '{mark}', callback, rei)"
    if catalog.queued_jobs(f"{kind}', '{mark}'", call) < (1 + _MOST_BEFORE if running else 1):
        catalog.delay(f"import core; {call}")


def path_of(mark: str) -> str:
    """The path that a job's text names."""
    return bytes.fromhex(mark).decode("utf-8", "surrogateescape")
