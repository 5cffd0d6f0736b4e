"""What differs between two packages: systems, deployment options, properties, files, and the rest of the descriptor.

Files are compared by size and by the digests in the manifests, or byte for byte if these are not enough. Must never
hold or show the value of a password property, and must never report as the same what was not compared.
"""

from __future__ import annotations

import os
import xml.parsers.expat as expat
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum

from .errors import PackageError
from .extents import Report
from .model import Content, Property
from .package import Kind, Member, Package, open_regular
from .records import asdict, dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_BLOCK = 1 << 20
# The aspects of a property that get lines of their own; all others share one line.
_PROPERTY_FIELDS = (
    "type",
    "user_configurable",
    "password",
    "qualifiers",
    "vmw_qualifiers",
    "label",
    "description",
    "category",
)
# Elements that are compared by name, and their parents; OVF 0.9 has Section and Content instead.
_COMPARED = {
    "Property": ("ProductSection", "Section"),
    "Name": ("VirtualSystem", "VirtualSystemCollection", "Content"),
}


class Subject(Enum):
    """The subject of a difference. Never rename or remove a value: they are in the JSON form (docs/ova-tools.md)."""

    SYSTEM = "system"
    CONFIGURATION = "configuration"
    PROPERTY = "property"
    FILE = "file"
    DESCRIPTOR = "descriptor"


@dataclass(frozen=True)
class Difference:
    """`what` of the subject `name` is `left` in the first package and `right` in the second; None if it does not exist.

    `hidden` is True for a password's text, which both sides leave out.
    """

    subject: Subject
    name: str
    what: str
    left: str | None
    right: str | None
    hidden: bool = False


def differences(left: Package, right: Package, report: Report | None = None) -> list[Difference]:
    """Return every difference, in the order of the first package. Raises PackageError if a file cannot be read."""
    return [
        *content_differences(left.descriptor.content, right.descriptor.content),
        *_records(Subject.FILE, _companions(left), _companions(right)),
        *_files(left, right, report),
        *_descriptors(left, right),
    ]


def content_differences(one: Content, two: Content) -> list[Difference]:
    """Return what differs in systems, deployment options and properties."""
    return [
        *_records(
            Subject.SYSTEM,
            {each.id: {"kind": each.kind.value, "parent": each.parent, "name": each.name} for each in one.systems},
            {each.id: {"kind": each.kind.value, "parent": each.parent, "name": each.name} for each in two.systems},
        ),
        *_records(
            Subject.CONFIGURATION,
            {each.id: {"default": _shown(each.default)} for each in one.configurations},
            {each.id: {"default": _shown(each.default)} for each in two.configurations},
        ),
        *_properties(one.properties, two.properties),
    ]


def as_text(difference: Difference, new: str = "only in the second") -> str:
    """Return the difference for people, in one line that may still hold unprintable characters.

    `new` marks what the first package lacks.
    """
    subject, name, what = difference.subject.value, difference.name, difference.what
    left, right = difference.left, difference.right
    if difference.hidden:
        return f"{subject} {name}: {what} differs (a password)"
    if difference.subject is Subject.DESCRIPTOR:
        where = " and ".join(each or "the end" for each in (left, right))
        return f"descriptor: differs in other parts, first at {where}"
    if what == "presence":
        return f"{subject} {name}: " + (new if left is None else "only in the first")
    if what == "content":
        return f"{subject} {name}: content differs"
    return f"{subject} {name}: {what} {_quoted(left)} -> {_quoted(right)}"


def _quoted(text: str | None) -> str:
    return "none" if text is None else repr(text)


def _records(
    subject: Subject, left: Mapping[str, Mapping[str, str]], right: Mapping[str, Mapping[str, str]]
) -> Iterator[Difference]:
    for name in dict.fromkeys((*left, *right)):
        if name not in right:
            yield Difference(subject, name, "presence", "there", None)
        elif name not in left:
            yield Difference(subject, name, "presence", None, "there")
        else:
            for what in dict.fromkeys((*left[name], *right[name])):
                one, two = left[name].get(what), right[name].get(what)
                if one != two:
                    yield Difference(subject, name, what, one, two)


def _properties(left: Iterable[Property], right: Iterable[Property]) -> Iterator[Difference]:
    one, two = _numbered(left), _numbered(right)
    for difference in _records(
        Subject.PROPERTY,
        {name: _said(prop) for name, prop in one.items()},
        {name: _said(prop) for name, prop in two.items()},
    ):
        sides = [each[difference.name] for each in (one, two) if difference.name in each]
        if any(prop.password for prop in sides) and difference.what.startswith(("value", "default")):
            yield Difference(Subject.PROPERTY, difference.name, difference.what, None, None, hidden=True)
        else:
            yield difference


def _numbered(properties: Iterable[Property]) -> dict[str, Property]:
    """The properties by `SYSTEM-ID/NAME`; a repeated name, which is not allowed, gets a number."""
    found: dict[str, Property] = {}
    counts: dict[str, int] = {}
    for prop in properties:
        count = counts[prop.address] = counts.get(prop.address, 0) + 1
        found[prop.address if count == 1 else f"{prop.address} ({count})"] = prop
    return found


