"""Which property each AVU sets. Pure: lists in, decisions out. It never guesses: an ambiguous AVU is an error.

An AVU names a property by key or by full name, `[class.]key[.instance]`, optionally behind `SYSTEM/`; its units, if
any, are the property's class or class.instance, and `config:ID` if it is for one deployment option only (DSP0243 9.8).
An AVU that no property takes is no error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from ova_rules.catalog.types import Avu
from ova_rules.errors import ComponentError
from ova_tools.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ova_tools.package import Property
    from ova_tools.properties import Names


@dataclass(frozen=True)
class Assignment:
    """A property and the AVU whose value it takes: in every deployment option, or in the one with that id."""

    property: Property
    avu: Avu
    configuration: str | None = None


@dataclass(frozen=True)
class Matching:
    """The properties that the AVUs set, and the AVUs that no property took."""

    assignments: tuple[Assignment, ...]
    unmatched: tuple[Avu, ...]


_OPTION = "config:"


def _as_it_is(avu: Avu) -> str:
    return avu.value


def match(
    levels: Sequence[Sequence[Avu]],
    properties: Sequence[Property],
    aliases: Mapping[str, str],
    value_of: Callable[[Avu], str] = _as_it_is,
    configurations: Iterable[str] = (),
) -> Matching:
    """Matches AVUs to properties. levels: the component's AVUs, then its parent's and so on. The nearest wins.

    value_of: what an AVU stands for; two AVUs with the same result do not contradict each other. configurations: the
    ids of the deployment options. An AVU for one option is stronger than one for all options on the same collection,
    and weaker than one for all options on a nearer collection.

    Raises ComponentError if several properties could take one AVU, or two values of one level one property.
    """
    from ova_tools.properties import Names

    names, options = Names(properties), frozenset(configurations)
    chosen: dict[tuple[int, str], Assignment] = {}
    whole: set[int] = set()  # properties that a nearer collection sets in every deployment option
    unmatched: list[Avu] = []
    for level in levels:
        here: dict[tuple[int, str], Assignment] = {}
        for avu in level:
            section, configuration = parts_of(avu.units)
            index = _taker(avu, section, names, aliases) if configuration in (None, *options) else None
            if index is None:
                unmatched.append(avu)
                continue
            slot = (index, configuration or "")
            other = here.get(slot)
            if other is not None and value_of(other.avu) != value_of(avu):
                both = dict.fromkeys((described(avu), described(other.avu)))
                name = properties[index].full_name
                raise ComponentError(
                    f"{' and '.join(both)}: two values for the property {name}; remove one with imeta rm"
                )
            here[slot] = Assignment(properties[index], avu, configuration)
        for slot, assignment in here.items():
            if slot[0] not in whole:
                chosen.setdefault(slot, assignment)
        whole |= {index for index, configuration in here if not configuration}
    return Matching(tuple(chosen[slot] for slot in sorted(chosen)), tuple(unmatched))


def parts_of(units: str) -> tuple[str, str | None]:
    """The parts of units: the class or class.instance, and the deployment option (`config:ID`), None for all."""
    section, configuration = [], None
    for word in units.split():
        if word.startswith(_OPTION):
            configuration = word[len(_OPTION) :]
        else:
            section.append(word)
    return (units, None) if configuration is None else (" ".join(section), configuration)


def _taker(avu: Avu, section: str, names: Names, aliases: Mapping[str, str]) -> int | None:
    """The index of the one property that takes this AVU, or None. An exact name is stronger than an alias."""
    for name in dict.fromkeys((avu.attribute, aliases.get(avu.attribute, avu.attribute))):
        takers = names.positions(name, section)
        if len(takers) > 1:
            known = ", ".join(choices([names.properties[taker] for taker in takers]))
            raise ComponentError(f"{described(avu)}: several properties could take it: {known}; use one of these names")
        if takers:
            return takers[0]
    return None


def choices(properties: Sequence[Property]) -> list[str]:
    """The names that distinguish these properties: full names, with the system in front where one occurs twice."""
    names = [prop.full_name for prop in properties]
    return names if len(set(names)) == len(names) else [f"{prop.system}/{prop.full_name}" for prop in properties]


def described(avu: Avu) -> str:
    """An AVU as its owner knows it, without its value (which may be a secret): `hostname` on the component …"""
    units = f" ({avu.units})" if avu.units else ""
    return f"AVU {avu.attribute}{units} of {avu.collection}"
