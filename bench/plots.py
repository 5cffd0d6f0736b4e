"""The plots: SVG with text as text, the same bytes for the same results, readable on light and dark pages.

Only this module imports matplotlib. No background is drawn; every colour contrasts with white and with black.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.figures import middle, size
from bench.results import Result

_INK = "#768390"
_LINES = {
    "paper": ("the paper's way", "#d9730d", "s"),
    "cot": ("cot between get and put", "#c9378e", "D"),
    "cp --reflink=never": ("cp --reflink=never", "#8957e5", "v"),
    "ours": ("ours", "#2188ff", "o"),
    "cp --reflink=always": ("cp --reflink=always", "#2da44e", "^"),
}
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none", "svg.hashsalt": "ova", "font.size": 11, "font.family": "sans-serif", "text.color": _INK,
    "axes.edgecolor": _INK, "axes.labelcolor": _INK, "xtick.color": _INK, "ytick.color": _INK, "grid.color": _INK,
    "grid.alpha": 0.25, "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True,
}  # fmt: skip


def write(parts: Mapping[str, Result], folder: Path) -> None:
    """Writes the plots of the measurements."""
    from matplotlib import rc_context

    with rc_context(_STYLE):
        if "rebuild" in parts:
            for kind in parts["rebuild"].labels("file_system"):
                _rebuild(parts["rebuild"], str(kind), folder / f"rebuild-{kind}.svg")
        if "scale" in parts:
            _scale(parts["scale"], folder / "scale.svg")


def _rebuild(kept: Result, kind: str, path: Path) -> None:
    figure, axes = _axes()
    sizes = [int(mib) for mib in kept.labels("mib", file_system=kind, disk="random")]
    for way, (name, colour, marker) in _LINES.items():
        found = [(mib, kept.find(way, file_system=kind, mib=mib, disk="random")) for mib in sizes]
        points = [(mib, middle(each.values) / 1000) for mib, each in found if each is not None]
        if points:
            _line(axes, points, name, colour, marker, bold=way == "ours")
    axes.set_xscale("log", base=2)
    axes.set_xticks(sizes, [size(mib) for mib in sizes])
    axes.set_xlabel(f"size of the disk, random bytes, on {kind}")
    axes.set_ylabel("seconds until the OVA is ready")
    _save(figure, axes, path)


def _scale(kept: Result, path: Path) -> None:
    figure, axes = _axes()
    sizes = [int(n) for n in kept.labels("components")]
    colours = iter(("#2188ff", "#8957e5", "#2da44e", "#d9730d", "#c9378e"))
    for operation in ("one change", "a read through the gate", "a change of a grid of 10", "reconcile, nothing to do",
                      "a change of the largest grid"):  # fmt: skip
        found = [(n, kept.find(f"{operation}: queries", components=n)) for n in sizes]
        pages = [(n, kept.find(f"{operation}: further pages", components=n)) for n in sizes]
        points = [
            (n, middle(each.values) + (middle(more.values) if more else 0))
            for (n, each), (_, more) in zip(found, pages)
            if each is not None
        ]
        if points:
            _line(axes, points, operation, next(colours), "o", bold=False)
    axes.set_xscale("log")
    axes.set_xticks(sizes, [f"{n:,}" for n in sizes])
    axes.set_xlabel("components in the zone")
    axes.set_ylabel("queries, with their pages")
    _save(figure, axes, path)


def _axes() -> Any:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.4, 4.2), layout="constrained")
    axes = figure.add_subplot()
    axes.set_yscale("log")
    return figure, axes


def _line(axes: Any, points: list[tuple[int, float]], name: str, colour: str, marker: str, *, bold: bool) -> None:
    across, up = zip(*points)
    axes.plot(across, up, color=colour, marker=marker, markersize=5, linewidth=3 if bold else 1.5, label=name)


def _save(figure: Any, axes: Any, path: Path) -> None:
    axes.minorticks_off()
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,g}")
    figure.legend(loc="outside right center", frameon=False)
    figure.savefig(path, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
