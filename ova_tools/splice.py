"""New values into the descriptor's bytes: only the bytes of what changes are others.

Must never serialise XML and must never touch a byte that is not part of a change. After each splice the result is
parsed again and compared: a descriptor that does not say what was asked never leaves this module.
Source: DSP0243 9.5 (value attribute, Value elements), 9.8 (default configuration), XML 1.0 3.1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from .descriptor import parse
from .errors import DescriptorError, PropertyError
from .model import Content, Property, Slot
from .records import asdict, dataclass, field
from .xmltext import escape, read_start_tag

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


@dataclass(frozen=True)
class Change:
    """A value for a property of the package that is edited.

    `configuration` None sets it for every deployment: the default, and each `Value` element. A name sets the value of
    that deployment option only (DSP0243 9.8), and is stronger than a change without one.
    """

    property: Property
    value: str = field(repr=False)
    configuration: str | None = None


@dataclass(frozen=True)
class Addition:
    """A property that the package lacks, and its value; `name` is `[SYSTEM-ID/][class.]key`."""

    name: str
    value: str = field(repr=False)


@dataclass(frozen=True)
class Splice:
    """Bytes `start` to `end` of the descriptor become `data`."""

    start: int
    end: int
    data: bytes


@dataclass(frozen=True)
class Insertion:
    """New text for the descriptor, and the properties that it then has more."""

    splice: Splice
    properties: tuple[Property, ...]


def apply_splices(data: bytes, splices: Iterable[Splice]) -> bytes:
    """Return `data` with every splice applied; they must not overlap."""
    parts = []
    position = 0
    for splice in sorted(splices, key=lambda s: (s.start, s.end)):
        parts += [data[position : splice.start], splice.data]
        position = splice.end
    return b"".join([*parts, data[position:]])


def set_values(
    data: bytes,
    content: Content,
    changes: Sequence[Change],
    insertions: Sequence[Insertion] = (),
    default_configuration: str | None = None,
    further: Sequence[Splice] = (),
) -> bytes:
    """Return the descriptor `data` with each change and insertion made, and that deployment option as the default one.

    `further` splices change nothing that is checked here; the caller checks what they are for.

    A value that already is what is asked for keeps its bytes, however it is spelt. Raises PropertyError for a value
    XML cannot hold, DescriptorError for a deployment option that is declared twice.
    """
    splices = [*(insertion.splice for insertion in insertions), *further]
    asked: dict[int, dict[str | None, str]] = {}  # by the property's tag, and the configuration
    properties: dict[int, Property] = {}
    for change in changes:
        tag = change.property.place.slot.tag
        properties[tag] = change.property
        asked.setdefault(tag, {})[change.configuration] = change.value
    for tag, values in asked.items():
        splices += _value_splices(data, content, properties[tag], values)
    if default_configuration is not None:
        splices += _default_configuration_splices(data, content, default_configuration)
    if not splices:
        return data
    result = apply_splices(data, splices)
    new = [prop for insertion in insertions for prop in insertion.properties]
    _check(result, content, asked, new, default_configuration)
    return result


def _value_splices(data: bytes, content: Content, prop: Property, values: Mapping[str | None, str]) -> list[Splice]:
    for_all = values.get(None)
    splices: list[Splice] = []
    for each in prop.place.values:
        # A Value element without a configuration overrules the attribute for some readers; both then say the same.
        value = values.get(each.configuration, for_all) if each.configuration else for_all
        if value is not None and each.value != value:
            splices.append(_into(data, content, prop, each.slot, value))
    has_value = prop.default is not None or not any(not each.configuration for each in prop.place.values)
    if for_all is not None and prop.default != for_all and has_value:
        splices.append(_into(data, content, prop, prop.place.slot, for_all))
    return splices + _new_elements(data, content, prop, values)


def _new_elements(data: bytes, content: Content, prop: Property, values: Mapping[str | None, str]) -> list[Splice]:
    found = [each.configuration for each in prop.place.values]
    counts = dict.fromkeys(found, 0)
    for each in found:
        counts[each] += 1
    new = {}
    for configuration, value in values.items():
        if configuration is None:
            continue
        count = counts.get(configuration, 0)
        if count > 1:
            raise PropertyError(
                f"property {prop.full_name} has {count} values for configuration {configuration}, one is right",
                prop.full_name,
            )
        if not count:
            new[configuration] = value
    return [_new_element_splice(data, content, prop, new)] if new else []


def _default_configuration_splices(data: bytes, content: Content, name: str) -> list[Splice]:
    options = [option for option in content.configurations if option.id == name]
    if len(options) > 1:
        raise DescriptorError(f"configuration {name} is declared {len(options)} times, once is right")
    marked = [option for option in content.configurations if option.default]
    if marked == options or (not marked and content.default_configuration == name):
        return []
    others = [_put(data, content, option.place, "false") for option in marked if option.id != name]
    return others + [_put(data, content, option.place, "true") for option in options if not option.default]


def _into(data: bytes, content: Content, prop: Property, slot: Slot, value: str) -> Splice:
    return _put(data, content, slot, value, prop.full_name)


def _put(data: bytes, content: Content, slot: Slot, value: str, whose: str | None = None) -> Splice:
    codec = content.encoding.codec
    tag = read_start_tag(data, slot.tag, content.encoding)
    if slot.attribute is not None:
        place = tag.attributes[slot.attribute]
        return Splice(place.start, place.end, escape(value, place.quote, codec, whose))
    attribute = f' {slot.add_as}="'.encode(codec) + escape(value, '"', codec, whose) + '"'.encode(codec)
    return Splice(tag.insert, tag.insert, attribute)


def _new_element_splice(data: bytes, content: Content, prop: Property, values: Mapping[str, str]) -> Splice:
    """Return `Value` elements for these configurations as the property's last children, in its style."""
    codec = content.encoding.codec
    tag = read_start_tag(data, prop.place.slot.tag, content.encoding)
    prefix = tag.name.rpartition(":")[0]
    element = f"{prefix}:Value" if prefix else "Value"
    style = (prop.place.slot.attribute or prop.place.slot.add_as).rpartition(":")[0]
    attribute = f"{style}:" if style else ""
    new = b"".join(
        part
        for configuration, value in values.items()
        for part in (
            f'<{element} {attribute}value="'.encode(codec),
            escape(value, '"', codec, prop.full_name),
            f'" {attribute}configuration="'.encode(codec),
            escape(configuration, '"', codec, prop.full_name),
            '"/>'.encode(codec),
        )
    )
    if not tag.empty:
        return Splice(prop.place.end_tag, prop.place.end_tag, new)
    slash = tag.end - len("/>".encode(codec))
    return Splice(slash, tag.end, ">".encode(codec) + new + f"</{tag.name}>".encode(codec))


