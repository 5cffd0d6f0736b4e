"""`ova-admin status`: a line for each component. Lays out; `catalog.components` asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ova_admin.catalog.components import Component
from ova_rules.errors import one_line

if TYPE_CHECKING:
    from rich.table import Table

_COLOURS = {"ready": "green", "failed": "red", "queued": "yellow", "building": "yellow"}
_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def rows(components: Sequence[Component], now: datetime) -> list[dict[str, Any]]:
    """For --json: one object for each component; ages in seconds, null where nothing was built."""
    return [
        {
            "path": each.path,
            "state": each.state,
            "age_seconds": each.age(now),
            "built": each.built.isoformat() if each.built else None,
            "source": each.source,
            "message": each.message,
            "progress_percent": int(each.progress) if each.progress.isdigit() else None,
            "owner": str(each.owner),
        }
        for each in components
    ]


def table(components: Sequence[Component], now: datetime) -> Table:
    """For people."""
    from rich.table import Table
    from rich.text import Text

    made = Table(box=None, pad_edge=False)
    for title in ("COMPONENT", "STATE", "AGE", "SOURCE", "MESSAGE"):
        made.add_column(title, overflow="fold", no_wrap=title in ("STATE", "AGE"))
    for each in components:
        state = f"{each.state} {each.progress} %" if each.progress else each.state
        made.add_row(
            one_line(each.path),
            Text(one_line(state), style=_COLOURS.get(each.state, "")),
            spoken(each.age(now)),
            one_line(each.source),
            one_line(each.message),
        )
    return made


def summary(components: Sequence[Component]) -> str:
    """How many there are of each state."""
    counts = Counter(each.state for each in components)
    parts = ", ".join(f"{number} {state}" for state, number in counts.most_common())
    return f"{len(components)} components" + (f": {parts}" if parts else "")


def spoken(seconds: float | None) -> str:
    """An age in its largest unit: `3 d`."""
    if seconds is None:
        return "-"
    size, unit = next((each for each in _UNITS if seconds >= each[0]), _UNITS[-1])
    return f"{int(seconds // size)} {unit}"
