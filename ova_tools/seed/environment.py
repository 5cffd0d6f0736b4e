"""ovf-env.xml: the OVF environment (DSP0243 11), for guests that read the specification, and for cloud-init.

The properties stand there by their full names. cloud-init reads the first PropertySection, and in it bare names of its
own; cloudbase-init looks for the prefix `oe`. So those names stand beside the others, and the prefix is that one.
Source: DSP0243 11.2, 11.3; cloud-init, DataSourceOVF.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping

from ova_tools.errors import SeedError
from ova_tools.seed.machine import Machine
from ova_tools.seed.network import cloud_init, text

_NAMESPACE = "http://schemas.dmtf.org/ovf/environment/1"
_ESCAPED = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}


def environment(
    system: str,
    properties: Mapping[str, str],
    siblings: Mapping[str, Mapping[str, str]],
    machine: Machine,
    instance_id: str,
    user_data: bytes,
) -> bytes:
    """The document of one virtual system. properties: by full name; siblings: those of the other systems, by their ids.

    Raises SeedError for a name or a value with a character that XML does not have.
    """
    own = {**properties, **_bare(machine, instance_id, user_data)}
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<oe:Environment xmlns:oe="{_NAMESPACE}" oe:id="{_escaped("the id of the system", system)}">',
        *_section(own),
    ]
    for other, theirs in siblings.items():
        lines.append(f'  <oe:Entity oe:id="{_escaped("the id of a system", other)}">')
        lines += [f"  {line}" for line in _section(theirs)]
        lines.append("  </oe:Entity>")
    return "\n".join([*lines, "</oe:Environment>", ""]).encode("utf-8")


def _bare(machine: Machine, instance_id: str, user_data: bytes) -> dict[str, str]:
    found = {"instance-id": instance_id, "user-data": b64encode(user_data).decode("ascii")}
    if machine.host_name:
        found["hostname"] = machine.full_name
    network = cloud_init(machine)
    if network is not None:
        found["network-config"] = b64encode(text({"network": network}).encode()).decode("ascii")
    if machine.public_keys:
        found["public-keys"] = "\n".join(machine.public_keys)
    return found


def _section(properties: Mapping[str, str]) -> list[str]:
    lines = ["  <oe:PropertySection>"]
    for name, value in properties.items():
        lines.append(f'    <oe:Property oe:key="{_escaped(name, name)}" oe:value="{_escaped(name, value)}"/>')
    return [*lines, "  </oe:PropertySection>"]


def _escaped(name: str, text: str) -> str:
    for character in text:
        code = ord(character)
        if (code < 0x20 and character not in "\t\n\r") or 0xD800 <= code < 0xE000 or code in (0xFFFE, 0xFFFF):
            raise SeedError(f"{name}: the character U+{code:04X} cannot stand in XML (XML 1.0 2.2)")
    return "".join(_ESCAPED.get(character, character) for character in text)
