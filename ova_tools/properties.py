"""Which property does a name mean? By full name, by key, by parts of the full name, and within a system.

Must never choose between several: what could mean more than one property is an error that lists the names to use.
Source: DSP0243 10.1 (names `[class.]key[.instance]`); docs/reference.md for AVUs.
"""

from __future__ import annotations

from collections.abc import Iterable

from .errors import PropertyError
from .model import Property

_LISTED = 12


def select(properties: Iterable[Property], name: str) -> Property:
    """Return the one property that `name` means.

    `name` is a full name, else a key, else `class.key` or `key.instance`; each also as `SYSTEM-ID/…`. The first of
    these forms that any property has decides. Raises PropertyError if there is none, or more than one.
    """
    known = tuple(properties)
    for form in (_by_full_name, _by_key, _by_part):
        found = [prop for prop in known if form(prop, name)]
        if len(found) == 1:
            return found[0]
        if found:
            raise PropertyError(_ambiguous(name, found), name)
    names = _listed(prop.full_name for prop in known)
    raise PropertyError(f"no property {name}; " + (f"known: {names}" if names else "the descriptor has none"), name)


def candidates(properties: Iterable[Property], name: str) -> tuple[Property, ...]:
    """Return every property that `name` could mean by the first form that any has; none is an empty tuple."""
    known = tuple(properties)
    for form in (_by_full_name, _by_key, _by_part):
        found = tuple(prop for prop in known if form(prop, name))
        if found:
            return found
    return ()


def same_name(properties: Iterable[Property], prop: Property) -> tuple[Property, ...]:
    """Return the properties of the same system that share the full name of `prop`, itself among them."""
    return tuple(p for p in properties if p.full_name == prop.full_name and p.system == prop.system)


def _names(prop: Property, plain: str, name: str) -> bool:
    return name in (plain, f"{prop.system}/{plain}")


def _by_full_name(prop: Property, name: str) -> bool:
    return _names(prop, prop.full_name, name)


def _by_key(prop: Property, name: str) -> bool:
    return _names(prop, prop.key, name)


def _by_part(prop: Property, name: str) -> bool:
    with_class = bool(prop.class_) and _names(prop, f"{prop.class_}.{prop.key}", name)
    return with_class or (bool(prop.instance) and _names(prop, f"{prop.key}.{prop.instance}", name))


def _ambiguous(name: str, found: list[Property]) -> str:
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
