"""Reads the OVF descriptor: systems, references, configurations, and properties with their place in the bytes.

Read with expat, which gives byte offsets and resolves names; a document type declaration is refused where it starts,
so no entity is ever defined or fetched. Must never change anything, and must never need more than one pass.
Source: DSP0243 7 (envelope), 9.5 (ProductSection), 9.8 (DeploymentOptionSection), DSP8023 (schema); OVF 0.9 drafts.
"""

from __future__ import annotations

import xml.parsers.expat as expat
from collections.abc import Mapping
from enum import Enum
from sys import intern
from types import MappingProxyType

from .errors import DescriptorError
from .limits import (
    MAX_ATTRIBUTES,
    MAX_ATTRIBUTES_OF_ONE,
    MAX_CATEGORY,
    MAX_DEPTH,
    MAX_DESCRIPTOR_BYTES,
    MAX_ELEMENTS,
    MAX_NAME,
)
from .model import (
    Configuration,
    ConfigurationValue,
    Content,
    Element,
    Place,
    Property,
    Reference,
    Section,
    Slot,
    System,
    SystemKind,
)
from .records import replace
from .xmltext import Encoding, detect_encoding

_RIGHT = {
    "http://schemas.dmtf.org/ovf/envelope/1": "1",
    "http://schemas.dmtf.org/ovf/envelope/2": "2",
    "http://schemas.dmtf.org/ovf/1/envelope": "1",  # drafts of 1.0
    "http://www.vmware.com/schema/ovf/1/envelope": "0.9",
}
NAMESPACES = {**_RIGHT, **{f"{name}/": version for name, version in _RIGHT.items()}}  # oVirt and RHV add the slash
VMW = "http://www.vmware.com/schema/ovf"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
_SEPARATOR = "\x01"  # no XML document can hold it
_NO_CONFIGURATIONS: Mapping[str, str] = MappingProxyType({})


def parse(data: bytes) -> Content:
    """Read a descriptor. Raises DescriptorError with the line at fault."""
    if len(data) > MAX_DESCRIPTOR_BYTES:
        raise DescriptorError(f"the descriptor has {len(data)} bytes, at most {MAX_DESCRIPTOR_BYTES} are right")
    encoding = detect_encoding(data)
    reader = _Reader(encoding)
    try:
        reader.parser.Parse(data, True)
    except expat.ExpatError as error:
        text = expat.errors.messages.get(error.code, "broken XML")
        raise DescriptorError(
            f"the descriptor is not well-formed XML: {text}, line {error.lineno}, column {error.offset + 1}"
        ) from error
    except (LookupError, ValueError) as error:
        raise DescriptorError("the descriptor is in an encoding that cannot be read; UTF-8 would be right") from error
    return reader.content()


class _Kind(Enum):
    ENVELOPE = 1
    REFERENCES = 2
    FILE = 3
    SYSTEM = 4
    PRODUCT = 5
    PROPERTY = 6
    VALUE = 7
    TEXT = 8
    OPTIONS = 9
    OPTION = 10
    INFO = 11
    HARDWARE = 12
    OTHER = 13


# What an element is, by what it stands in and its local name; everything else is OTHER and so is all within it.
_SECTIONS = {
    "ProductSection": _Kind.PRODUCT,
    "DeploymentOptionSection": _Kind.OPTIONS,
    "VirtualSystem": _Kind.SYSTEM,
    "VirtualSystemCollection": _Kind.SYSTEM,
}
_TABLE: dict[_Kind, dict[str, _Kind]] = {
    _Kind.ENVELOPE: {**_SECTIONS, "References": _Kind.REFERENCES},
    _Kind.REFERENCES: {"File": _Kind.FILE},
    _Kind.SYSTEM: {**_SECTIONS, "Info": _Kind.INFO, "Name": _Kind.TEXT, "VirtualHardwareSection": _Kind.HARDWARE},
    _Kind.PRODUCT: {"Property": _Kind.PROPERTY, "Category": _Kind.TEXT},
    _Kind.PROPERTY: {"Value": _Kind.VALUE, "Label": _Kind.TEXT, "Description": _Kind.TEXT},
    _Kind.OPTIONS: {"Configuration": _Kind.OPTION},
}


