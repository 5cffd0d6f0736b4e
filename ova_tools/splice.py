"""New values into the descriptor's bytes: only the bytes of values change.

Must never serialise XML and must never touch a byte that is not part of a value. After each splice the result is parsed
again and compared: a descriptor that does not say what was asked never leaves this module.
Source: DSP0243 9.5 (value attribute, Value elements), XML 1.0 3.1.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .descriptor import parse
from .errors import DescriptorError, PropertyError
from .model import Content, Property, Slot
from .records import asdict, dataclass
from .xmltext import escape, read_start_tag


@dataclass(frozen=True)
class Splice:
    """Bytes `start` to `end` of the descriptor become `data`."""

    start: int
    end: int
    data: bytes


def apply_splices(data: bytes, splices: Iterable[Splice]) -> bytes:
    """Return `data` with every splice applied; they must not overlap."""
    parts = []
    position = 0
    for splice in sorted(splices, key=lambda s: (s.start, s.end)):
        parts += [data[position : splice.start], splice.data]
        position = splice.end
    return b"".join([*parts, data[position:]])


def set_values(
    data: bytes, content: Content, values: Sequence[tuple[Property, str]], configuration: str | None = None
) -> bytes:
    """Return the descriptor `data` with each property's value set: the default, or that of `configuration`.

    A value that already is what is asked for keeps its bytes, however it is spelt. Raises PropertyError for a value
    XML cannot hold.
    """
    splices: list[Splice] = []
    for prop, value in values:
        if configuration is None:
            splices += _default_splices(data, content, prop, value)
        else:
            splices += _configuration_splices(data, content, prop, value, configuration)
    if not splices:
        return data
    result = apply_splices(data, splices)
    _check(result, content, values, configuration)
    return result


def _default_splices(data: bytes, content: Content, prop: Property, value: str) -> list[Splice]:
    # A Value element without a configuration overrules the attribute for some readers; both then say the same.
    for_all = [each for each in prop.place.values if not each.configuration]
    splices = [_into(data, content, prop, each.slot, value) for each in for_all if each.value != value]
    if prop.default != value and (prop.default is not None or not for_all):
        splices.append(_into(data, content, prop, prop.place.slot, value))
    return splices


def _configuration_splices(
    data: bytes, content: Content, prop: Property, value: str, configuration: str
) -> list[Splice]:
    found = [each for each in prop.place.values if each.configuration == configuration]
    if len(found) > 1:
        raise PropertyError(
            f"property {prop.full_name} has {len(found)} values for configuration {configuration}, one is right",
            prop.full_name,
        )
    if found:
        return [] if found[0].value == value else [_into(data, content, prop, found[0].slot, value)]
    return [_new_element(data, content, prop, value, configuration)]


def _into(data: bytes, content: Content, prop: Property, slot: Slot, value: str) -> Splice:
    codec = content.encoding.codec
    tag = read_start_tag(data, slot.tag, content.encoding)
    if slot.attribute is not None:
        place = tag.attributes[slot.attribute]
        return Splice(place.start, place.end, escape(value, place.quote, codec, prop.full_name))
    attribute = f' {slot.add_as}="'.encode(codec) + escape(value, '"', codec, prop.full_name) + '"'.encode(codec)
    return Splice(tag.insert, tag.insert, attribute)


def _new_element(data: bytes, content: Content, prop: Property, value: str, configuration: str) -> Splice:
    """Return a `Value` element for `configuration` as the property's last child, in the style of the property."""
    codec = content.encoding.codec
    tag = read_start_tag(data, prop.place.slot.tag, content.encoding)
    prefix = tag.name.rpartition(":")[0]
    element = f"{prefix}:Value" if prefix else "Value"
    style = (prop.place.slot.attribute or prop.place.slot.add_as).rpartition(":")[0]
    attribute = f"{style}:" if style else ""
    new = b"".join(
        (
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


def _check(data: bytes, before: Content, values: Sequence[tuple[Property, str]], configuration: str | None) -> None:
    """Parse the result: every property must have what was asked, or what it had."""
    after = parse(data)
    asked = {prop.place.slot.tag: value for prop, value in values}
    same = len(after.properties) == len(before.properties) and after.systems == before.systems
    for old, new in zip(before.properties, after.properties):
        value = asked.get(old.place.slot.tag)
        expected = _meaning(old)
        if value is not None and configuration is None:
            expected["value"] = value
        elif value is not None:
            expected["configurations"] = {**old.configurations, str(configuration): value}
        same = same and _meaning(new) == expected
    if not same:
        raise DescriptorError("the edited descriptor does not read back as asked; please report this file as a fault")


def _meaning(prop: Property) -> dict[str, object]:
    """Return what the property says, without its place and spelling, to be compared."""
    fields: dict[str, object] = asdict(prop)
    return {**fields, "place": None, "default": None, "configurations": dict(prop.configurations)}
