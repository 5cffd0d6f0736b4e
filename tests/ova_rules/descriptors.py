"""Descriptors for the tests of the rules: a minimal envelope around given product sections."""

from __future__ import annotations

import tempfile
from pathlib import Path

from ova_tools.package import Property, read_package


def descriptor_of(sections: str, disk: str = "") -> bytes:
    """A DSP0243 1.x envelope with one system that has these product sections."""
    references = f'<ovf:File ovf:id="d" ovf:href="{disk}"/>' if disk else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<ovf:Envelope xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1">\n'
        f"<ovf:References>{references}</ovf:References>\n"
        f'<ovf:VirtualSystem ovf:id="vm"><ovf:Info>a system</ovf:Info>\n{sections}\n</ovf:VirtualSystem>\n'
        "</ovf:Envelope>\n"
    ).encode()


def properties_of(sections: str) -> tuple[Property, ...]:
    """The properties of a descriptor with these product sections."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "x.ovf"
        file.write_bytes(descriptor_of(sections))
        with read_package(file) as package:
            return tuple(package.properties)
