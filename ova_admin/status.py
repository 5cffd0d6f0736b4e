"""`ova-admin status`: components, and images whose check was given up. Only their layout.

The queries are in `ova_grid.components` and `given_up`. Names are never cut. Programs get one line for each, with tabs;
people get a table if it fits, else a block for each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ova_admin.given_up import Image
from ova_grid.components import Component
from ova_grid.text import whole
from ova_rules.errors import one_line

if TYPE_CHECKING:
    from rich.console import RenderableType

GIVEN_UP = "given up"  # the state of such an image
_COLOURS = {"ready": "green", "failed": "red", "queued": "yellow", "building": "yellow", GIVEN_UP: "red"}
_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))
_TITLES = ("PATH", "STATE", "AGE", "SOURCE", "MESSAGE")
_GAP = 2
_MESSAGE_BYTES = 4000  # more than a fact can have


@dataclass(frozen=True)
class Line:
    """The cells shown of a component or an image, in the order of the titles."""

    path: str
    state: str
    age: str
    source: str
    message: str


def rows(components: Sequence[Component], images: Sequence[Image], now: datetime) -> list[dict[str, Any]]:
    """For --json: one object for each; ages in seconds, null if nothing was built."""
    return [
        *(
            {
                "kind": "component",
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
        ),
        *(
            {
                "kind": "image",
                "path": each.path,
                "state": GIVEN_UP,
                "age_seconds": None,
                "built": None,
                "source": "",
                "message": each.message,
                "progress_percent": None,
                "owner": str(each.owner),
            }
            for each in images
        ),
    ]


def lines(components: Sequence[Component], images: Sequence[Image], now: datetime) -> list[Line]:
    """The lines for people and programs, the components first."""
    return [
        *(
            Line(
                whole(each.path),
                one_line(f"{each.state} {each.progress} %" if each.progress else each.state),
                spoken(each.age(now)),
                whole(each.source),
                one_line(each.message, _MESSAGE_BYTES),
            )
            for each in components
        ),
        *(Line(whole(each.path), GIVEN_UP, "-", "", one_line(each.message, _MESSAGE_BYTES)) for each in images),
    ]


def plain(shown: Sequence[Line]) -> Iterator[str]:
    """For programs: the titles, then a line for each, the cells with tabs between them."""
    yield "\t".join(_TITLES)
    yield from ("\t".join(astuple(line)) for line in shown)


def rendered(shown: Sequence[Line], width: int) -> RenderableType:
    """For people: a table if it fits into `width` cells, else a block for each. Print it with soft_wrap."""
    from rich.cells import cell_len

    table = [_TITLES, *(astuple(line) for line in shown)]
    needed = sum(max(map(cell_len, column)) + _GAP for column in zip(*table)) - _GAP
    return _table(shown) if needed <= width else _blocks(shown)


def _table(shown: Sequence[Line]) -> RenderableType:
    from rich.table import Table
    from rich.text import Text

    made = Table(box=None, pad_edge=False)
    for title in _TITLES:
        made.add_column(title, no_wrap=True)
    for line in shown:
        cells = zip(_TITLES, astuple(line))
        made.add_row(*(Text(cell, style=_style(line) if title == "STATE" else "") for title, cell in cells))
    return made


def _blocks(shown: Sequence[Line]) -> RenderableType:
    from rich.text import Text

    made = Text()
    for line in shown:
        made.append(f"{line.path}\n", style="bold")
        made.append(f"    {line.state}", style=_style(line))
        made.append(f", {line.age}\n" if line.age != "-" else "\n")
        for cell in filter(None, (line.source, line.message)):
            made.append(f"    {cell}\n")
    made.rstrip()
    return made


def _style(line: Line) -> str:
    return next((colour for state, colour in _COLOURS.items() if line.state.startswith(state)), "")


def summary(components: Sequence[Component], images: Sequence[Image]) -> str:
    """The number of each state."""
    counts = Counter(each.state for each in components)
    parts = ", ".join(f"{number} {state}" for state, number in counts.most_common())
    said = f"{len(components)} components" + (f": {parts}" if parts else "")
    return f"{said}; {len(images)} image checks given up" if images else said


def spoken(seconds: float | None) -> str:
    """An age in its largest unit: `3 d`."""
    if seconds is None:
        return "-"
    size, unit = next((each for each in _UNITS if seconds >= each[0]), _UNITS[-1])
    return f"{int(seconds // size)} {unit}"
