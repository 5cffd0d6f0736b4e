"""The graph of relations as text."""

from __future__ import annotations

from datetime import datetime, timezone

from ova_admin import status
from ova_grid import graph
from ova_grid.components import Avu, Component
from ova_grid.connection import User
from ova_grid.graph import Edge, Relation

NOW = datetime(2026, 1, 2, tzinfo=timezone.utc)


def component(path: str, *urls: str, **more: object) -> Component:
    values: dict[str, object] = {
        "owner": User("alice", "z"), "state": "ready", "source": urls[0], "built": NOW, "message": "", "progress": "",
        "depends_on": (), "prototypes": (),
    }  # fmt: skip
    return Component(path, urls=urls, **{**values, **more})  # type: ignore[arg-type]


def test_every_relation_is_an_edge() -> None:
    one = component("/z/a", "/z/base.ova", depends_on=("/z/b",))
    two = component("/z/b", "../x/base.ova", prototypes=("/z/c",), built=None, state="failed")
    assert graph.edges(
        [one, two], [Avu("/z/other.ova", "ova::used_by", "/z/a", ""), Avu("/z/o.ova", "", "/z/no", "")]
    ) == [
        Edge("/z/b", "/z/a", Relation.REFERENCE),
        Edge("/z/base.ova", "/z/a", Relation.SOURCE),
        Edge("/z/c", "/z/b", Relation.LIKE),
        Edge("/z/other.ova", "/z/a", Relation.USED_BY),
        Edge("/z/x/base.ova", "/z/b", Relation.SOURCE),
    ]


def test_a_use_that_is_the_source_is_said_once() -> None:
    one = component("/z/a", "/z/base.ova")
    assert len(graph.edges([one], [Avu("/z/base.ova", "ova::used_by", "/z/a", "")])) == 1


def test_as_mermaid() -> None:
    one = component("/z/a", "/z/base.ova", depends_on=("/z/b",))
    two = component("/z/b", "/z/base.ova", state="failed")
    assert graph.mermaid([one, two], graph.edges([one, two])) == (
        "graph LR\n"
        '    n0["/z/a"]\n'
        '    n1["/z/b"]\n'
        '    n2["/z/base.ova"]\n'
        "    n1 -.->|values| n0\n"
        "    n2 -->|source| n0\n"
        "    n2 -->|source| n1\n"
        "    style n1 stroke:#c00\n"
    )


def test_as_dot() -> None:
    one = component("/z/a", "/z/base.ova")
    assert graph.dot([one], graph.edges([one])).splitlines()[3:] == [
        '    n0 [label="/z/a"];',
        '    n1 [label="/z/base.ova"];',
        '    n1 -> n0 [label="source", style=solid];',
        "}",
    ]


def test_names_cannot_leave_their_quotes() -> None:
    nasty = component('/z/a"]; b\\ --> c\n`${x}`', "/z/base.ova")
    text = graph.mermaid([nasty], graph.edges([nasty]))
    assert '#34;#93;#59; b#92; --#62; c#10;#96;#36;#123;x#125;#96;"]' in text
    assert len(text.splitlines()) == 4
    drawn = graph.dot([nasty], graph.edges([nasty]))
    assert '[label="/z/a\\"]; b\\\\ --> c `${x}`"]' in drawn


def test_ages_are_spoken() -> None:
    assert [status.spoken(seconds) for seconds in (None, 0.5, 61, 7200, 200000)] == ["-", "0 s", "1 min", "2 h", "2 d"]
