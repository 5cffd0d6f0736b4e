"""MAC addresses as text: six bytes in hexadecimal, with colons."""

from __future__ import annotations

import re

_MAC = re.compile(r"[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}")


def is_mac(text: str) -> bool:
    """Return whether a text is a MAC."""
    return _MAC.fullmatch(text) is not None


def is_of_one_interface(text: str) -> bool:
    """Return whether a text is the MAC of one interface, and not of a group (IEEE 802, the lowest bit of byte 1)."""
    return is_mac(text) and not int(text[:2], 16) & 1
