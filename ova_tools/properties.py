"""Finds the property that a name means: by full name, by key, by parts of the full name, and within a system.

Must never choose between several: an ambiguous name is an error that lists the names to use. Source: DSP0243 10.1
(names `[class.]key[.instance]`); docs/reference.md for AVUs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .errors import PropertyError
from .model import Property

_LISTED = 12
_MOST_COMPARED, _LONGEST_COMPARED = 1000, 64
_FULL_NAME, _KEY, _PART = _FORMS = (0, 1, 2)
_ANY = ("",)


class Names:
    """The properties of a package in tables by their possible names, for fast look-up of many names.

    A name is a full name, else a key, else `class.key` or `key.instance`; each also as `SYSTEM-ID/…`. The first of
    these forms that matches any property counts. Tables are made when they are first needed.
    """

    def __init__(self, properties: Iterable[Property]) -> None:
        self.properties = tuple(properties)
        self._tables: dict[tuple[int, bool, bool], dict[tuple[str, str, str], list[int]]] = {}
        self._systems: dict[int, set[str]] | None = None  # by the lengths of their ids

    def select(self, name: str) -> Property:
        """Return the one property that `name` means. Raises PropertyError if there is none, or more than one."""
        found = self.candidates(name)
        if len(found) == 1:
            return found[0]
        if found:
            raise PropertyError(_ambiguous(name, found), name)
        names = _listed(prop.full_name for prop in self.properties)
        known = f"known: {names}" if names else "the descriptor has none"
        raise PropertyError(f"no property {name}{self._meant(name)}; {known}", name)

    def _meant(self, name: str) -> str:
        """What was probably meant, where a name is similar."""
        from difflib import get_close_matches

        keys = {prop.key.lower(): prop.key for prop in self.properties[:_MOST_COMPARED]}
        found = get_close_matches(name[:_LONGEST_COMPARED].lower(), keys, 1, 0.75)
        return f"; did you mean {keys[found[0]]}?" if found else ""

    def candidates(self, name: str, section: str = "") -> tuple[Property, ...]:
        """Return every property that `name` could mean by the first form that matches any; an empty tuple if none does.

        With `section`, `CLASS` or `CLASS.INSTANCE`, only properties of such product sections are considered.
        """
        return tuple(self.properties[position] for position in self.positions(name, section))

    def positions(self, name: str, section: str = "") -> tuple[int, ...]:
        """Return the positions of the candidates in `properties`."""
        for form in _FORMS:
            found = set(self._table(form, False, bool(section)).get(("", name, section), ()))
            for system in self._systems_before(name):
                rest = name[len(system) + 1 :]
                found.update(self._table(form, True, bool(section)).get((system, rest, section), ()))
            if found:
                return tuple(sorted(found))
        return ()

    def _systems_before(self, name: str) -> Iterator[str]:
        """Return the systems whose id and a slash begin `name`; ids and keys may have slashes themselves."""
        if "/" not in name:
            return
        if self._systems is None:
            self._systems = {}
            for prop in self.properties:
                self._systems.setdefault(len(prop.system), set()).add(prop.system)
        slash = name.find("/")
        while slash >= 0:
            if slash in self._systems and name[:slash] in self._systems[slash]:
                yield name[:slash]
            slash = name.find("/", slash + 1)

    def _table(self, form: int, by_system: bool, by_section: bool) -> dict[tuple[str, str, str], list[int]]:
        """Positions by system, name and section; system and section are "" if not asked for."""
        table = self._tables.get((form, by_system, by_section))
        if table is None:
            table = self._tables[form, by_system, by_section] = {}
            for position, prop in enumerate(self.properties):
                system = prop.system if by_system else ""
                for section in _sections(prop) if by_section else _ANY:
                    for name in _names(prop, form):
                        table.setdefault((system, name, section), []).append(position)
        return table


def select(properties: Iterable[Property], name: str) -> Property:
    """Return the one property that `name` means, as `Names.select` does. Use that for more than one name."""
    return Names(properties).select(name)


def candidates(properties: Iterable[Property], name: str) -> tuple[Property, ...]:
    """Return every property that `name` could mean, as `Names.candidates` does; faster than that for one name."""
    return Names(prop for prop in properties if prop.key in name).candidates(name)


def same_name(properties: Iterable[Property], prop: Property) -> tuple[Property, ...]:
    """Return the properties of the same system that share the full name of `prop`, including itself."""
    return tuple(p for p in properties if p.full_name == prop.full_name and p.system == prop.system)


def _names(prop: Property, form: int) -> tuple[str, ...]:
    if form == _FULL_NAME:
        return (prop.full_name,)
    if form == _KEY:
        return (prop.key,)
    class_key = (f"{prop.class_}.{prop.key}",) if prop.class_ else ()
    return (*class_key, f"{prop.key}.{prop.instance}") if prop.instance else class_key


def _sections(prop: Property) -> tuple[str, ...]:
    return (prop.class_, f"{prop.class_}.{prop.instance}") if prop.instance else (prop.class_,)


def _ambiguous(name: str, found: tuple[Property, ...]) -> str:
    systems = {prop.system for prop in found}
    addresses = {prop.address for prop in found}
    if len(addresses) < len(found) and len(addresses) == 1:
        lines = ", ".join(str(prop.place.line) for prop in found[:_LISTED])
        return f"property {name} is defined {len(found)} times (lines {lines}); a full name may occur once in a system"
    names = _listed(prop.full_name if len(systems) == 1 else prop.address for prop in found)
    return f"property {name} could mean {len(found)} properties; one of these would be right: {names}"


def _listed(names: Iterable[str]) -> str:
    every = sorted(set(names))
    more = f", … ({len(every)} in all)" if len(every) > _LISTED else ""
    return ", ".join(every[:_LISTED]) + more
