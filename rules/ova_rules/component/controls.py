"""What the controls of a collection, or of one above it, say of a component: options, deployment option, ignored names.

Pure. The nearest collection that has a control decides, as with values.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from ova_rules import names
from ova_rules.catalog.types import Avu
from ova_rules.component.matching import described
from ova_rules.component.near import near
from ova_rules.errors import ComponentError
from ova_tools.records import dataclass

ADD_PROPERTIES = "add-properties"  # a value that no property takes becomes a property
FIXED = "fixed"  # properties that are not userConfigurable may be set
STRICT = "strict"  # a value that does not fit is refused before it is stored

OPTIONS = (ADD_PROPERTIES, FIXED, STRICT)

SEED = "seed"  # a disc with the machine's values and tasks beside the ready OVA
SEED_KINDS = ("ovf", "nocloud", "configdrive")
EMBEDDED = "embedded"  # the disc is in the ready OVA
FORMS = (SEED, *(f"{SEED}:{kind}" for kind in SEED_KINDS), EMBEDDED)

_SEPARATORS = re.compile(r"[\s,;]+")


def words(value: str) -> list[str]:
    """The words of a control that holds several, separated by blanks, commas or semicolons."""
    return [word for word in _SEPARATORS.split(value) if word]


def nearest(levels: Mapping[str, Sequence[Avu]], attribute: str) -> tuple[Avu, ...]:
    """The AVUs of this attribute of the nearest collection that has one. levels: by collection, nearest first."""
    for avus in levels.values():
        found = tuple(avu for avu in avus if avu.attribute == attribute)
        if found:
            return found
    return ()


def has_option(avus: Iterable[Avu], option: str) -> bool:
    """Whether one of these `ova_options` holds the word."""
    return any(option in words(avu.value) for avu in avus)


def ignored(avus: Iterable[Avu]) -> set[str]:
    """The attributes that the collection with these AVUs does not take from collections farther away."""
    return {word for avu in avus if avu.attribute == names.IGNORE for word in words(avu.value)}


@dataclass(frozen=True)
class Forms:
    """What is made of a component beside its ready OVA. kind: of its seed; None for no seed.

    beside: the seed is an object of its own; embedded: it lies in the ready OVA.
    """

    kind: str | None = None
    beside: bool = False
    embedded: bool = False


NO_FORMS = Forms()


def forms_of(avus: Sequence[Avu]) -> Forms:
    """What these `ova_forms` ask for. Raises ComponentError for an unknown word, and for two kinds of seed."""
    asked = {word for avu in avus for word in words(avu.value)}
    for avu in avus:
        word, hint = _unknown(avu, FORMS)
        if word:
            raise ComponentError(f"{described(avu)}: {word} is no form; {', '.join(FORMS)} are{hint}")
    kinds = {word.partition(":")[2] for word in asked if word.startswith(SEED)} - {""}
    if len(kinds) > 1:
        raise ComponentError(
            f"{described(avus[0])}: one disc is one kind of seed; keep one of {', '.join(sorted(kinds))}"
        )
    if not asked:
        return NO_FORMS
    beside = any(word.startswith(SEED) for word in asked)
    return Forms(next(iter(kinds), SEED_KINDS[0]), beside, EMBEDDED in asked)


def require_options(avu: Avu) -> None:
    """Raises ComponentError for an `ova_options` with a word that is none."""
    word, hint = _unknown(avu, OPTIONS)
    if word:
        raise ComponentError(f"{described(avu)}: {word} is no option; {', '.join(OPTIONS)} are{hint}")


def _unknown(avu: Avu, known: Sequence[str]) -> tuple[str, str]:
    """The first word of a control that is none of these, and what may have been meant; "" if there is none."""
    found = words(avu.value)
    word = next((word for word in found if word not in known), "" if found else "nothing")
    meant = near(word, known) if word else None
    return word, f"; did you mean {meant}?" if meant else ""