class _Attributes:
    """The attributes of one element: by local name, in an OVF namespace first and in none second."""

    def __init__(self, flat: list[str], namespace: str) -> None:
        self._found: dict[tuple[str, str], tuple[str, str]] = {}
        for index in range(0, len(flat), 2):
            parts = flat[index].split(_SEPARATOR)
            if len(parts) == 1:
                self._found["", parts[0]] = (parts[0], flat[index + 1])
            else:
                raw = f"{parts[2]}:{parts[1]}" if len(parts) == 3 else parts[1]
                self._found[parts[0], parts[1]] = (raw, flat[index + 1])
        self._order = (namespace, *(n for n in NAMESPACES if n != namespace), "")

    def find(self, name: str) -> tuple[str, str] | None:
        """Return the name as written and the value of the OVF attribute `name`."""
        for namespace in self._order:
            found = self._found.get((namespace, name))
            if found is not None:
                return found
        return None

    def get(self, name: str, default: str = "") -> str:
        found = self.find(name)
        return default if found is None else found[1]

    def other(self, namespace: str, name: str) -> str:
        return self._found.get((namespace, name), ("", ""))[1]

    def slot(self, tag: int, name_like: str | None = None, name: str = "value") -> Slot:
        """Return the place of the attribute `name`, to be added in the style of the attribute `name_like`."""
        found = self.find(name)
        prefix, colon, _ = (name_like or "").rpartition(":")
        return Slot(tag, None if found is None else found[0], intern(f"{prefix}{colon}{name}"))

    def style(self, *names: str) -> str:
        """Return the first of these attributes that is there, as written; '' if none is."""
        return next((intern(found[0]) for found in map(self.find, names) if found is not None), "")


