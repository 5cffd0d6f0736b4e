"""Properties that a descriptor lacks: in which product section they go, and the text that adds them.

The text is written in the descriptor's own prefixes, indentation and encoding. Must never depend on the order in which
additions are asked for, and must never make a second section of one class and instance in a system (DSP0243 9.5).
Source: DSP0243 7.2 (content), 9.5 (ProductSection; keys without '.' and ':', classes without ':').
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .errors import PropertyError
from .limits import MAX_NAME
from .model import Content, Property, Section, System, SystemKind
from .spelling import deeper, end_of, indent, last_line, opened, prefix
from .splice import Addition, Insertion, Splice
from .values import check_value
from .xmltext import escape, read_start_tag, space_after, space_before

_INFO = "Properties that were added to this package"
_LISTED = 12


class _Systems:
    """Where additions can go, each looked up: systems by id, and by the system the sections that it has."""

    def __init__(self, content: Content) -> None:
        self.systems = content.systems
        self.by_id: dict[str, list[int]] = {}
        for index, system in enumerate(content.systems):
            self.by_id.setdefault(system.id, []).append(index)
        of_kind: dict[SystemKind, list[int]] = {SystemKind.SYSTEM: [], SystemKind.COLLECTION: []}
        for index, system in enumerate(content.systems):
            if system.kind is SystemKind.SYSTEM or not system.parent:
                of_kind[system.kind].append(index)
        unnamed = [indexes[0] for indexes in of_kind.values() if len(indexes) == 1]
        self.unnamed = unnamed[0] if unnamed else None
        self.last: dict[int, Section] = {}
        self.by_class: dict[tuple[int, str], Section] = {}  # the first of each class that has no instance
        for section in content.sections:
            if section.system is not None:
                self.last[section.system] = section
                if not section.instance:
                    self.by_class.setdefault((section.system, section.class_), section)

    def place(self, name: str) -> tuple[int, str]:
        """Return the index of the system that an addition is for, and its name without the system."""
        slash = name.rfind("/")
        if slash < 0 and self.unnamed is not None:
            return self.unnamed, name
        while slash >= 0:  # an id may have slashes itself
            found = self.by_id.get(name[:slash], [])
            if len(found) == 1:
                return found[0], name[slash + 1 :]
            if found:
                why = f"{len(found)} systems have the id {name[:slash]}"
                raise PropertyError(f"property {name} cannot be added: {why}", name)
            slash = name.rfind("/", 0, slash)
        ids = sorted(self.by_id)
        more = f", … ({len(ids)} in all)" if len(ids) > _LISTED else ""
        right = f"SYSTEM-ID/NAME with one of these systems would be right: {', '.join(ids[:_LISTED])}{more}"
        why = right if ids else "the descriptor has no virtual system"
        raise PropertyError(f"property {name} cannot be added: {why}", name)


def insertions(data: bytes, content: Content, additions: Sequence[Addition]) -> list[Insertion]:
    """Return the text that adds these properties to the descriptor `data`.

    Raises PropertyError for a name that is no valid one or is there already, a value that XML cannot hold, a system
    that cannot be told, and a descriptor of OVF 0.9, whose sections are of another form.
    """
    systems = _Systems(content)
    wanted: dict[tuple[int, str], list[Property]] = {}
    taken = {(prop.system, prop.full_name) for prop in content.properties}
    for addition in sorted(additions, key=lambda each: each.name):
        index, prop = _property(content, systems, addition)
        if (prop.system, prop.full_name) in taken:
            raise PropertyError(f"property {addition.name} is there already, or added twice", addition.name)
        taken.add((prop.system, prop.full_name))
        wanted.setdefault((index, prop.class_), []).append(prop)
    found = []
    for key in sorted(wanted):
        section = systems.by_class.get(key)
        if section is None:
            splice = _new_section(data, content, key[0], systems.last.get(key[0]), wanted[key])
        else:
            splice = _into_section(data, content, content.systems[key[0]], section, wanted[key])
        found.append(Insertion(splice, tuple(wanted[key])))
    return found


def systems_of(content: Content, names: Iterable[str]) -> list[str]:
    """Return the ids of the systems that properties of these names would be added to. Raises PropertyError."""
    systems = _Systems(content)
    return [content.systems[systems.place(name)[0]].id for name in names]


def is_name(name: str) -> bool:
    """Return whether a property of this name, `[class.]key`, could be added to a package that lacks it."""
    class_, _, key = name.rpartition(".")
    return _wrong(class_, key, "." in name) is None


def _property(content: Content, systems: _Systems, addition: Addition) -> tuple[int, Property]:
    """Return the index of the system, and the property as it will read."""
    if content.version == "0.9":
        raise PropertyError(
            f"property {addition.name} cannot be added to a descriptor of OVF 0.9; 1.0 or newer is right", addition.name
        )
    index, name = systems.place(addition.name)
    class_, _, key = name.rpartition(".")
    wrong = _wrong(class_, key, "." in name)
    if wrong:
        raise PropertyError(f"property {addition.name} cannot be added: {wrong}", addition.name)
    system = content.systems[index].id
    prop = Property(name, key, class_, value=addition.value, user_configurable=True, system=system)
    check_value(prop, addition.value)
    return index, prop


def _wrong(class_: str, key: str, has_class: bool) -> str | None:
    for what, text in (("key", key), *((("class", class_),) if has_class else ())):
        if not text or (what == "class" and not all(text.split("."))):
            return f"its {what} is empty; [class.]key is right"
        if len(text) > MAX_NAME:
            return f"its {what} has {len(text)} characters, at most {MAX_NAME} are right"
        if ":" in text or not text.isprintable() or text != text.strip():
            return f"its {what} is {text!r}; it may have no ':', no control character and no blank around it"
    return None


def _into_section(data: bytes, content: Content, system: System, section: Section, new: Sequence[Property]) -> Splice:
    """Return the text behind the last property of a section, or at the end of one that has none."""
    encoding = content.encoding
    tag = read_start_tag(data, section.place.tag, encoding)
    style = _style(data, content, section, system)
    if section.last is not None:
        at, margin = end_of(data, content, section.last), indent(data, content, section.last.tag)
    elif tag.empty:
        outer = indent(data, content, section.place.tag)
        inner = _properties(content, new, tag.name, style, deeper(outer, ""))
        return opened(content, tag, inner + outer.encode(encoding.codec))
    else:
        at = section.place.end_tag
        at -= len(space_before(data, at, encoding).encode(encoding.codec))
        margin = last_line(space_after(data, tag.end, encoding))
    return Splice(at, at, _properties(content, new, tag.name, style, margin))


def _new_section(data: bytes, content: Content, index: int, last: Section | None, new: Sequence[Property]) -> Splice:
    """Return a section of our own, behind the system's `last` product section, else behind its Info and Name."""
    system, codec = content.systems[index], content.encoding.codec
    tag = read_start_tag(data, system.tag, content.encoding)
    style = prefix(system.style or tag.name)
    outer = indent(data, content, system.tag)
    margin = deeper(outer, "") if tag.empty else last_line(space_after(data, tag.end, content.encoding))
    step = deeper(margin, outer)
    element = f"{prefix(tag.name)}ProductSection"
    info = f"{prefix(tag.name)}Info"
    class_ = [f' {style}class="'.encode(codec), escape(new[0].class_, '"', codec), '"'.encode(codec)]
    section = b"".join(
        (
            f"{margin}<{element}".encode(codec),
            *(class_ if new[0].class_ else ()),
            f">{step}<{info}>{_INFO}</{info}>".encode(codec),
            _properties(content, new, element, style, step),
            f"{margin}</{element}>".encode(codec),
        )
    )
    if tag.empty:
        return opened(content, tag, section + outer.encode(codec))
    behind = system.head if last is None else last.place
    at = tag.end if behind is None else end_of(data, content, behind)
    return Splice(at, at, section)


def _properties(content: Content, new: Sequence[Property], parent: str, style: str, margin: str) -> bytes:
    codec = content.encoding.codec
    element = f"{prefix(parent)}Property"
    return b"".join(
        part
        for prop in new
        for part in (
            f'{margin}<{element} {style}key="'.encode(codec),
            escape(prop.key, '"', codec, prop.full_name),
            f'" {style}type="string" {style}userConfigurable="true" {style}value="'.encode(codec),
            escape(prop.value, '"', codec, prop.full_name),
            '"/>'.encode(codec),
        )
    )


def _style(data: bytes, content: Content, section: Section, system: System) -> str:
    """Return the prefix of attributes there, with its colon: as the last property writes them, if others can."""
    if section.last is not None and section.last_style:
        found = prefix(section.last_style)
        tag = read_start_tag(data, section.last.tag, content.encoding)
        if f"xmlns:{found[:-1]}" not in tag.attributes:
            return found
    return prefix(section.style or system.style or read_start_tag(data, section.place.tag, content.encoding).name)
