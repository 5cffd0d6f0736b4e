"""libosinfo's ids of operating systems as numbers of CIM_OperatingSystem.OSType. Pure. Source: DSP0243 9.6 (ovf:id)."""

from __future__ import annotations

import re

from ova_tools.records import dataclass

_LINUX, _OTHER = 36, 1
_LINUX_64 = 101  # Linux 2.6.x 64-bit, which stands for every later one
_FAMILIES = {  # by libosinfo's vendor: 32 bits, 64 bits
    "debian.org": (95, 96),
    "ubuntu.com": (93, 94),
    "redhat.com": (79, 80),
    "centos.org": (106, 107),
    "oracle.com": (108, 109),
    "suse.com": (84, 85),
    "opensuse.org": (82, 83),
    "freebsd.org": (42, 78),
}
_LINUXES = (
    "fedoraproject.org",
    "almalinux.org",
    "rockylinux.org",
    "scientificlinux.org",
    "archlinux.org",
    "libosinfo.org",
)
_ID = re.compile(r"https?://([a-z0-9.-]+)/([A-Za-z0-9._-]+)(?:/([A-Za-z0-9._-]+))?")


@dataclass(frozen=True)
class OperatingSystem:
    """`number` is CIM's, `description` for people."""

    number: int
    description: str


def operating_system(osinfo: str, *, is_64_bit: bool) -> OperatingSystem:
    """Return what libosinfo's id, such as `http://debian.org/debian/12`, is in CIM's terms."""
    found = _ID.fullmatch(osinfo.strip())
    if found is None:
        return OperatingSystem(_OTHER, "Other")
    vendor, product, version = found.group(1), found.group(2), found.group(3) or ""
    description = f"{product} {version}".strip()
    for name, numbers in _FAMILIES.items():
        if vendor == name or vendor.endswith(f".{name}"):
            return OperatingSystem(numbers[is_64_bit], description)
    if vendor in _LINUXES or "linux" in product:
        return OperatingSystem(_LINUX_64 if is_64_bit else _LINUX, description)
    return OperatingSystem(_OTHER, description)
