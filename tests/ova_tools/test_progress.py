"""Progress is shown on a terminal, after a second, and nowhere else."""

from __future__ import annotations

import io
import sys

import pytest

from ova_tools import progress
from ova_tools.progress import ProgressBar


class Terminal(io.StringIO):
    """A stderr that is a terminal, or says so."""

    def __init__(self, is_one: bool) -> None:
        super().__init__()
        self.is_one = is_one

    def isatty(self) -> bool:
        return self.is_one


@pytest.mark.parametrize(
    ("is_terminal", "patience", "shown"), [(True, -1.0, True), (True, 3600.0, False), (False, -1.0, False)]
)
def test_a_bar_is_shown_on_a_terminal_that_has_waited(
    monkeypatch: pytest.MonkeyPatch, is_terminal: bool, patience: float, shown: bool
) -> None:
    stderr = Terminal(is_terminal)
    monkeypatch.setattr(sys, "stderr", stderr)
    monkeypatch.setattr(progress, "_PATIENCE", patience)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")

    with ProgressBar("hashing", 100) as bar:
        bar.advance(40)
        bar.advance(60)

    assert ("hashing" in stderr.getvalue()) is shown