class _Reader:
    """The state of one parse. Handlers run for every element of a possibly hostile file: keep them plain."""

    def __init__(self, encoding: Encoding) -> None:
        self.encoding = encoding
        self.parser = expat.ParserCreate(encoding.for_expat, namespace_separator=_SEPARATOR)
        self.parser.namespace_prefixes = True
        self.parser.ordered_attributes = True
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.XmlDeclHandler = self._declaration
        self.parser.StartNamespaceDeclHandler = self._named
        self.namespace = ""
        self.stack: list[_Kind] = []
        self.count = self.attribute_count = 0
        self.systems: list[System] = []
        self.open_systems: list[int] = []
        self.sections: list[Section] = []
        self.section: Section | None = None
        self.properties: list[Property] = []
        self.references: list[Reference] = []
        self.configurations: list[Configuration] = []
        self.product: tuple[str, str] = ("", "")
        self.category = ""
        self.draft: _Draft | None = None
        self.text_at = 0
        self.text_of = ""
        self.text: list[str] = []

    def content(self) -> Content:
        return Content(
            NAMESPACES[self.namespace],
            self.namespace,
            self.encoding,
            tuple(self.systems),
            tuple(self.properties),
            tuple(self.references),
            tuple(self.configurations),
            tuple(self.sections),
        )

    def _refuse(self, why: str) -> DescriptorError:
        return DescriptorError(f"the descriptor {why}, line {self.parser.CurrentLineNumber}")

    def _doctype(self, *_: object) -> None:
        raise self._refuse("has a document type declaration (DTD), which no OVF descriptor may have")

    def _declaration(self, version: str, _encoding: str | None, _standalone: int) -> None:
        if version != "1.0":
            raise self._refuse(f"is XML {version}; XML 1.0 is right")

    def _named(self, _prefix: str | None, namespace: str | None) -> None:
        self.attribute_count += 1
        self._short(namespace or "", "a namespace")

    def _short(self, text: str, what: str, most: int = MAX_NAME) -> str:
        if len(text) > most:
            raise self._refuse(f"has {what} of more than {most} characters")
        return text

    def _start(self, name: str, flat: list[str]) -> None:
        self.count += 1
        self.attribute_count += len(flat) // 2
        if self.count > MAX_ELEMENTS or self.attribute_count > MAX_ATTRIBUTES:
            raise self._refuse(f"has more than {MAX_ELEMENTS} elements or {MAX_ATTRIBUTES} attributes")
        if len(flat) > 2 * MAX_ATTRIBUTES_OF_ONE:
            raise self._refuse(f"has an element with more than {MAX_ATTRIBUTES_OF_ONE} attributes")
        if len(self.stack) >= MAX_DEPTH:
            raise self._refuse(f"nests elements more than {MAX_DEPTH} deep")
        parts = name.split(_SEPARATOR)
        namespace, local = ("", parts[0]) if len(parts) == 1 else (parts[0], parts[1])
        if not self.stack:
            self._root(namespace, local)
            return
        known = _TABLE.get(self.stack[-1])
        if known is None or (namespace and namespace not in NAMESPACES):
            self.stack.append(_Kind.OTHER)
            return
        kind = known.get(local)
        if kind is None and local not in ("Section", "Content"):
            self.stack.append(_Kind.OTHER)
            return
        attributes = _Attributes(flat, self.namespace)
        if kind is None:  # OVF 0.9 names sections by xsi:type="ovf:ProductSection_Type"
            local = attributes.other(XSI, "type").rpartition(":")[2]
            local = local[:-5] if local.endswith("_Type") else local
            kind = known.get(local, _Kind.OTHER)
        self.stack.append(kind)
        self._enter(kind, local, attributes)

    def _root(self, namespace: str, local: str) -> None:
        if local != "Envelope" or namespace not in NAMESPACES:
            where = f"in namespace {namespace}" if namespace else "in no namespace"
            raise self._refuse(f"has the root element {local} {where}; an OVF Envelope is right (DSP0243 7.1)")
        self.namespace = namespace
        self.stack.append(_Kind.ENVELOPE)

    def _enter(self, kind: _Kind, local: str, attributes: _Attributes) -> None:
        if kind is _Kind.SYSTEM:
            parent = self.systems[self.open_systems[-1]].id if self.open_systems else ""
            self.open_systems.append(len(self.systems))
            id_ = self._short(attributes.get("id"), "an id")
            tag = self.parser.CurrentByteIndex
            self.systems.append(System(id_, SystemKind(local), parent, tag=tag, style=attributes.style("id")))
        elif kind is _Kind.PRODUCT:
            class_, instance = attributes.get("class"), attributes.get("instance")
            self.product = self._short(class_, "a class"), self._short(instance, "an instance")
            self.category = ""
            system = self.open_systems[-1] if self.open_systems else None
            here = Element(self.parser.CurrentByteIndex, 0)
            self.section = Section(*self.product, system, here, attributes.style("class", "instance"))
        elif kind is _Kind.PROPERTY:
            self.draft = _Draft(attributes, self.parser.CurrentByteIndex, self.parser.CurrentLineNumber)
        elif kind is _Kind.VALUE and self.draft is not None:
            self.draft.add_value(attributes, self.parser.CurrentByteIndex)
        elif kind is _Kind.HARDWARE:
            index = self.open_systems[-1]
            transport = self.systems[index].transport or " ".join(attributes.get("transport").split())
            self.systems[index] = replace(self.systems[index], transport=transport)
        elif kind is _Kind.INFO:
            self.text_at = self.parser.CurrentByteIndex
        elif kind is _Kind.TEXT:
            self.text_at, self.text_of, self.text = self.parser.CurrentByteIndex, local, []
            self.parser.CharacterDataHandler = self.text.append
        elif kind is _Kind.FILE:
            self.references.append(_reference(attributes, self.parser.CurrentByteIndex))
        elif kind is _Kind.OPTION:
            slot = attributes.slot(self.parser.CurrentByteIndex, attributes.style("id"), "default")
            self.configurations.append(Configuration(attributes.get("id"), _true(attributes.get("default")), slot))

    def _end(self, _name: str) -> None:
        kind = self.stack.pop()
        if kind is _Kind.TEXT:
            self.parser.CharacterDataHandler = None
            self._take_text(self.text_of, " ".join("".join(self.text).split()))
        elif kind is _Kind.INFO:
            self._end_head()
        elif kind is _Kind.PROPERTY and self.draft is not None and self.section is not None:
            if self.draft.key:  # without a key nothing can ever set it
                end = self.parser.CurrentByteIndex
                system = self.systems[self.open_systems[-1]].id if self.open_systems else ""
                self.properties.append(self.draft.property(self.product, self.category, system, end))
                slot = self.draft.slot
                self.section = replace(self.section, last=Element(slot.tag, end), last_style=slot.add_as)
            self.draft = None
        elif kind is _Kind.PRODUCT and self.section is not None:
            place = Element(self.section.place.tag, self.parser.CurrentByteIndex)
            self.sections.append(replace(self.section, place=place))
            self.section = None
        elif kind is _Kind.SYSTEM:
            self.open_systems.pop()
        elif kind is _Kind.FILE:
            self.references[-1] = replace(self.references[-1], end_tag=self.parser.CurrentByteIndex)

    def _end_head(self) -> None:
        index = self.open_systems[-1]
        self.systems[index] = replace(self.systems[index], head=Element(self.text_at, self.parser.CurrentByteIndex))

    def _take_text(self, element: str, text: str) -> None:
        if element == "Category":
            self.category = self._short(text, "a category", MAX_CATEGORY)
        elif element == "Name":
            self._end_head()
            self.systems[self.open_systems[-1]] = replace(self.systems[self.open_systems[-1]], name=text)
        elif self.draft is not None and element == "Label":
            self.draft.label = text
        elif self.draft is not None:
            self.draft.description = text


