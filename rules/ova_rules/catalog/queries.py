"""The catalog queries of the rules. Every query runs as the client and sees what the client may see.

Rows that a condition wrongly lets pass (see `conditions`) are dropped here. For who may do what see `access`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence

from ova_rules import agent
from ova_rules.catalog.conditions import begins, beside_collections, equals, lists, masked
from ova_rules.catalog.rows import select
from ova_rules.catalog.types import Avu, ObjectAvu, Replica
from ova_rules.errors import AwayError, ComponentError
from ova_rules.names import URL, component_of, in_trash, looks_like_package
from ova_tools.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ova_rules.settings import Settings

_LANGUAGE = "irods_rule_engine_plugin-irods_rule_language-instance"
_FILE_SYSTEMS = ("unixfilesystem", "unix file system")
_PLACEHOLDER = "bundleResc"  # a resource that every zone has and nobody uses
_UNREADABLE = "-807000"  # CAT_GET_ROW_ERR
# A value with fewer characters never has more bytes than a server can read.
_NO_LONG_VALUE = f"META_COLL_ATTR_VALUE not like '{'_' * (2700 // 4 + 1)}%'"
REPLICA_COLUMNS = ["DATA_ID", "DATA_REPL_NUM", "DATA_REPL_STATUS", "DATA_SIZE", "DATA_MODIFY_TIME", "DATA_CHECKSUM"]
REPLICA_COLUMNS += ["DATA_PATH", "RESC_LOC", "DATA_RESC_HIER", "COLL_NAME", "DATA_NAME"]
_HAS = ["COLL_NAME", "META_COLL_ATTR_NAME"]
# .ova in any case, and the endings of forms
ENDINGS = "DATA_NAME like '%.___' || like '%.qcow2' || like '%.user-data' || like '%.image.json' || like '%.qm'"


class Queries:
    """The catalog as the client of this agent sees it. Lives for one event. Not for use from other threads."""

    def __init__(self, callback: Any, rei: Any, cause: str = "") -> None:
        self._callback = callback
        self._rei = rei
        self.cause = cause  # of the event, for the journal
        self.user = str(rei.uoic.userName)
        self.zone = str(rei.uoic.rodsZone)
        self.is_administrator = int(rei.uoic.authInfo.authFlag) >= agent.ADMINISTRATOR
        # A catalog lives for one event, so what it has learnt holds.
        self._ids: dict[str, str] = {}
        # Components that were found up to date in this event; a reader cannot know more than that.
        self.found_fresh: set[str] = set()
        self._children: dict[tuple[str, ...], list[str]] = {}
        # Without settings it is unknown which files are on other servers, and none is looked up there.
        self.settings: Settings | None = None
        # The servers that gave no answer in this event, and why.
        self.away: dict[str, AwayError] = {}

    @property
    def identity(self) -> str:
        """The client as `name#zone`."""
        return f"{self.user}#{self.zone}"

    # ---- rows ----------------------------------------------------------------------------------------------------

    def _rows(self, columns: Sequence[str], condition: str, most: int | None = None) -> list[list[str]]:
        return select(self._callback, columns, condition, most)

    def _rows_of(self, columns: Sequence[str], column: str, values: Iterable[str], *also: str) -> list[list[str]]:
        """The rows in which a column has one of these values; one query, unless the values are very many or long."""
        conditions = [" AND ".join([*also, one]) for one in lists(column, values)]
        if len(conditions) == 1:
            return self._rows(columns, conditions[0])
        # A row that one condition wrongly lets pass may be what another one asks for.
        return [
            list(row) for row in dict.fromkeys(tuple(row) for one in conditions for row in self._rows(columns, one))
        ]

    def _readable_rows(self, ask: Callable[[str], list[list[str]]], condition: str, narrower: str) -> list[list[str]]:
        """What `ask` finds with a condition, or with a narrower one if an unreadable AVU passes the first."""
        try:
            return ask(condition)
        except RuntimeError as error:
            if _UNREADABLE not in str(error):
                raise
            return ask(narrower)

    # ---- AVUs of collections -------------------------------------------------------------------------------------

    def avus(self, collections: Iterable[str]) -> list[Avu]:
        """Every AVU of these collections that the client may see.

        Raises ComponentError if there is one that the server itself cannot read.
        """
        columns = ["COLL_NAME", "META_COLL_ATTR_NAME", "META_COLL_ATTR_VALUE", "META_COLL_ATTR_UNITS", "COLL_ID"]
        wanted = set(collections)
        try:
            rows = self._rows_of(columns, "COLL_NAME", sorted(wanted))
        except RuntimeError as error:
            if _UNREADABLE not in str(error):
                raise
            raise ComponentError(
                f"{min(wanted, key=len)} … {max(wanted, key=len)}: an AVU here has more than 2700 bytes, and "
                "iRODS cannot read it; remove it (imeta rm with the same text, or imeta rmw)",
                lasting=False,
            ) from error
        self._ids.update({row[0]: row[4] for row in rows})
        return [Avu(*row[:4]) for row in rows if row[0] in wanted]

    def collection_id(self, collection: str) -> str:
        """The number of a collection whose AVUs were read. A rename does not change it."""
        return self._ids[collection]

    def is_component(self, collection: str) -> bool:
        """Whether a collection has `ova_url`, as far as the client may see; also works if its AVUs are unreadable."""
        return bool(self.having([collection], URL))

    def urls_of(self, collections: Sequence[str]) -> list[Avu]:
        """The `ova_url` of these collections, even if other AVUs there cannot be read."""
        columns = ["COLL_NAME", "META_COLL_ATTR_NAME", "META_COLL_ATTR_VALUE"]
        rows = self._readable_rows(
            lambda text: self._rows_of(columns, "COLL_NAME", collections, text),
            beside_collections("META_COLL_ATTR_NAME", URL),
            f"{equals('META_COLL_ATTR_NAME', URL)} AND {_NO_LONG_VALUE}",
        )
        return [Avu(*row) for row in rows if row[0] in collections and row[1] == URL]

    def all_components(self) -> list[tuple[str, str]]:
        """Every collection with `ova_url` that the client sees, outside of the trash, and its owner (name#zone)."""
        columns = ["COLL_NAME", "COLL_OWNER_NAME", "COLL_OWNER_ZONE", "META_COLL_ATTR_NAME"]
        rows = self._rows(columns, equals("META_COLL_ATTR_NAME", URL))
        found = {row[0]: f"{row[1]}#{row[2]}" for row in rows if row[3] == URL and not in_trash(row[0])}
        return sorted(found.items())

    def values_like(self, attributes: Sequence[str], *, start: str = "", part: str = "") -> list[Avu]:
        """The collections' AVUs of these attributes whose value has this beginning and this part."""
        one = next(lists("META_COLL_ATTR_NAME", attributes))
        pattern = f"{masked(start)}%{masked(part)}{'%' if part else ''}"
        found = self._avus_with(f"{one} AND META_COLL_ATTR_VALUE like '{pattern}'")
        return [
            avu for avu in found if avu.attribute in attributes and avu.value.startswith(start) and part in avu.value
        ]

    def _avus_with(self, condition: str, most: int | None = None) -> list[Avu]:
        """The collections' AVUs that match a condition, without units, and without those that no server can read."""
        columns = ["COLL_NAME", "META_COLL_ATTR_NAME", "META_COLL_ATTR_VALUE"]
        rows = self._readable_rows(
            lambda text: self._rows(columns, text, most), condition, f"{condition} AND {_NO_LONG_VALUE}"
        )
        return [Avu(*row) for row in rows]

    def having(self, collections: Sequence[str], attribute: str) -> set[str]:
        """Those of these collections that have an AVU of this attribute."""
        return self._having(attribute, lambda is_it: self._rows_of(_HAS, "COLL_NAME", collections, is_it)) & set(
            collections
        )

    def having_below(self, path: str, attribute: str) -> set[str]:
        """The collections below `path` that have an AVU of this attribute; slow where the zone has many."""
        below = f"{path}/"
        found = self._having(attribute, lambda is_it: self._rows(_HAS, f"{is_it} AND {begins('COLL_NAME', below)}"))
        return {name for name in found if name.startswith(below)}

    def _having(self, attribute: str, ask: Callable[[str], list[list[str]]]) -> set[str]:
        column = "META_COLL_ATTR_NAME"
        rows = self._readable_rows(ask, beside_collections(column, attribute), equals(column, attribute))
        return {row[0] for row in rows if row[1] == attribute}

    # ---- collections ---------------------------------------------------------------------------------------------

    def visible(self, collections: Sequence[str]) -> set[str]:
        """Those of these collections that the client may see."""
        return {row[0] for row in self._rows_of(["COLL_NAME"], "COLL_NAME", collections)} & set(collections)

    def is_special(self, collection: str) -> bool:
        """Whether a collection, or one above it, is mounted or a link."""
        rows = self._rows_of(["COLL_NAME", "COLL_TYPE"], "COLL_NAME", _above(collection))
        return any(row[1] for row in rows)

    def children(self, parents: Sequence[str], most: int) -> list[str] | None:
        """The collections right below these; None where there may be more than `most`."""
        found: list[str] = []
        wanted = set(parents)
        for condition in lists("COLL_PARENT_NAME", parents):
            rows = self._rows(["COLL_NAME", "COLL_PARENT_NAME"], condition, most + 1)
            found += [row[0] for row in rows if row[1] in wanted]
            if max(len(rows), len(found)) > most:
                return None
        return found

    def children_having(self, parents: Sequence[str], attribute: str) -> list[str]:
        """The collections right below one of these that have an AVU of this attribute. Asked once for an event."""
        asked = (attribute, *parents)
        if asked not in self._children:
            is_it = equals("META_COLL_ATTR_NAME", attribute)
            columns = ["COLL_NAME", "META_COLL_ATTR_NAME", "COLL_PARENT_NAME"]
            rows = self._rows_of(columns, "COLL_PARENT_NAME", parents, is_it)
            self._children[asked] = sorted({row[0] for row in rows if row[1] == attribute and row[2] in parents})
        return self._children[asked]

    # ---- data objects --------------------------------------------------------------------------------------------

    def replicas(self, path: str) -> list[Replica]:
        """The replicas of a data object; [] if there is none that the client may see."""
        return self.replicas_of([path])[path]

    def replicas_of(self, paths: Iterable[str]) -> dict[str, list[Replica]]:
        """The replicas of some data objects that the client may see, by path."""
        found: dict[str, list[Replica]] = {path: [] for path in paths}
        for row in self._rows_of_objects(REPLICA_COLUMNS, list(found)):
            found[f"{row[9]}/{row[10]}"].append(replica(row))
        return self._looked_up(found)

    def objects_in(self, collections: Sequence[str]) -> dict[str, list[Replica]]:
        """The replicas of all data objects right in these collections that the client may see, by path."""
        found: dict[str, list[Replica]] = {}
        wanted = set(collections)
        for row in self._rows_of(REPLICA_COLUMNS, "COLL_NAME", collections):
            if row[9] in wanted:
                found.setdefault(f"{row[9]}/{row[10]}", []).append(replica(row))
        return self._looked_up(found)

    def _looked_up(self, found: dict[str, list[Replica]]) -> dict[str, list[Replica]]:
        """The same replicas, with the states of the good ones' files that are on other servers."""
        if self.settings is None or not any(found.values()):
            return found
        from ova_rules.servers.roles import is_here

        hosts = {each.host for replicas in found.values() for each in replicas if each.good}
        others = {host for host in hosts if not is_here(host, self.settings.local_hosts)}
        if not others:
            return found
        from ova_rules.servers.files import states

        away = [each for replicas in found.values() for each in replicas if each.good and each.host in others]
        known = states(self, self.settings, [(each.host, each.vault_path) for each in away])
        return {
            path: [replace(each, elsewhere=known.get((each.host, each.vault_path))) for each in replicas]
            for path, replicas in found.items()
        }

    def _rows_of_objects(self, columns: Sequence[str], paths: Sequence[str]) -> list[list[str]]:
        """Rows about these data objects; the last two columns are COLL_NAME and DATA_NAME. One query for a few."""
        collections = list(lists("COLL_NAME", [path.rpartition("/")[0] for path in paths]))
        objects = list(lists("DATA_NAME", [path.rpartition("/")[2] for path in paths]))
        conditions = [f"{one} AND {two}" for one in collections for two in objects]
        rows = (row for condition in conditions for row in self._rows(columns, condition))
        return [row for row in rows if f"{row[-2]}/{row[-1]}" in paths]

    def object_avus(self, path: str, attributes: Sequence[str], value: str = "") -> list[ObjectAvu]:
        """The AVUs of a data object with one of these attributes, and with this value if one is given.

        Reads only what is asked for: an image that thousands of components use has thousands of AVUs.
        """
        collection, _, name = path.rpartition("/")
        columns = ["META_DATA_ATTR_NAME", "META_DATA_ATTR_VALUE", "META_DATA_ATTR_UNITS", "COLL_NAME", "DATA_NAME"]
        conditions = [equals("COLL_NAME", collection), equals("DATA_NAME", name)]
        conditions += [equals("META_DATA_ATTR_VALUE", value)] if value else []
        rows = self._rows_of(columns, "META_DATA_ATTR_NAME", attributes, *conditions)
        right = [row for row in rows if row[3] == collection and row[4] == name]
        return [ObjectAvu(*row[:3]) for row in right if row[0] in attributes and value in ("", row[1])]

    def avus_of(self, kind: str, name: str) -> list[ObjectAvu]:
        """Every AVU of a data object (`-d`, its path), a user (`-u`) or a resource (`-R`) that the client may see."""
        column, conditions = {
            "-d": ("DATA", {"COLL_NAME": name.rpartition("/")[0], "DATA_NAME": name.rpartition("/")[2]}),
            "-u": ("USER", {"USER_NAME": name.partition("#")[0]}),
            "-R": ("RESC", {"RESC_NAME": name}),
        }[kind]
        parts = [f"META_{column}_ATTR_{part}" for part in ("NAME", "VALUE", "UNITS")]
        condition = " AND ".join(equals(column, value) for column, value in conditions.items())
        rows = self._rows([*parts, *conditions], condition)
        return [ObjectAvu(*row[:3]) for row in rows if row[3:] == list(conditions.values())]

    def packages_below(self, collection: str) -> list[str]:
        """The data objects at or below a collection whose names end in .ova, in any case; sorted."""
        return [path for path in self._with_endings_below(collection) if looks_like_package(path)]

    def made_below(self, collection: str) -> list[str]:
        """The data objects at or below a collection that the server may have made, by their names; sorted."""
        return [path for path in self._with_endings_below(collection) if component_of(path) is not None]

    def _with_endings_below(self, collection: str) -> list[str]:
        below = collection.rstrip("/") + "/"
        rows = self._rows(["COLL_NAME", "DATA_NAME"], f"{begins('COLL_NAME', collection)} AND {ENDINGS}")
        return sorted({f"{row[0]}/{row[1]}" for row in rows if row[0] == collection or row[0].startswith(below)})

    # ---- the server ----------------------------------------------------------------------------------------------

    def run_there(self, host: str, text: str) -> str:
        """Runs rule text on another server, as the client. Returns its `*ARG3`; RuntimeError with iRODS's code."""
        reply = self._callback.remoteExec(host, f"<INST_NAME>{_LANGUAGE}</INST_NAME>", text, "")
        return str(reply["arguments"][3])

    def vault_of(self, resource: str) -> str:
        """The directory of a storage resource's vault."""
        rows = self._rows(["RESC_VAULT_PATH", "RESC_NAME"], equals("RESC_NAME", resource))
        return next(row[0] for row in rows if row[1] == resource)

    def has_files(self, resource: str) -> bool:
        """Whether a storage resource keeps data objects as files that a program can open."""
        rows = self._rows(["RESC_TYPE_NAME", "RESC_NAME"], equals("RESC_NAME", resource))
        return any(row[0] in _FILE_SYSTEMS for row in rows if row[1] == resource)

    def hosts(self) -> list[str]:
        """The servers that have vaults, sorted."""
        rows = self._rows(["RESC_LOC", "RESC_NAME"], equals("RESC_TYPE_NAME", "unixfilesystem"))
        return sorted({row[0] for row in rows if row[1] != _PLACEHOLDER})

    def vaults(self) -> list[str]:
        """The directories of all vaults of the zone that are file systems."""
        rows = self._rows(["RESC_VAULT_PATH", "RESC_NAME"], equals("RESC_TYPE_NAME", "unixfilesystem"))
        return [row[0] for row in rows]

    def queued_jobs(self, part: str, text: str) -> int:
        """How many delayed rules of the client hold `text`, looked for by a part of it that can be quoted."""
        rows = self._rows(["RULE_EXEC_ID", "RULE_EXEC_NAME"], f"RULE_EXEC_NAME like '%{masked(part)}%'")
        return sum(text in row[1] for row in rows)

    def log(self, text: str) -> None:
        """Writes one line to the server log, unchanged."""
        self._callback.writeLine("serverLog", text)

    def journal(self, kind: str, **fields: object) -> None:
        """Writes one line of JSON to the server log: what was done (`ova`), its cause, and for whom."""
        self.log(json.dumps({"ova": kind, "cause": self.cause, "user": self.identity, **fields}))


def _above(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(2, len(parts) + 1)]


def replica(row: Sequence[str]) -> Replica:
    """The replica in a row of REPLICA_COLUMNS."""
    return Replica(row[0], row[1], row[2], int(row[3]), row[4], row[5], row[6], row[7], row[8])
