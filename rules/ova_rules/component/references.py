"""Values that name another component's values: `${comp02:ip_addr}`. Pure but for the look-up it is given.

`${NAME:ATTRIBUTE}` is the effective value of the sibling NAME (or of an absolute path); `$${` stands for `${`.
`${NAME:ova_url}` is the absolute path (or the URL) of that component's source.
A cycle is an error that prints the cycle.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping, Sequence

from ova_rules import names
from ova_rules.catalog.types import Avu
from ova_rules.component.matching import described
from ova_rules.errors import ComponentError
from ova_tools.records import replace

_REFERENCE = re.compile(r"\$\$\{|\$\{([^{}]*)\}")

Levels = Sequence[Sequence[Avu]]
LookUp = Callable[[str], Levels]  # a component's path -> its levels of AVUs, nearest first


class References:
    """Expands references.

    visited: the collections it took values from or looked in; named: those that an AVU itself names.
    """

    def __init__(self, look_up: LookUp, aliases: Mapping[str, str]) -> None:
        self._look_up = look_up
        self._aliases = aliases
        self.visited: set[str] = set()
        self.named: set[str] = set()

    def expand(self, component: str, avu: Avu) -> Avu:
        """`avu` with its references replaced, as seen from `component` (the collection, not where the AVU stands).

        Raises ComponentError where a reference is malformed, leads nowhere, is ambiguous or comes back to itself.
        """
        return replace(avu, value=self._value(component, avu, ()))

    def _value(self, component: str, avu: Avu, trail: tuple[str, ...]) -> str:
        if "${" not in avu.value:
            return avu.value
        here = f"{component}:{avu.attribute}"
        if here in trail:
            cycle = " -> ".join((*trail[trail.index(here) :], here))
            raise ComponentError(f"{described(avu)}: its references go in a circle: {cycle}")

        def replaced(found: re.Match[str]) -> str:
            if found.group(1) is None:
                return "${"
            return self._target(component, avu, found.group(1), (*trail, here))

        return _REFERENCE.sub(replaced, avu.value)

    def _target(self, component: str, avu: Avu, text: str, trail: tuple[str, ...]) -> str:
        name, colon, attribute = text.rpartition(":")
        if not (name and colon and attribute):
            raise ComponentError(f"{described(avu)}: ${{{text}}} is not ${{COMPONENT:ATTRIBUTE}}")
        path = posixpath.normpath(posixpath.join(posixpath.dirname(component), name))
        self.visited.add(path)
        if len(trail) == 1:
            self.named.add(path)
        for level in self._look_up(path):
            values = {a.value: a for a in level if attribute in (a.attribute, self._aliases.get(a.attribute))}
            values = values or {a.value: a for a in level if self._aliases.get(attribute) == a.attribute}
            if len(values) > 1:
                raise ComponentError(f"{described(avu)}: ${{{text}}}: {path} has several values of {attribute}")
            for target in values.values():
                self.visited.add(target.collection)  # a value may be inherited from above
                value = self._value(path, target, trail)
                if attribute == names.URL and "://" not in value:
                    return posixpath.normpath(posixpath.join(path, value))
                return value
        raise ComponentError(f"{described(avu)}: ${{{text}}}: {path} has no AVU {attribute} that you may read")
