"""The delay queue: one job per path and kind, idempotent, retried by iRODS, run as the user whose change caused it.

A job finds out itself what there is to do (`ova_rules.events.queued`), so the last state wins, however many changes
were made. A job that fails, also because its agent died, is tried MOST_TRIES times in all, with growing pauses. Then it
stops until something changes, that is until it is queued again.
"""

from __future__ import annotations

import time

from ova_rules.errors import ComponentError
from ova_rules.state import forget_tries, note_tries, tries_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from ova_rules.settings import Settings

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
CAPTURE = "capture"  # the image of a collection with ova_capture
FETCH = "fetch"  # the source of a component whose ova_url is a URL

_FUNCTION = "ova_job"

MOST_TRIES = 6
GIVEN_UP = "given up after"  # how the message on a component or an image begins after the last try

# Jobs still in the queue that may have read their input already: a running one, and some that have just ended.
_MOST_BEFORE = 3


def queue(delay_queue: DelayQueue, settings: Settings, kind: str, path: str, *, running: bool = False) -> None:
    """Queues a job, unless one is waiting already.

    running: a queued job of this kind and path may have read its input already; one more job sees all later changes.
    """
    forget_tries(settings.state_directory, f"{kind} {path}")
    # Hexadecimal: the text must hold no quotes, no `$name` and at most 2700 bytes, whatever the path holds.
    encoded = path.encode("utf-8", "surrogateescape").hex()
    call = f"core.{_FUNCTION}('{kind}', '{encoded}', callback, rei)"
    if delay_queue.queued_jobs(f"{kind}', '{encoded}'", call) < (1 + _MOST_BEFORE if running else 1):
        delay_queue.delay(f"import core; {call}")


def path_of(encoded: str) -> str:
    """The path in a job's text."""
    return bytes.fromhex(encoded).decode("utf-8", "surrogateescape")


class Deadline:
    """Counts bytes like a `Progress`; ends a job that takes too long."""

    def __init__(self, settings: Settings) -> None:
        self._seconds = settings.job_time
        self._end = time.monotonic() + settings.job_time

    def __call__(self, count: int) -> None:
        """Raises ComponentError once the time is over."""
        if time.monotonic() > self._end:
            message = f"took longer than {self._seconds} seconds, the limit of the setting job_time"
            raise ComponentError(message, lasting=False)


def begin(settings: Settings, kind: str, path: str) -> bool:
    """Counts one more try before it is made, since its agent may die. False if there were enough tries."""
    label = f"{kind} {path}"
    tries = tries_of(settings.state_directory, label) + 1
    note_tries(settings.state_directory, label, tries)
    return tries <= MOST_TRIES


def end(settings: Settings, kind: str, path: str) -> None:
    """Notes that the job ended well, or because another agent does its work."""
    forget_tries(settings.state_directory, f"{kind} {path}")


def is_last_try(settings: Settings, kind: str, path: str) -> bool:
    """Whether the try that is under way is the last one."""
    return tries_of(settings.state_directory, f"{kind} {path}") >= MOST_TRIES
