"""The zone's components as their facts describe them: two queries, whatever their number. Reads only."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from ova_grid.connection import User, rows
from ova_grid.errors import GridError
from ova_rules import names
from ova_rules.catalog.conditions import masked
from ova_rules.catalog.types import Avu as CatalogAvu

if TYPE_CHECKING:
    from irods.session import iRODSSession

_BUILT = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class Avu:
    """An AVU of a collection or a data object."""

    path: str
    attribute: str
    value: str
    units: str


@dataclass(frozen=True)
class Component:
    """A component according to its facts. built: None if it never was; urls: its sources as users wrote them."""

    path: str
    owner: User
    state: str
    urls: tuple[str, ...]
    source: str
    built: datetime | None
    message: str
    progress: str
    depends_on: tuple[str, ...]
    prototypes: tuple[str, ...]

    def age(self, now: datetime) -> float | None:
        """Seconds since it was built."""
        return None if self.built is None else max(0.0, (now - self.built).total_seconds())


NO_STATE = "unknown"  # a component that the rules never saw: its ova_url was set while they were not loaded


def all_components(session: iRODSSession, below: Sequence[str] = ()) -> list[Component]:
    """The components at or below these collections (everywhere, if none is named), by path.

    Raises GridError if the zone does not answer.
    """
    found: dict[str, list[Avu]] = {}
    owners: dict[str, User] = {}
    for avu, owner in _collection_avus(session, below):
        found.setdefault(avu.path, []).append(avu)
        owners[avu.path] = owner
    likes = _likes(session)
    return [
        _component(path, owners[path], avus, _prototypes_of(path, likes))
        for path, avus in sorted(found.items())
        if not names.in_trash(path) and any(avu.attribute == names.URL for avu in avus)
    ]


def named(session: iRODSSession, paths: Sequence[str]) -> list[Component]:
    """The components at these paths. Raises GridError if one is no component."""
    wanted = [path.rstrip("/") for path in paths]
    found = {component.path: component for component in all_components(session, wanted)}
    for path in wanted:
        if path not in found:
            raise GridError(f"{path}: is no component (a collection with the AVU {names.URL})")
    return [found[path] for path in dict.fromkeys(wanted)]


def used_by(session: iRODSSession) -> list[Avu]:
    """The facts that say which images are in use. Raises GridError."""
    from irods.column import Criterion
    from irods.models import Collection, DataObject, DataObjectMeta

    query = session.query(
        Collection.name, DataObject.name, DataObjectMeta.name, DataObjectMeta.value, DataObjectMeta.units
    ).filter(Criterion("=", DataObjectMeta.name, names.USED_BY))
    return [
        Avu(
            posixpath.join(row[Collection.name], row[DataObject.name]),
            row[DataObjectMeta.name],
            row[DataObjectMeta.value],
            row[DataObjectMeta.units] or "",
        )
        for row in rows(query)
    ]


def _collection_avus(session: iRODSSession, below: Sequence[str]) -> Iterable[tuple[Avu, User]]:
    from irods.column import Like
    from irods.models import Collection, CollectionMeta

    columns = (CollectionMeta.name, CollectionMeta.value, CollectionMeta.units)
    roots = [path.rstrip("/") for path in below]
    conditions = [f"{masked(root)}%" for root in roots] or ["%"]
    seen: set[Avu] = set()
    for condition in conditions:
        query = session.query(Collection.name, Collection.owner_name, Collection.owner_zone, *columns)
        query = query.filter(Like(CollectionMeta.name, "ova%"))  # `_` would be a wildcard
        for row in rows(query.filter(Like(Collection.name, condition))):
            path = row[Collection.name]
            avu = Avu(path, *(row[column] or "" for column in columns))
            if avu not in seen and (not roots or any(f"{path}/".startswith(f"{root}/") for root in roots)):
                seen.add(avu)
                yield avu, User(row[Collection.owner_name], row[Collection.owner_zone])


def _likes(session: iRODSSession) -> dict[str, list[str]]:
    """Every `ova_like`, because one may be above the requested collections."""
    from irods.column import Criterion
    from irods.models import Collection, CollectionMeta

    query = session.query(Collection.name, CollectionMeta.value).filter(Criterion("=", CollectionMeta.name, names.LIKE))
    found: dict[str, list[str]] = {}
    for row in rows(query):
        found.setdefault(row[Collection.name], []).append(row[CollectionMeta.value])
    return found


def _prototypes_of(path: str, likes: dict[str, list[str]]) -> tuple[str, ...]:
    """The collections that a component stands for, by its own `ova_like` or that of a collection above it."""
    return tuple(
        like + path[len(above) :]
        for above, values in likes.items()
        if f"{path}/".startswith(f"{above}/")
        for like in values
    )


def component_of_avus(path: str, avus: Iterable[CatalogAvu]) -> Component:
    """A component by its own AVUs, without its owner and prototypes."""
    own = [Avu(path, avu.attribute, avu.value, avu.units) for avu in avus]
    return _component(path, User("", ""), own, ())


def _component(path: str, owner: User, avus: Sequence[Avu], prototypes: tuple[str, ...]) -> Component:
    def values(attribute: str) -> tuple[str, ...]:
        return tuple(sorted(avu.value for avu in avus if avu.attribute == attribute))

    def value(attribute: str) -> str:
        return next(iter(values(attribute)), "")

    return Component(
        path,
        owner,
        value(names.STATUS) or NO_STATE,
        values(names.URL),
        value(names.SOURCE) or next(iter(values(names.URL)), ""),
        _moment(value(names.BUILT)),
        value(names.MESSAGE),
        value(names.PROGRESS),
        values(names.DEPENDS),
        prototypes,
    )


def _moment(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, _BUILT).replace(tzinfo=timezone.utc)
    except ValueError:
        return None
