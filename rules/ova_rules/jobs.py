"""The delay queue: one job per path and kind, idempotent, retried by iRODS, run as the user whose change caused it.

A job finds out for itself what there is to do (`ova_rules.events.queued`), so however many changes were made, the last
state wins.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class DelayQueue(Protocol):
        """The delay queue as the client of this agent sees it."""

        def queued_jobs(self, part: str, text: str) -> int:
            """How many delayed rules of the client hold `text`, looked for by a part of it that can be quoted."""

        def delay(self, text: str) -> None:
            """Queues Python text as the client, to run soon and again if it fails."""


BUILD = "build"  # a component
CHANGE = "change"  # all that depends on a collection or a source
LIKE = "like"  # a collection with ova_like: makes the components that it should have
CHECK = "check"  # an image, or a collection of images
FETCH = "fetch"  # the source of a component whose ova_url is a URL

_FUNCTION = "ova_job"

# Jobs that may be past what they read, and are still in the queue: one that runs, and some that have ended just now.
_MOST_BEFORE = 3


def queue(delay_queue: DelayQueue, kind: str, path: str, *, running: bool = False) -> None:
    """Queues a job, unless one is waiting already.

    running: a job of this kind and path that is in the queue may be past what it reads; one more sees everything since.
    """
    # Hexadecimal: the text must hold no quotes, no `$name` and at most 2700 bytes, whatever the path holds.
    encoded = path.encode("utf-8", "surrogateescape").hex()
    call = f"core.{_FUNCTION}('{kind}', '{encoded}', callback, rei)"
    if delay_queue.queued_jobs(f"{kind}', '{encoded}'", call) < (1 + _MOST_BEFORE if running else 1):
        delay_queue.delay(f"import core; {call}")


def path_of(encoded: str) -> str:
    """The path that a job's text names."""
    return bytes.fromhex(encoded).decode("utf-8", "surrogateescape")
