"""`ova::note`: what is odd about a component but no failure, in one line each. Pure.

The units give the subject of a note: the image (remarks of an edit), the component's AVUs, those of its
ready OVA, its seed, a form that could not be made, or a restore.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from ova_rules import names
from ova_rules.catalog.types import Avu, fact
from ova_rules.component.matching import described, parts_of
from ova_rules.component.model import Component
from ova_rules.component.near import near
from ova_rules.errors import one_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ova_tools.package import Package

OF_IMAGE = "image"
OF_AVUS = "AVUs"
OF_SEED = "seed"
OF_FORM = "form"  # one that could not be made
OF_READY = "ready OVA"  # its AVUs; kept while they are there
OF_RESTORING = "restore"  # in a component with the fingerprint that it is about

_MOST = 20  # of each kind
_NAMED = r"([^\s${}():\"',]+:[^\s${}():\"',]+)"
_UNBRACED = re.compile(
    rf"\${_NAMED}\}}?|\$\{{{_NAMED}|\$?\{{\{{{_NAMED}\}}\}}|\{{{_NAMED}\}}|\$\({_NAMED}\)"
)  # $a:b, ${a:b …


def facts(path: str, kind: str, texts: Iterable[str]) -> list[Avu]:
    """The facts for notes of one kind: each once, and at most _MOST."""
    distinct = list(dict.fromkeys(one_line(text) for text in texts))
    if len(distinct) > _MOST:
        distinct = [*distinct[: _MOST - 1], f"… and {len(distinct) - _MOST + 1} more"]
    return [fact(path, names.NOTE, text, kind) for text in distinct]


def unmatched(component: Component, avus: Iterable[Avu]) -> list[Avu]:
    """The facts for the component's own AVUs that no property takes, or that look like controls; each once."""
    own = [*(avu for avu in avus if avu.collection == component.path), *component.unknown_controls]
    distinct = {(avu.attribute, avu.units): avu for avu in own}.values()
    return [Avu(component.path, names.UNMATCHED, avu.attribute, avu.units) for avu in distinct]


def of_unmatched(unmatched: Sequence[Avu], package: Package) -> dict[Avu, str]:
    """The remarks on AVUs that no property takes, if there is something to remark."""
    properties = [name for prop in package.properties for name in (prop.key, prop.full_name)]
    options = [option.id for option in package.configurations]
    found = {avu: _of_unmatched(avu, properties, options) for avu in unmatched}
    return {avu: text for avu, text in found.items() if text}


def of_added(added: Sequence[Avu], package: Package) -> list[str]:
    """What is to be said of AVUs that become properties: a misspelt name becomes one, too."""
    properties = [name for prop in package.properties for name in (prop.key, prop.full_name)]
    found = ((avu, near(avu.attribute, properties)) for avu in added)
    return [f"{described(avu)}: becomes a property of its own; did you mean {meant}?" for avu, meant in found if meant]


def of_avus(component: Component, hints: Mapping[Avu, str], package: Package) -> list[str]:
    """The remarks on the component's own AVUs. Shows values only if they look like references.

    hints: the remarks on those that no property takes.
    """
    options = [option.id for option in package.configurations]
    found = [text for avu, text in hints.items() if avu.collection == component.path]
    found += [_of_control(avu) for avu in component.unknown_controls]
    found += [_of_value(avu) for avu in component.own_values]
    found += [f"{described(avu)}: the image has no deployment options" for avu in component.default if not options]
    return [text for text in found if text]


def _of_unmatched(avu: Avu, properties: Sequence[str], options: Sequence[str]) -> str:
    _, configuration = parts_of(avu.units)
    if configuration is not None and configuration not in options:
        known = ", ".join(options[:_MOST]) or "none"
        return f"{described(avu)}: the image has no deployment option {configuration}; it has: {known}"
    meant = near(avu.attribute, properties)
    return f"{described(avu)}: no property takes it; did you mean {meant}?" if meant else ""


def _of_control(avu: Avu) -> str:
    meant = near(avu.attribute, names.OF_COLLECTIONS)
    return f"{described(avu)}: is no control" + (f"; did you mean {meant}?" if meant else "")


def _of_value(avu: Avu) -> str:
    found = _UNBRACED.fullmatch(avu.value)
    if found is None:
        return ""
    meant = next(group for group in found.groups() if group)
    return f"{described(avu)}: its value stays as it is; ${{{meant}}} would be a reference"
