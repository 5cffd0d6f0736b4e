"""What a descriptor says, as values: systems, references, configurations, and properties with their place in the bytes.

Must never hold behaviour: reading is in descriptor.py, choosing in properties.py, judging in values.py.
Source: DSP0243 7 (envelope), 9.5 (ProductSection), 9.8 (DeploymentOptionSection).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from .records import dataclass, field
from .xmltext import Encoding


@dataclass(frozen=True)
class Slot:
    """Where a value stands: the start tag at byte `tag`, and the attribute's name there.

    `attribute` is None where the tag has no value yet; `add_as` is the name to add it with.
    """

    tag: int
    attribute: str | None
    add_as: str


@dataclass(frozen=True)
class ConfigurationValue:
    """A `Value` element of a property (DSP0243 9.5): the value for one configuration, or for all if that is ''."""

    configuration: str
    value: str | None = field(repr=False)
    slot: Slot


@dataclass(frozen=True)
class Place:
    """Where a property stands in the descriptor, in bytes: its tags, its own value and its `Value` elements."""

    slot: Slot
    end_tag: int
    values: tuple[ConfigurationValue, ...] = ()
    line: int = 0


_NOWHERE = Place(Slot(0, None, "ovf:value"), 0)


@dataclass(frozen=True)
class Property:
    """One `ovf:Property`. `full_name` is `[class.]key[.instance]` (DSP0243 9.5 and 10.1); unique within a system only.

    `value` is the text a deployment gets where no configuration says otherwise, '' if there is none; `default` the
    value attribute as it stands, None if there is none. Both are kept out of `repr`, as they may be passwords.
    """

    full_name: str
    key: str
    class_: str = ""
    instance: str = ""
    type: str = "string"
    value: str = field(default="", repr=False)
    default: str | None = field(default=None, repr=False)
    user_configurable: bool = False
    password: bool = False
    qualifiers: str = ""
    vmw_qualifiers: str = ""
    label: str = ""
    description: str = ""
    category: str = ""
    system: str = ""
    configurations: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)
    place: Place = field(default=_NOWHERE, repr=False)

    @property
    def address(self) -> str:
        """`SYSTEM-ID/NAME`, which tells properties of one full name in several systems apart."""
        return f"{self.system}/{self.full_name}"


class SystemKind(Enum):
    """The two kinds of OVF content (DSP0243 7.2)."""

    SYSTEM = "VirtualSystem"
    COLLECTION = "VirtualSystemCollection"


@dataclass(frozen=True)
class System:
    """A virtual system or collection; `parent` is the id of the collection around it, '' at the top."""

    id: str
    kind: SystemKind
    parent: str
    name: str = ""


@dataclass(frozen=True)
class Reference:
    """A `File` of the References (DSP0243 7.1). `size` is as declared, in bytes, None if absent or not a number."""

    id: str
    href: str
    size: int | None
    compression: str = ""
    chunk_size: int | None = None


@dataclass(frozen=True)
class Configuration:
    """A deployment option (DSP0243 9.8)."""

    id: str
    default: bool


@dataclass(frozen=True)
class Content:
    """All that a descriptor says and ova_tools knows; `namespace` is that of its root element."""

    version: str
    namespace: str
    encoding: Encoding
    systems: tuple[System, ...]
    properties: tuple[Property, ...]
    references: tuple[Reference, ...]
    configurations: tuple[Configuration, ...]
