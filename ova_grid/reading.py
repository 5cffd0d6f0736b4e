"""Reads a zone as its user may see it: AVUs of collections, and texts. Reads only.

The number of queries grows with the collections requested by name, not with what lies below one.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from ova_grid.components import Avu
from ova_grid.connection import message, rows
from ova_rules.catalog.conditions import masked
from ova_rules.catalog.types import Avu as CatalogAvu
from ova_rules.errors import ComponentError

if TYPE_CHECKING:
    from irods.session import iRODSSession

_AT_ONCE = 50  # collections in one query


class Reader:
    """Reads AVUs by collection, each collection once. It is the read-only catalog that `ova_rules` needs."""

    def __init__(self, session: iRODSSession) -> None:
        self._session = session
        self._known: dict[str, list[CatalogAvu]] = {}

    def avus(self, collections: Iterable[str]) -> list[CatalogAvu]:
        """Every AVU of these collections that the user may see. Raises GridError."""
        asked = list(collections)
        missing = [path for path in asked if path not in self._known]
        self._known.update({path: [] for path in missing})
        for start in range(0, len(missing), _AT_ONCE):
            for avu in _of_collections(self._session, missing[start : start + _AT_ONCE]):
                self._known[avu.path].append(CatalogAvu(avu.path, avu.attribute, avu.value, avu.units))
        return [avu for path in asked for avu in self._known[path]]

    def text(self, path: str, most: int) -> str:
        """The UTF-8 text of a data object of at most `most` bytes. Raises ComponentError."""
        try:
            with self._session.data_objects.open(path, "r") as stream:
                data: bytes = stream.read(most + 1)
            if len(data) > most:
                raise ComponentError(f"{path} has more than {most} bytes")
            return data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise ComponentError(f"{path} is no text in UTF-8") from error
        except ComponentError:
            raise
        except Exception as error:
            raise ComponentError(f"{path} cannot be read: {message(error)}") from error


def _of_collections(session: iRODSSession, paths: Sequence[str]) -> Iterator[Avu]:
    from irods.column import In
    from irods.models import Collection, CollectionMeta

    columns = (CollectionMeta.name, CollectionMeta.value, CollectionMeta.units)
    query = session.query(Collection.name, *columns).filter(In(Collection.name, list(paths)))
    for row in rows(query):
        if row[Collection.name] in paths:
            yield Avu(row[Collection.name], *(row[column] or "" for column in columns))


def below(session: iRODSSession, root: str) -> list[Avu]:
    """Every AVU of the collections at or below `root`. Raises GridError."""
    from irods.column import Like
    from irods.models import Collection, CollectionMeta

    columns = (CollectionMeta.name, CollectionMeta.value, CollectionMeta.units)
    query = session.query(Collection.name, *columns).filter(Like(Collection.name, f"{masked(root)}%"))
    return [
        Avu(row[Collection.name], *(row[column] or "" for column in columns))
        for row in rows(query)
        if _is_in(row[Collection.name], root)
    ]


def collections_below(session: iRODSSession, root: str) -> list[str]:
    """The collections at or below `root`, sorted. Raises GridError."""
    from irods.column import Like
    from irods.models import Collection

    query = session.query(Collection.name).filter(Like(Collection.name, f"{masked(root)}%"))
    return sorted(row[Collection.name] for row in rows(query) if _is_in(row[Collection.name], root))


def is_collection(session: iRODSSession, path: str) -> bool:
    """Whether there is a collection that the user may see. Raises GridError."""
    from irods.column import Criterion
    from irods.models import Collection

    query = session.query(Collection.name).filter(Criterion("=", Collection.name, path))
    return any(row[Collection.name] == path for row in rows(query))


def _is_in(path: str, root: str) -> bool:
    return path == root or path.startswith(f"{root}/")


def absolute(base: str, path: str) -> str:
    """The absolute path for a path that a user gave. base: the collection that relative paths start from."""
    found = posixpath.normpath(posixpath.join(base, path.rstrip("/") or "."))
    return found if found.startswith("/") else f"/{found}"