def _check(
    data: bytes,
    before: Content,
    asked: Mapping[int, Mapping[str | None, str]],
    new: Sequence[Property],
    default_configuration: str | None,
) -> None:
    """Parse the result: every property must have what was asked, or what it had; and there are those that are new."""
    after = parse(data)
    added = {(prop.system, prop.full_name): prop for prop in new}
    found = [prop for prop in after.properties if (prop.system, prop.full_name) in added]
    kept = [prop for prop in after.properties if (prop.system, prop.full_name) not in added]
    same = len(kept) == len(before.properties) and len(found) == len(new) and after.systems == before.systems
    for prop in found:
        expected = {**_meaning(added[prop.system, prop.full_name]), "category": prop.category}
        same = same and _meaning(prop) == expected
    for old, prop in zip(before.properties, kept):
        values = asked.get(old.place.slot.tag, {})
        for_all = values.get(None)
        expected = _meaning(old)
        if for_all is not None:
            expected["value"] = for_all
            expected["configurations"] = dict.fromkeys(old.configurations, for_all)
        named = {name: value for name, value in values.items() if name is not None}
        expected["configurations"] = {**expected["configurations"], **named}
        same = same and _meaning(prop) == expected
    options = [option.id for option in before.configurations]
    same = same and [option.id for option in after.configurations] == options
    wanted = default_configuration or before.default_configuration
    if not same or after.default_configuration != wanted:
        raise DescriptorError("the edited descriptor does not read back as asked; please report this file as a fault")


def _meaning(prop: Property) -> dict[str, Any]:
    """Return what the property says, without its place and spelling, to be compared."""
    fields: dict[str, Any] = asdict(prop)
    return {**fields, "place": None, "default": None, "configurations": dict(prop.configurations)}
