"""A table of names finds the same as a search of all properties."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from ova_tools.model import Property
from ova_tools.properties import Names, candidates

PARTS = st.sampled_from(["", "a", "b", "a.b", "a/b", "/"])


@st.composite
def properties(draw: st.DrawFn) -> Property:
    class_, key, instance, system = draw(PARTS), draw(PARTS.filter(bool)), draw(PARTS), draw(PARTS)
    full_name = ".".join(part for part in (class_, key, instance) if part)
    return Property(full_name, key, class_, instance, system=system)


def searched(known: list[Property], name: str) -> list[int]:
    """Where the properties stand that the name could mean, by the first of three forms that any has."""

    def called(prop: Property, plain: str) -> bool:
        return name in (plain, f"{prop.system}/{plain}")

    forms: tuple[Callable[[Property], bool], ...] = (
        lambda prop: called(prop, prop.full_name),
        lambda prop: called(prop, prop.key),
        lambda prop: (
            (bool(prop.class_) and called(prop, f"{prop.class_}.{prop.key}"))
            or (bool(prop.instance) and called(prop, f"{prop.key}.{prop.instance}"))
        ),
    )
    for form in forms:
        found = [position for position, prop in enumerate(known) if form(prop)]
        if found:
            return found
    return []


@given(st.lists(properties(), max_size=8), st.lists(PARTS, min_size=1, max_size=4), st.sampled_from(["", ".", "/"]))
def test_a_name_means_what_a_search_finds(known: list[Property], parts: list[str], between: str) -> None:
    name = between.join(parts)

    assert Names(known).positions(name) == tuple(searched(known, name))
    assert Names(known).candidates(name) == tuple(known[position] for position in searched(known, name))
    assert candidates(known, name) == Names(known).candidates(name)


@given(st.lists(properties(), max_size=8), PARTS.filter(bool), PARTS, PARTS)
def test_a_section_leaves_only_its_properties(known: list[Property], name: str, class_: str, instance: str) -> None:
    section = f"{class_}.{instance}" if instance else class_
    of_section = [
        prop
        for prop in known
        if section in ("", prop.class_, f"{prop.class_}.{prop.instance}" if prop.instance else prop.class_)
    ]

    found = Names(known).candidates(name, section)

    assert found == tuple(of_section[position] for position in searched(of_section, name))


def test_a_table_answers_again() -> None:
    names = Names([Property("c.k", "k", "c", system="s")])

    assert [names.positions(each) for each in ("k", "c.k", "s/k", "s/c.k", "x", "k")] == [
        (0,),
        (0,),
        (0,),
        (0,),
        (),
        (0,),
    ]
