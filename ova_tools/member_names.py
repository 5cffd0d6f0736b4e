"""The names of a package's files, and the search for one by a differently spelt name.

macOS stores names decomposed (NFD) where descriptors have them composed (NFC), and Windows does not distinguish upper
and lower case. A name is looked for exactly, then in any normalisation, then in any case; the first of these that finds
something counts. Must never choose between two, and must never change a name.
Source: DSP0243 5.1 and 7.1 (names of files, chunks); UAX #15 (normalisation forms).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from .limits import MAX_FOLDED_NAME

_CHUNK = re.compile(r"(.+)\.([0-9]{9})", re.DOTALL)


def composed(name: str) -> str:
    """Return `name` in NFC. A name too long for file systems is returned unchanged: composing takes quadratic time."""
    if name.isascii() or len(name) > MAX_FOLDED_NAME:
        return name
    from unicodedata import normalize

    return normalize("NFC", name)


def folded(name: str) -> str:
    """Return a key that is equal for names that differ only in normalisation and case."""
    return composed(composed(name).lower())


def chunk_name(name: str, number: int) -> str:
    """Return the name of a chunk of the file `name` (DSP0243 7.1); the first has the number 0."""
    return f"{name}.{number:09d}"


class MemberNames:
    """Names in their order. Its tables are made when an exact search first fails."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = dict.fromkeys(names)
        self._tables: dict[Callable[[str], str], dict[str, list[str]]] = {}
        self._chunks: dict[str, dict[int, str]] | None = None
        self._chunked: MemberNames | None = None

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def alike(self, name: str) -> tuple[str, ...]:
        """Return the names that `name` may mean: itself, else those equal once normalised, else but for case."""
        if name in self._names:
            return (name,)
        for fold in (composed, folded):
            found = self._table(fold).get(fold(name))
            if found:
                return tuple(found)
        return ()

    def chunks(self, name: str) -> dict[int, str]:
        """Return the chunks of the file `name`, a name of `chunked`: each one's number and name, in their order."""
        return self._by_file().get(name, {})

    @property
    def chunked(self) -> MemberNames:
        """The names of files that exist in chunks (`NAME.000000000` and so on), without the numbers."""
        if self._chunked is None:
            self._chunked = MemberNames(self._by_file())
        return self._chunked

    def _by_file(self) -> dict[str, dict[int, str]]:
        if self._chunks is None:
            self._chunks = {}
            for name in self._names:
                match = _CHUNK.fullmatch(name)
                if match is not None:
                    self._chunks.setdefault(match.group(1), {})[int(match.group(2))] = name
        return self._chunks

    def _table(self, fold: Callable[[str], str]) -> dict[str, list[str]]:
        if fold not in self._tables:
            table = self._tables[fold] = {}
            for name in self._names:
                table.setdefault(fold(name), []).append(name)
        return self._tables[fold]
