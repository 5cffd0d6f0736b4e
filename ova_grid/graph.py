"""`ova-grid graph`: which components are made from what, as Mermaid or DOT. Pure: components in, text out."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from ova_grid.components import Avu, Component


class Relation(Enum):
    """The relation of two things; the value is the label of the edge."""

    SOURCE = "source"
    REFERENCE = "values"
    LIKE = "like"
    USED_BY = "used by"


@dataclass(frozen=True)
class Edge:
    """`end` is made from `start`."""

    start: str
    end: str
    relation: Relation


def edges(components: Sequence[Component], uses: Iterable[Avu] = ()) -> list[Edge]:
    """All relations, sorted. uses: the facts `ova::used_by` of images."""
    found = set()
    for each in components:
        found |= {Edge(source, each.path, Relation.SOURCE) for source in _sources(each)}
        found |= {Edge(other, each.path, Relation.REFERENCE) for other in each.depends_on}
        found |= {Edge(other, each.path, Relation.LIKE) for other in each.prototypes}
    shown = {each.path for each in components}
    sources = {(edge.start, edge.end) for edge in found if edge.relation is Relation.SOURCE}
    found |= {
        Edge(use.path, use.value, Relation.USED_BY)
        for use in uses
        if use.value in shown and (use.path, use.value) not in sources
    }
    return sorted(found, key=lambda edge: (edge.start, edge.end, edge.relation.value))


def _sources(component: Component) -> list[str]:
    if component.built is not None:
        return [component.source]
    return [url if "://" in url or "${" in url else posixpath.normpath(posixpath.join(component.path, url))
            for url in component.urls]  # fmt: skip


def mermaid(components: Sequence[Component], relations: Sequence[Edge]) -> str:
    """The graph for Mermaid (`graph LR`)."""
    names = _numbered(components, relations)
    lines = ["graph LR"]
    lines += [f'    {name}["{_mermaid_text(path)}"]' for path, name in names.items()]
    for edge in relations:
        arrow = "-->" if edge.relation is Relation.SOURCE else "-.->"
        lines.append(f"    {names[edge.start]} {arrow}|{edge.relation.value}| {names[edge.end]}")
    lines += [f"    style {names[each.path]} stroke:#c00" for each in components if each.state == "failed"]
    return "\n".join(lines) + "\n"


def dot(components: Sequence[Component], relations: Sequence[Edge]) -> str:
    """The graph for Graphviz."""
    names = _numbered(components, relations)
    failed = {each.path for each in components if each.state == "failed"}
    lines = ["digraph ova {", "    rankdir=LR;", "    node [shape=box];"]
    for path, name in names.items():
        colour = ", color=red" if path in failed else ""
        lines.append(f'    {name} [label="{_dot_text(path)}"{colour}];')
    for edge in relations:
        style = "solid" if edge.relation is Relation.SOURCE else "dashed"
        lines.append(f'    {names[edge.start]} -> {names[edge.end]} [label="{edge.relation.value}", style={style}];')
    return "\n".join([*lines, "}"]) + "\n"


def _numbered(components: Sequence[Component], relations: Sequence[Edge]) -> dict[str, str]:
    paths = {each.path for each in components}
    paths |= {path for edge in relations for path in (edge.start, edge.end)}
    return {path: f"n{number}" for number, path in enumerate(sorted(paths))}


def _mermaid_text(text: str) -> str:
    return "".join(c if c.isalnum() or c in "/._- :+@" else f"#{ord(c)};" for c in text)


def _dot_text(text: str) -> str:
    cleaned = "".join(c if c.isprintable() else " " for c in text)
    return cleaned.replace("\\", "\\\\").replace('"', '\\"')
