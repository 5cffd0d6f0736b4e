"""`ova::progress`: how far a long job is, in percent, for users who list the component's AVUs meanwhile."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from ova_rules.catalog.types import Avu
from ova_rules.catalog.writes import Catalog
from ova_rules.jobs import Deadline
from ova_rules.record.facts import percent
from ova_rules.settings import Settings

_EVERY_SECONDS = 0.5


class Progress:
    """Counts bytes, within the time limit of a job. Writes the percentage at most twice a second.

    Not to be called while a lock on AVUs is held.
    """

    def __init__(self, catalog: Catalog, settings: Settings, component: str) -> None:
        self._catalog = catalog
        self._deadline = Deadline(settings)
        self._component = component
        self._done = self._total = 0
        self._may_show = catalog.may_annotate(component)
        self._shown: Avu | None = percent(component, 0)  # as facts.building has written it
        self._next = time.monotonic() + _EVERY_SECONDS

    def expect(self, total: int) -> None:
        """Adds to the number of bytes to come."""
        self._total += total

    def leave(self) -> None:
        """Shows nothing any more: another server does the work, and shows how far it is."""
        self._may_show = False

    def __call__(self, count: int) -> None:
        """Adds the bytes that were done since the last call."""
        self._deadline(count)
        self._done += count
        if self._total and time.monotonic() >= self._next:
            self._show(percent(self._component, min(99, 100 * self._done // self._total)))
            self._next = time.monotonic() + _EVERY_SECONDS

    def _show(self, avu: Avu | None) -> None:
        if avu != self._shown and self._may_show:
            remove = [self._shown] if self._shown else []
            self._catalog.change_facts(self._component, remove, [avu] if avu else [])
            self._shown = avu

    def close(self) -> None:
        """Removes the percentage."""
        if self._may_show and self._shown is not None and self._catalog.visible([self._component]):
            self._show(None)


@contextmanager
def progress(catalog: Catalog, settings: Settings, component: str) -> Iterator[Progress]:
    """The progress of a job of the client; nothing is shown if the client may not change the component's AVUs."""
    shown = Progress(catalog, settings, component)
    try:
        yield shown
    finally:
        shown.close()
