"""Values that name another component's values: `${comp02:ip_addr}`. Pure, except for the look-up that it is given.

`${NAME:ATTRIBUTE}` is the effective value of the sibling NAME (or of an absolute path); `$${` stands for `${`.
`${NAME:ova_url}` is the absolute path (or the URL) of that component's source. `${}` is the empty text, which iRODS
cannot store. `${<config/NAME}` is the text of a data object in the collection that has the AVU.

An error names the AVU at fault and shows what that AVU itself says. It does not show errors in values of others that
the AVU refers to: readers of the message may not be allowed to read those.

Each AVU is resolved once, so the cost is linear in the AVUs that are read; depth, bytes and collections have limits.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from ova_rules import names
from ova_rules.catalog.types import Avu
from ova_rules.component.matching import described
from ova_rules.component.source import is_url, path_from
from ova_rules.errors import ComponentError
from ova_tools.records import dataclass, replace

_REFERENCE = re.compile(r"\$\$\{|\$\{([^{}]*)\}")

_MOST_DEPTH = 50  # references from one to the next
_MOST_BYTES = 256 * 1024  # of one value
_MOST_BYTES_IN_ALL = 1024 * 1024  # of all values that one component reads by references
_MOST_COLLECTIONS = 200  # that one component's references name, directly or through others

Levels = Sequence[Sequence[Avu]]
_TOO_DEEP = f"more than {_MOST_DEPTH} references lead from one to the next"
_BEHIND = "its value there cannot be resolved"
_Place = tuple[str, Avu]  # the collection that is asked, and the AVU that it or one above it has

LookUp = Callable[[str], Levels]  # a component's path -> its levels of AVUs, nearest first


@dataclass(frozen=True)
class Resolved:
    """A value with its references replaced.

    named: the collections that the AVU itself names; visited: all that values came from or were looked for in; texts:
    the data objects whose texts they are; depth: references from one to the next, on the longest way.
    """

    value: str
    named: frozenset[str]
    visited: frozenset[str]
    texts: frozenset[str]
    depth: int


class UnresolvedError(ComponentError):
    """References that cannot be resolved. named, visited: as in `Resolved`, as far as they were followed.

    public: the text that may be shown wherever the AVU is referred to; '' if none. passing: whether the error depends
    on the number of other AVUs through which the AVU was reached.
    """

    def __init__(
        self, message: str, named: Iterable[str], visited: Iterable[str], public: str = "", *, passing: bool = False
    ) -> None:
        super().__init__(message)
        self.named = frozenset(named)
        self.visited = frozenset(visited)
        self.public = public
        self.passing = passing


class References:
    """Resolves the references of one component.

    read_text: gives the text of a data object of at most so many bytes, or raises ComponentError.
    """

    def __init__(self, look_up: LookUp, aliases: Mapping[str, str], read_text: Callable[[str, int], str]) -> None:
        self._look_up = look_up
        self._read_text = read_text
        self._aliases = aliases
        self._indexes: dict[str, list[dict[str, dict[str, Avu]]]] = {}
        self._known: dict[_Place, Resolved | UnresolvedError] = {}
        self._bytes = 0

    def expand(self, component: str, avu: Avu) -> Resolved:
        """What `avu` stands for as seen from `component` (the collection, not where the AVU stands).

        Raises UnresolvedError if a reference is malformed, leads nowhere, is ambiguous, leads back to itself, or
        exceeds a limit.
        """
        return self._resolved((component, avu), ())

    def _resolved(self, here: _Place, trail: tuple[_Place, ...]) -> Resolved:
        component, avu = here
        if "${" not in avu.value:
            return Resolved(avu.value, frozenset(), frozenset(), frozenset(), 0)
        if here in trail:
            text = f"its references go in a circle{_circle([*trail[trail.index(here) :], here])}"
            raise UnresolvedError(f"{described(avu)}: {text}", (), (), text)
        if len(trail) >= _MOST_DEPTH:
            raise UnresolvedError(f"{described(avu)}: {_TOO_DEEP}", (), (), _TOO_DEEP, passing=True)
        found = self._known.get(here)
        if found is None:
            found = self._followed(component, avu, (*trail, here))
            if not (isinstance(found, UnresolvedError) and found.passing):
                self._known[here] = found
        if isinstance(found, UnresolvedError):
            raise found
        return found

    def _followed(self, component: str, avu: Avu, trail: tuple[_Place, ...]) -> Resolved | UnresolvedError:
        parts: list[str] = []
        named, visited, texts = set[str](), set[str](), set[str]()
        size = start = depth = 0
        try:
            for found in _REFERENCE.finditer(avu.value):
                text = "${"
                inner = found.group(1)
                if inner == "":
                    text = ""
                elif inner is not None and inner[0] == "<":
                    text = self._text(avu, inner[1:], named, visited, texts)
                elif inner is not None:
                    target = self._target(component, avu, inner, trail, named, visited)
                    text, depth = target.value, max(depth, 1 + target.depth)
                    texts |= target.texts
                parts += (avu.value[start : found.start()], text)
                start = found.end()
                size += len(text.encode("utf-8", "surrogateescape"))
                self._require_bytes(avu, size)
        except UnresolvedError as error:
            return UnresolvedError(str(error), named, visited | error.visited, error.public, passing=error.passing)
        except ComponentError as error:  # in this AVU itself
            return UnresolvedError(str(error), named, visited)
        if depth > _MOST_DEPTH:
            return UnresolvedError(f"{described(avu)}: {_TOO_DEEP}", named, visited, _TOO_DEEP)
        self._bytes += size
        value = "".join((*parts, avu.value[start:]))
        return Resolved(value, frozenset(named), frozenset(visited), frozenset(texts), depth)

    def _require_bytes(self, avu: Avu, size: int) -> None:
        if size > _MOST_BYTES or self._bytes + size > _MOST_BYTES_IN_ALL:
            raise ComponentError(
                f"{described(avu)}: its references make more than {_MOST_BYTES} bytes, or {_MOST_BYTES_IN_ALL} with "
                "those of the component's other AVUs"
            )

    def _target(
        self, component: str, avu: Avu, text: str, trail: tuple[_Place, ...], named: set[str], visited: set[str]
    ) -> Resolved:
        """The value that one reference stands for."""
        label = f"{described(avu)}: ${{{text}}}"
        name, colon, attribute = text.rpartition(":")
        if not (name and colon and attribute):
            raise ComponentError(
                f"{label} is neither ${{COMPONENT:ATTRIBUTE}}, nor ${{<{names.TEXTS}/NAME}}, nor ${{}}"
            )
        path = posixpath.normpath(posixpath.join(posixpath.dirname(component), name))
        named.add(path)
        visited.add(path)
        for level in self._index(path, label):
            values = level.get(attribute) or level.get(f":{self._aliases.get(attribute)}", {})
            if len(values) > 1:
                raise ComponentError(f"{label}: {path} has several values of {attribute}")
            for target in values.values():
                visited.add(target.collection)  # a value may be inherited from above
                try:
                    resolved = self._resolved((path, target), trail)
                except UnresolvedError as error:
                    message = f"{described(avu)}: {error.public}" if error.public else f"{label}: {_BEHIND}"
                    raise UnresolvedError(message, named, error.visited, error.public, passing=error.passing) from error
                visited |= resolved.visited
                if attribute == names.URL and not is_url(resolved.value):
                    return replace(resolved, value=path_from(path, resolved.value))
                return resolved
        raise ComponentError(f"{label}: {path} has no AVU {attribute} that you may read")

    def _text(self, avu: Avu, name: str, named: set[str], visited: set[str], texts: set[str]) -> str:
        """The text of a data object in the collection of the AVU."""
        path = posixpath.normpath(posixpath.join(avu.collection, name))
        if not path.startswith(f"{avu.collection}/{names.TEXTS}/"):
            raise ComponentError(
                f"{described(avu)}: ${{<{name}}}: texts lie in the collection {names.TEXTS} of {avu.collection}, "
                f"as in ${{<{names.TEXTS}/NAME}}"
            )
        for found in (named, visited):
            found.add(posixpath.dirname(path))
        texts.add(path)
        try:
            return self._read_text(path, _MOST_BYTES)
        except ComponentError as error:
            raise ComponentError(f"{described(avu)}: ${{<{name}}}: {error}") from error

    def _index(self, path: str, label: str) -> list[dict[str, dict[str, Avu]]]:
        """For each level the AVUs by attribute (`:NAME` for the bare attribute; NAME also for its alias's key)."""
        if path not in self._indexes:
            if len(self._indexes) >= _MOST_COLLECTIONS:
                raise ComponentError(f"{label}: more than {_MOST_COLLECTIONS} collections are referred to")
            self._indexes[path] = []
            for level in self._look_up(path):
                index: dict[str, dict[str, Avu]] = {}
                for each in level:
                    for name in {each.attribute, self._aliases.get(each.attribute, each.attribute)}:
                        index.setdefault(name, {})[each.value] = each
                    index.setdefault(f":{each.attribute}", {})[each.value] = each
                self._indexes[path].append(index)
        return self._indexes[path]


def _circle(places: Sequence[_Place]) -> str:
    """The circle, if it is one of siblings. Other collections are hidden from readers of the message."""
    if len({posixpath.dirname(component) for component, _ in places}) > 1:
        return ""
    return ": " + " -> ".join(f"{component}:{avu.attribute}" for component, avu in places)
