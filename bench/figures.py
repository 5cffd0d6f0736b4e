"""Numbers as text: medians with their spread, ratios pair by pair. Pure. Only this module summarises samples."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from bench.results import Series

MISSING = "-"


def middle(values: Sequence[float]) -> float:
    """The median."""
    return statistics.median(values)


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest sample that at least `percent` of all samples do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def short(value: float) -> str:
    """Three significant digits, or all digits of a whole number."""
    if value >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def with_spread(series: Series | None) -> str:
    """`median (lowest to highest)`; for one sample only the median."""
    if series is None:
        return MISSING
    if len(series.values) == 1:
        return short(series.values[0])
    return f"{short(middle(series.values))} ({short(min(series.values))} to {short(max(series.values))})"


def median(series: Series | None) -> str:
    """The median alone."""
    return MISSING if series is None else short(middle(series.values))


def ratio(over: Series | None, under: Series | None, *further: Series | None) -> str:
    """The ratio of the medians, with the lowest and highest of the rounds in which all were measured.

    further: added to `under`, round by round.
    """
    if over is None or under is None or any(each is None for each in further):
        return MISSING
    unders = [under, *(each for each in further if each is not None)]
    bottoms = [sum(values) for values in zip(*(each.values for each in unders))]
    pairs = [top / bottom for top, bottom in zip(over.values, bottoms)]
    middles = middle(over.values) / sum(middle(each.values) for each in unders)
    return short(middles) if len(pairs) == 1 else f"{short(middles)} ({short(min(pairs))} to {short(max(pairs))})"


def size(mebibytes: int) -> str:
    """`256 MiB`, `4 GiB`."""
    return f"{mebibytes >> 10} GiB" if mebibytes >= 1024 else f"{mebibytes} MiB"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"
