"""Seeds that lie in the package itself: the reference, the CD drive that holds each, and the digest.

The file comes behind all others, so that no disk moves. vSphere puts its own OVF environment into an empty client
drive, so a seed never takes that one: where there is none, an empty drive is added too. Enclosing a seed again takes
the place of the one before. Must never touch an item or a reference that is not its own.
Source: DSP0243 7.1 (References), 8.4 and 9 (ResourceType 15, HostResource ovf:/file/ID), 5.1 (manifest).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from . import hardware
from .descriptor import parse
from .errors import DescriptorError, SeedError
from .hardware import CD, CLIENT_DRIVE, DVD, IDE, RASD, SATA, SCSI, Hardware, Item
from .manifest import Digests, file_digest
from .model import Content, Element, Reference
from .records import dataclass
from .spelling import end_of, indent, prefix
from .splice import Splice
from .xmltext import StartTag, escape, read_start_tag

_SLOTS = {IDE: range(2), SATA: range(30), SCSI: [*range(7), *range(8, 16)]}  # 7 is the SCSI controller itself
_IDE_CONTROLLERS = range(2)


@dataclass(frozen=True)
class Enclosed:
    """A disc for the virtual system `system`: `fd` is open for reading, `size` in bytes.

    `suffix` tells it from the discs of other systems, '' where there is one system.
    """

    system: str
    suffix: str
    fd: int
    size: int

    @property
    def href(self) -> str:
        """The name of its file, beside the descriptor."""
        return f"seed-{self.suffix}.iso" if self.suffix else "seed.iso"

    @property
    def id(self) -> str:
        """The id of its reference."""
        return f"ova-seed-{self.suffix}" if self.suffix else "ova-seed"

    def name_beside(self, descriptor: str) -> str:
        """Return the name of its member, for the member `descriptor`."""
        directory = descriptor.rpartition("/")[0]
        return f"{directory}/{self.href}" if directory else self.href

    def is_in(self, references: Iterable[Reference]) -> Reference | None:
        """Return the reference of the seed that lies there already."""
        return next((each for each in references if (each.id, each.href) == (self.id, self.href)), None)


class FileDigests(Digests):
    """The digests of an open file, each computed once and in flat memory."""

    def __init__(self, enclosed: Enclosed) -> None:
        super().__init__(b"")
        self._enclosed = enclosed

    def of(self, algorithm: str) -> str:
        """Return the digest; `algorithm` is as hashlib names it. Raises SeedError for a file that became shorter."""
        try:
            return file_digest(self._enclosed.fd, 0, self._enclosed.size, algorithm)
        except EOFError:
            raise SeedError(f"{self._enclosed.href} is shorter than it was; try again") from None


def splices(data: bytes, content: Content, discs: Sequence[Enclosed]) -> list[Splice]:
    """Return what makes the descriptor `data` refer to these discs, each in a CD drive of its system.

    Raises SeedError where a file of that name is there already, the hardware has no item to be beside, or no
    controller has room; and for OVF 0.9, whose items are of another form.
    """
    if content.version == "0.9":
        raise SeedError("a descriptor of OVF 0.9 cannot hold a seed; 1.0 or newer is right")
    for disc in discs:
        there = disc.is_in(content.references)
        if there is not None and (there.chunk_size or there.compression):
            raise SeedError(f"the seed {disc.href} in the package is in chunks or compressed; a plain file is right")
        others = [each for each in content.references if each is not there]
        if any(disc.href.casefold() == each.href.casefold() or disc.id == each.id for each in others):
            raise SeedError(f"the package has a file {disc.href}, or the id {disc.id}, that is no seed of ova's")
    found = _references(data, content, discs)
    sections = hardware.read(data, content.encoding)
    for disc in discs:
        own = [each for each in sections if each.system == disc.system]
        if not own:
            raise SeedError(f"the virtual system {disc.system} has no hardware that could hold a CD drive")
        for section in own:
            if not any(_holds(item, disc) for item in section.items):
                found.append(_drives(data, content, section, disc))
    return found


def check(data: bytes, before: bytes, content: Content, discs: Sequence[Enclosed]) -> None:
    """Raise DescriptorError unless `data` says all that `before` said of files and hardware, and holds the discs."""
    after = parse(data)
    known = [each for each in after.references if not any(disc.is_in([each]) for disc in discs)]
    was = [each for each in content.references if not any(disc.is_in([each]) for disc in discs)]
    sizes = [each.size for disc in discs for each in [disc.is_in(after.references)] if each is not None]
    same = known == was and sizes == [disc.size for disc in discs]
    sections = hardware.read(data, after.encoding)
    for old, new in zip(hardware.read(before, content.encoding), sections):
        at = _behind_last(old)
        end = at + len(new.items) - len(old.items)
        same = same and new.items[:at] == old.items[:at] and new.items[end:] == old.items[at:]
        added = {item.id for item in new.items[at:end]}
        same = same and len(added) == end - at and not added & {item.id for item in old.items}
        held = [disc for disc in discs if disc.system == new.system]
        same = same and all(any(_holds(item, disc) for item in new.items) for disc in held)
    if not same:
        raise DescriptorError("the descriptor with a seed does not read back as asked; please report this file")


def _behind_last(section: Hardware) -> int:
    """The position behind the last item beside which another can be written."""
    found = [position for position, item in enumerate(section.items) if _is_like(item)]
    return found[-1] + 1 if found else len(section.items)


def _is_like(item: Item) -> bool:
    return item.kind == "Item" and item.namespace == RASD


def _holds(item: Item, disc: Enclosed) -> bool:
    held = item.get("HostResource") in (f"ovf:/file/{disc.id}", f"/file/{disc.id}")
    return held and item.type in (CD, DVD) and item.namespace == RASD


# ---- references ------------------------------------------------------------------------------------------------------


def _references(data: bytes, content: Content, discs: Sequence[Enclosed]) -> list[Splice]:
    codec = content.encoding.codec
    found, new = [], []
    for disc in discs:
        there = disc.is_in(content.references)
        if there is None:
            new.append(disc)
        elif there.size != disc.size:
            tag = read_start_tag(data, there.slot.tag, content.encoding)
            if there.slot.attribute is None:
                added = f' {there.slot.add_as}="{disc.size}"'.encode(codec)
                found.append(Splice(tag.insert, tag.insert, added))
            else:
                place = tag.attributes[there.slot.attribute]
                found.append(Splice(place.start, place.end, str(disc.size).encode(codec)))
    if not new:
        return found
    if not content.references:
        raise SeedError("the descriptor refers to no file beside which a seed could be named")
    last = content.references[-1]
    tags = (read_start_tag(data, each.slot.tag, content.encoding) for each in content.references)
    like = ((each, tag) for each, tag in zip(content.references, tags) if not _declares(tag))
    found_like = next(like, None)
    if found_like is None:
        raise SeedError("each file in the References declares its own namespaces, so none can be written beside them")
    tag = found_like[1]
    style = prefix(found_like[0].slot.add_as)
    margin = indent(data, content, last.slot.tag)
    text = "".join(
        f'{margin}<{tag.name} {style}href="{disc.href}" {style}id="{disc.id}" {style}size="{disc.size}"/>'
        for disc in new
    )
    at = end_of(data, content, Element(last.slot.tag, last.end_tag))
    return [*found, Splice(at, at, text.encode(codec))]


def _declares(tag: StartTag) -> bool:
    return any(name == "xmlns" or name.startswith("xmlns:") for name in tag.attributes)


# ---- hardware --------------------------------------------------------------------------------------------------------


class _Slots:
    """The controllers of a section, and what is free on them."""

    def __init__(self, section: Hardware) -> None:
        self.last = max((_number(item.id) or 0 for item in section.items), default=0)
        self.used: dict[str, set[int]] = {}
        self.controllers = [item for item in section.items if item.type in _SLOTS and not item.configuration]
        lowest: dict[str, int] = {}  # by controller: all places below it are used
        for item in section.items:
            parent = item.get("Parent")
            used, address = self.used.setdefault(parent, set()), _number(item.get("AddressOnParent"))
            if address is None:
                address = lowest.get(parent, 0)
                while address in used:
                    address += 1
                lowest[parent] = address
            used.add(address)
        parents = [item.get("Parent") for item in section.items if item.type in (CD, DVD)]
        order = {IDE: 1, SATA: 2, SCSI: 4}
        self.wanted = sorted(self.controllers, key=lambda each: 0 if each.id in parents else order[each.type])
        self.ide = {item.get("Address") for item in self.controllers if item.type == IDE}

    def new_id(self) -> str:
        """Return an InstanceID that no item has."""
        self.last += 1
        return str(self.last)

    def take(self, of: Iterable[str]) -> tuple[str, str] | None:
        """Return a controller of one of these types, by its id, and a free place on it."""
        for each in self.wanted:
            if each.type in of:
                for number in _SLOTS[each.type]:
                    if number not in self.used.setdefault(each.id, set()):
                        self.used[each.id].add(number)
                        return each.id, str(number)
        return None

    def new_controller(self) -> dict[str, str] | None:
        """Return the elements of one more IDE controller; None where two are there."""
        free = next((str(number) for number in _IDE_CONTROLLERS if str(number) not in self.ide), None)
        if free is None or len(self.ide) >= len(_IDE_CONTROLLERS):
            return None
        self.ide.add(free)
        id_ = self.new_id()
        texts = {"Address": free, "ElementName": f"IDE controller {free}", "InstanceID": id_, "ResourceType": IDE}
        self.wanted.insert(0, Item("Item", "", texts, Element(0, 0)))
        return texts


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _drives(data: bytes, content: Content, section: Hardware, disc: Enclosed) -> Splice:
    """Return the items behind the section's last one: a controller if need be, an empty drive, and the seed's."""
    items = [item for item in section.items if _is_like(item)]
    if not items:
        raise SeedError(f"the hardware of {disc.system} has no item beside which a CD drive could be written")
    slots = _Slots(section)
    is_vmx = section.type.lower().startswith("vmx")
    new: list[dict[str, str]] = []
    if not any(item.type in (CD, DVD) and not item.get("HostResource") for item in section.items):
        sub_type = {"ResourceSubType": CLIENT_DRIVE} if is_vmx else {}
        new += _drive(slots, disc, {"AutomaticAllocation": "false", "ElementName": "CD/DVD drive", **sub_type})
    sub_type = {"ResourceSubType": "vmware.cdrom.iso"} if is_vmx else {}
    own = {"AutomaticAllocation": "true", "ElementName": "Seed", "HostResource": f"ovf:/file/{disc.id}", **sub_type}
    new += _drive(slots, disc, own)
    last = items[-1]
    at = end_of(data, content, last.place)
    return Splice(at, at, b"".join(_item(data, content, section, last, texts) for texts in new))


def _drive(slots: _Slots, disc: Enclosed, texts: dict[str, str]) -> list[dict[str, str]]:
    found, new = slots.take((IDE, SATA)), []
    if found is None:
        controller = slots.new_controller()
        if controller is not None:
            new.append(controller)
        found = slots.take((IDE,) if controller is not None else (SCSI,))
    if found is None:
        raise SeedError(f"no controller of {disc.system} has room for a CD drive")
    parent, address = found
    place = {"AddressOnParent": address, "InstanceID": slots.new_id(), "Parent": parent, "ResourceType": CD}
    return [*new, {**texts, **place}]


def _item(data: bytes, content: Content, section: Hardware, like: Item, texts: dict[str, str]) -> bytes:
    """Return an item in the spelling of the item `like`; its elements in the schema's order, by name."""
    codec = content.encoding.codec
    name = prefix(read_start_tag(data, section.tag, content.encoding).name) + "Item"  # a prefix that holds there
    margin = indent(data, content, like.place.tag)
    inner = indent(data, content, like.first)
    inside = data[like.place.tag : like.place.end_tag]  # a prefix that is declared there is unknown behind it
    shared = like.prefix != "" and f"xmlns:{like.prefix[:-1]}".encode(codec) not in inside
    rasd = like.prefix if shared else "rasd:"
    declaration = "" if shared else f' xmlns:rasd="{RASD}"'
    lines = [f"{margin}<{name}{declaration}>".encode(codec)]
    for each in sorted(texts):
        text = escape(texts[each], '"', codec)
        lines.append(f"{inner}<{rasd}{each}>".encode(codec) + text + f"</{rasd}{each}>".encode(codec))
    return b"".join([*lines, f"{margin}</{name}>".encode(codec)])
