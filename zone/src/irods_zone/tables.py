"""Reads tables of facts from text files beside modules. The module of a table gives it its meaning."""

from __future__ import annotations

from pathlib import Path


def lines_of(module_file: str, name: str) -> list[str]:
    """The lines of the file `name` beside a module (its `__file__`), without comments (#) and empty lines."""
    text = Path(module_file).with_name(name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]
