"""The values in the catalog's answers: AVUs, replicas, levels of access. Makes no queries."""

from __future__ import annotations

from ova_tools.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ova_rules.servers.files import FileState

# Levels of access (R_TOKN_MAIN): a level includes those below it.
READ_OBJECT = 1050
DELETE_METADATA = 1090
MODIFY_OBJECT = 1120
OWN = 1200

# How many bytes a server can read of an AVU's attribute or value, and of its units. It stores longer ones, and then
# cannot read any AVU of that entity.
VALUE_BYTES = 2700
UNITS_BYTES = 250

# Statuses of a replica; all others mean that it is being written.
STALE = "0"
GOOD = "1"


@dataclass(frozen=True)
class Avu:
    """One metadata triple and the collection that has it."""

    collection: str
    attribute: str
    value: str
    units: str = ""


@dataclass(frozen=True, order=True)
class ObjectAvu:
    """One metadata triple of a data object."""

    attribute: str
    value: str
    units: str = ""


@dataclass(frozen=True)
class Replica:
    """One replica of a data object; size in bytes, modified in seconds since 1970.

    elsewhere: the state of its file when it was looked up, if that is on another server that could tell.
    """

    data_id: str
    number: str
    status: str
    size: int
    modified: str
    checksum: str
    vault_path: str
    host: str
    hierarchy: str = ""
    elsewhere: FileState | None = None

    @property
    def good(self) -> bool:
        """Whether its bytes are all there and current."""
        return self.status == GOOD

    @property
    def resource(self) -> str:
        """The root of its resource hierarchy, which is the resource that clients name."""
        return self.hierarchy.partition(";")[0]


def fact(collection: str, attribute: str, value: str, units: str = "") -> Avu:
    """An AVU that the server writes, never too long for a server to read the collection's AVUs."""
    return Avu(collection, attribute, _cut(value, VALUE_BYTES), _cut(units, UNITS_BYTES))


def _cut(text: str, most: int) -> str:
    data = text.encode("utf-8", "surrogateescape")
    return text if len(data) <= most else data[:most].decode("utf-8", "ignore")
