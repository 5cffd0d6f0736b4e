"""A progress bar on a terminal for what takes more than a second; silence otherwise.

Must never write to anything but a terminal, and never slow down short work: `rich` is imported after that second.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

_PATIENCE = 1.0  # seconds


class ProgressBar:
    """Counts bytes of `total`; `advance` is the callback that `write` and `verify_members` take."""

    def __init__(self, action: str, total: int) -> None:
        self._action, self._total, self._done = action, total, 0
        self._start = time.monotonic()
        self._bar: Bar | None = None
        self._task: TaskID | None = None

    def advance(self, count: int) -> None:
        """Note that `count` further bytes are done."""
        self._done += count
        if self._bar is None and time.monotonic() - self._start > _PATIENCE and sys.stderr and sys.stderr.isatty():
            self._show()
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=self._done)

    def _show(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
        from rich.progress import Progress as Bar

        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        self._bar = Bar(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True)
        self._task = self._bar.add_task(self._action, total=self._total)
        self._bar.start()

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()
