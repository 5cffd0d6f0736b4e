"""Which property each AVU sets. Pure: lists in, decisions out; nothing is guessed, several takers are an error.

An AVU names a property by key or by full name, `[class.]key[.instance]`, optionally behind `SYSTEM/`; its units, if
any, are the property's class or class.instance. What no property takes is no error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rules.catalog import Avu
from rules.errors import ComponentError

if TYPE_CHECKING:
    from ova_tools.package import Property


@dataclass(frozen=True)
class Setting:
    """A property, and the AVU whose value it takes."""

    property: Property
    avu: Avu


@dataclass(frozen=True)
class Matching:
    """What the AVUs set, and those that no property took."""

    settings: tuple[Setting, ...]
    unmatched: tuple[Avu, ...]


def match(levels: Sequence[Sequence[Avu]], properties: Sequence[Property], aliases: Mapping[str, str]) -> Matching:
    """Matches AVUs to properties. levels: the component's AVUs, then its parent's and so on; the nearest wins.

    Raises ComponentError if several properties could take one AVU, or two values of one level one property.
    """
    chosen: dict[int, Setting] = {}
    unmatched: list[Avu] = []
    for level in levels:
        here: dict[int, Setting] = {}
        for avu in level:
            index = _taker(avu, properties, aliases)
            if index is None:
                unmatched.append(avu)
                continue
            other = here.get(index)
            if other is not None and other.avu.value != avu.value:
                raise ComponentError(
                    f"{described(avu)} and {described(other.avu)}: two values for the property "
                    f"{properties[index].full_name}; remove one"
                )
            here[index] = Setting(properties[index], avu)
        for index, setting in here.items():
            chosen.setdefault(index, setting)
    ordered = tuple(chosen[index] for index in sorted(chosen))
    return Matching(ordered, tuple(unmatched))


def _taker(avu: Avu, properties: Sequence[Property], aliases: Mapping[str, str]) -> int | None:
    """The index of the one property that takes this AVU, or None. An exact name is stronger than an alias."""
    for name in dict.fromkeys((avu.attribute, aliases.get(avu.attribute, avu.attribute))):
        takers = [i for i, p in enumerate(properties) if name in names_of(p) and _units_fit(avu.units, p)]
        if len(takers) > 1:
            exact = [i for i in takers if name == properties[i].full_name]
            takers = exact if len(exact) == 1 else takers
        if len(takers) > 1:
            raise ComponentError(
                f"{described(avu)}: several properties could take it: {', '.join(choices(properties, takers))}; "
                "use one of these names"
            )
        if takers:
            return takers[0]
    return None


def names_of(prop: Property) -> tuple[str, ...]:
    """All names by which an AVU may mean this property."""
    names: tuple[str, ...] = (prop.key, prop.full_name)
    return (*names, *(f"{prop.system}/{name}" for name in names)) if prop.system else names


def _units_fit(units: str, prop: Property) -> bool:
    return units in ("", prop.class_, f"{prop.class_}.{prop.instance}" if prop.instance else prop.class_)


def choices(properties: Sequence[Property], indexes: Sequence[int]) -> list[str]:
    """The names that tell these properties apart: full names, behind the system where one occurs twice."""
    names = [properties[i].full_name for i in indexes]
    if len(set(names)) == len(names):
        return names
    return [f"{properties[i].system}/{properties[i].full_name}" for i in indexes]


def described(avu: Avu) -> str:
    """An AVU as its owner knows it, without its value (which may be a secret): `hostname` on the component …"""
    units = f" ({avu.units})" if avu.units else ""
    return f"AVU {avu.attribute}{units} of {avu.collection}"
