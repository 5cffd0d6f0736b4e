"""What a descriptor says, as values: systems, references, configurations, and properties with their place in the bytes.

Must never hold behaviour but what a record says of itself: reading is in descriptor.py, choosing in properties.py,
judging in values.py.
Source: DSP0243 7 (envelope), 9.5 (ProductSection), 9.8 (DeploymentOptionSection).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from .records import dataclass, field
from .xmltext import Encoding


@dataclass(frozen=True)
class Slot:
    """Where an attribute stands, mostly a value: the start tag at byte `tag`, and the attribute's name there.

    `attribute` is None where the tag does not have it yet; `add_as` is the name to add it with.
    """

    tag: int
    attribute: str | None
    add_as: str


@dataclass(frozen=True)
class Element:
    """Where an element stands: its start tag at byte `tag`, its end tag at `end_tag` (none in an empty-element tag)."""

    tag: int
    end_tag: int


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


_NO_SLOT = Slot(0, None, "ovf:value")
_NOWHERE = Place(_NO_SLOT, 0)


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
    """A virtual system or collection; `parent` is the id of the collection around it, '' at the top.

    `transport` is how its virtual hardware hands properties to the guest (DSP0243 9.5.2), '' if that is not declared,
    None if it has no virtual hardware.
    `tag` is the byte of its start tag, `style` the name of its id attribute as written, and `head` the last of its
    elements Info and Name, behind which sections stand.
    """

    id: str
    kind: SystemKind
    parent: str
    name: str = ""
    transport: str | None = None
    tag: int = field(default=0, repr=False, compare=False)
    style: str = field(default="", repr=False, compare=False)
    head: Element | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class Section:
    """A `ProductSection` (DSP0243 9.5) of the system with that index, or of none; `last` is its last property
    that has a key.

    `style` and `last_style` are names of attributes as the section and its last property write them, '' without any.
    """

    class_: str
    instance: str
    system: int | None
    place: Element
    style: str
    last: Element | None = None
    last_style: str = ""


@dataclass(frozen=True)
class Reference:
    """A `File` of the References (DSP0243 7.1). `size` is as declared, in bytes, None if absent or not a number.

    `slot` is where its size stands, `end_tag` the byte of its end tag.
    """

    id: str
    href: str
    size: int | None
    compression: str = ""
    chunk_size: int | None = None
    slot: Slot = field(default=_NO_SLOT, repr=False, compare=False)
    end_tag: int = field(default=0, repr=False, compare=False)


@dataclass(frozen=True)
class Configuration:
    """A deployment option (DSP0243 9.8); `place` is where its attribute `default` stands."""

    id: str
    default: bool
    place: Slot = field(repr=False, compare=False)


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
    sections: tuple[Section, ...] = ()

    @property
    def default_configuration(self) -> str | None:
        """The deployment option that is taken if nobody chooses: the marked one, else the first (DSP0243 9.8)."""
        marked = [option.id for option in self.configurations if option.default]
        return next(iter((*marked, *(option.id for option in self.configurations))), None)
