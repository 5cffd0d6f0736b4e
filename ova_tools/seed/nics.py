"""The network interfaces of a descriptor's virtual hardware: their MAC addresses, in order.

Source: DSP0243 8.4, CIM_ResourceAllocationSettingData: ResourceType 10 is an Ethernet adapter, Address its MAC.
"""

from __future__ import annotations

import xml.parsers.expat as expat

from ova_tools.errors import DescriptorError

_ETHERNET = "10"
_SYSTEM = "VirtualSystem"
_ITEMS = ("Item", "EthernetPortItem")


def macs(descriptor: bytes) -> dict[str, list[str]]:
    """The MACs of each virtual system by its id; "" for an interface that has none. The descriptor was read before.

    Raises DescriptorError if it is no XML.
    """
    found: dict[str, list[str]] = {}
    system = ""
    item: dict[str, str] | None = None
    text: list[str] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal system, item
        name = tag.rpartition(" ")[2]
        text.clear()
        if name == _SYSTEM:
            system = next((value for key, value in attributes.items() if key.rpartition(" ")[2] == "id"), "")
            found.setdefault(system, [])
        elif name in _ITEMS:
            item = {}

    def end(tag: str) -> None:
        nonlocal item
        name = tag.rpartition(" ")[2]
        if item is None:
            return
        if name in _ITEMS:
            if item.get("ResourceType") == _ETHERNET and system in found:
                found[system].append(item.get("Address", ""))
            item = None
        else:
            item[name] = "".join(text).strip()

    def characters(data: str) -> None:
        if item is not None:
            text.append(data)

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, characters
    try:
        parser.Parse(descriptor, True)
    except expat.ExpatError as error:
        raise DescriptorError(f"the descriptor cannot be read: {error}") from error
    return found