class _Draft:
    """A property whose end tag has not been read yet."""

    def __init__(self, attributes: _Attributes, tag: int, line: int) -> None:
        key = attributes.find("key")
        self.attributes = attributes
        self.key = key[1] if key else ""
        self.slot = attributes.slot(tag, key[0] if key else None)
        self.line = line
        self.values: list[ConfigurationValue] = []
        self.label = self.description = ""

    def add_value(self, attributes: _Attributes, tag: int) -> None:
        found = attributes.find("value")
        configuration = attributes.find("configuration")
        like = configuration[0] if configuration else self.slot.add_as
        self.values.append(
            ConfigurationValue(
                configuration[1] if configuration else "", found[1] if found else None, attributes.slot(tag, like)
            )
        )

    def property(self, product: tuple[str, str], category: str, system: str, end_tag: int) -> Property:
        attributes, (class_, instance) = self.attributes, product
        found = attributes.find("value")
        default = found[1] if found else None
        for_all = [v.value for v in self.values if not v.configuration and v.value is not None]
        value = for_all[0] if for_all else (default or "")
        configurations: dict[str, str] = {}
        for each in self.values:
            if each.configuration:
                configurations.setdefault(each.configuration, each.value or "")
        type_ = intern(attributes.get("type").strip()) or "string"
        user_configurable = attributes.find("userConfigurable") or attributes.find("configurableByUser")  # 1.0, 0.9
        return Property(
            full_name=".".join(part for part in (class_, self.key, instance) if part),
            key=self.key,
            class_=class_,
            instance=instance,
            type=type_,
            value=value,
            default=default,
            user_configurable=user_configurable is not None and _true(user_configurable[1]),
            password=_true(attributes.get("password")) or type_.lower().startswith("password"),
            qualifiers=intern(attributes.get("qualifiers")),
            vmw_qualifiers=intern(attributes.other(VMW, "qualifiers")),
            label=self.label,
            description=self.description,
            category=category,
            system=system,
            configurations=MappingProxyType(configurations) if configurations else _NO_CONFIGURATIONS,
            place=Place(self.slot, end_tag, tuple(self.values), self.line),
        )


def _reference(attributes: _Attributes, tag: int) -> Reference:
    return Reference(
        attributes.get("id"),
        attributes.get("href"),
        _size(attributes.get("size")),
        attributes.get("compression"),
        _size(attributes.get("chunkSize")),
        attributes.slot(tag, attributes.style("href", "id"), "size"),
    )


def _size(text: str) -> int | None:
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None


def _true(text: str) -> bool:
    return text.strip().lower() in ("true", "1")