def _said(prop: Property) -> dict[str, str]:
    fields: dict[str, Any] = asdict(prop)
    said = {"value": prop.value}
    if prop.default not in (None, prop.value):  # a Value element for all overrules it
        said["default"] = str(prop.default)
    said.update({f"value in {name}": value for name, value in prop.configurations.items()})
    return {**said, **{name.replace("_", " "): _shown(fields[name]) for name in _PROPERTY_FIELDS}}


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _companions(package: Package) -> dict[str, dict[str, str]]:
    """The manifest and the certificate by their kind, because their names may differ."""
    manifest = {} if package.manifest is None else {"manifest": {"algorithm": package.manifest.algorithm}}
    return {**manifest, **({} if package.certificate is None else {"certificate": {}})}


def _files(left: Package, right: Package, report: Report | None) -> Iterator[Difference]:
    one, two = _members(left), _members(right)
    for name in dict.fromkeys((*one, *two)):
        if name not in one or name not in two:
            yield Difference(Subject.FILE, name, "presence", _there(one, name), _there(two, name))
        elif one[name].size != two[name].size:
            yield Difference(Subject.FILE, name, "size", str(one[name].size), str(two[name].size))
        else:
            first, second = _digests(left, name), _digests(right, name)
            common = sorted(first.keys() & second.keys())
            for algorithm in common:
                if first[algorithm] != second[algorithm]:
                    yield Difference(Subject.FILE, name, algorithm.upper(), first[algorithm], second[algorithm])
                    break
            else:
                if not common and not _same_bytes(left, right, one[name], two[name], report):
                    yield Difference(Subject.FILE, name, "content", None, None)


def _members(package: Package) -> dict[str, Member]:
    """The files whose content is compared: all except the descriptor, the manifest and the certificate."""
    own = {package.descriptor.name}
    own.update(each.name for each in (package.manifest, package.certificate) if each is not None)
    return {member.name: member for member in package.members if member.name not in own}


def _there(members: Mapping[str, Member], name: str) -> str | None:
    return f"{members[name].size} bytes" if name in members else None


def _digests(package: Package, name: str) -> dict[str, str]:
    lines = package.manifest.lines_for(name) if package.manifest is not None else ()
    return {str(line.algorithm): line.digest for line in lines}


def _same_bytes(left: Package, right: Package, one: Member, two: Member, report: Report | None) -> bool:
    pieces = zip(_pieces(left, one), _pieces(right, two))
    for first, second in pieces:
        if first != second:
            return False
        if report is not None:
            report(len(first))
    return True


def _pieces(package: Package, member: Member) -> Iterator[bytes]:
    """The bytes of a member, in blocks of equal size."""
    place = package.path if package.kind is Kind.OVA else package.path.parent / member.name
    with open_regular(place, member.name) as file:
        position, end = member.offset, member.offset + member.size
        while position < end:
            try:
                data = os.pread(file.fileno(), min(_BLOCK, end - position), position)
            except OSError as error:
                raise PackageError(f"{member.name} cannot be read: {error.strerror or error}") from error
            if not data:
                raise PackageError(f"truncated: {member.name} became shorter while it was read")
            position += len(data)
            yield data


def _descriptors(left: Package, right: Package) -> Iterator[Difference]:
    """Report where the descriptors diverge, but for what is compared by name: systems' names, options, properties."""
    if left.descriptor.data == right.descriptor.data:
        return
    one, two = _rest(left.descriptor.data, left), _rest(right.descriptor.data, right)
    for first, second in zip((*one, None), (*two, None)):
        if (first and first[0]) != (second and second[0]):
            left_line, right_line = (None if each is None else f"line {each[1]}" for each in (first, second))
            yield Difference(Subject.DESCRIPTOR, "", "rest", left_line, right_line)
            return


def _rest(data: bytes, package: Package) -> list[tuple[Any, int]]:
    """The events of the document with their lines, without white space and without what is compared by name."""
    parser = expat.ParserCreate(package.descriptor.content.encoding.for_expat, namespace_separator="\x01")
    parser.buffer_text = True
    found: list[tuple[Any, int]] = []
    depth = 0  # within an element that is left out
    stack = [""]

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        local = name.rpartition("\x01")[2]
        if depth or stack[-1] in _COMPARED.get(local, ()):
            depth += 1
            return
        stack.append(local)
        kept = {key: value for key, value in attributes.items() if not _compared(local, key)}
        found.append(((name, tuple(sorted(kept.items()))), parser.CurrentLineNumber))

    def end(_: str) -> None:
        nonlocal depth
        if depth:
            depth -= 1
        else:
            stack.pop()
            found.append(("end", parser.CurrentLineNumber))

    def text(content: str) -> None:
        if not depth and content.strip():
            found.append((" ".join(content.split()), parser.CurrentLineNumber))

    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text
    parser.Parse(data, True)
    return found


def _compared(element: str, attribute: str) -> bool:
    return element == "Configuration" and attribute.rpartition("\x01")[2] == "default"
