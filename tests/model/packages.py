"""The OVAs of the model: three product sections, with one property of each kind that can fail."""

from __future__ import annotations

from dataclasses import dataclass

from tests.support.appliances import SECTIONS, Read, descriptor_of, ova, read


@dataclass(frozen=True)
class Property:
    """A property of the appliance, and what its qualifiers let pass."""

    full_name: str
    key: str
    part: str  # class.instance, or the class where there is no instance
    settable: bool = True
    least: int | None = None  # a uint16 of at least so much; None: any text

    def misfit(self, value: str) -> bool:
        """Whether the property cannot have this value."""
        return self.least is not None and not (value.isdigit() and self.least <= int(value) <= 65535)


PROPERTIES = (
    Property("host.hostname", "hostname", "host"),
    Property("host.domainname", "domainname", "host"),
    Property("host.mtu", "mtu", "host", least=576),
    Property("host.serial", "serial", "host", settable=False),
    Property("net.ipaddr.0", "ipaddr", "net.0"),
    Property("net.dns.0", "dns", "net.0"),
    Property("net.dns.1", "dns", "net.1"),
)
ALIASES = {"ip_addr": "ipaddr"}


@dataclass(frozen=True)
class Package:
    """What an OVA says: the values of its properties, and its disk."""

    values: tuple[tuple[str, str], ...]
    disk: bytes

    def with_values(self, changes: dict[str, str]) -> Package:
        """The package with some properties set."""
        return Package(tuple({**dict(self.values), **changes}.items()), self.disk)


def image(number: int) -> tuple[bytes, Package]:
    """The bytes of an image and what they say; each number another disk and another default value."""
    disk = f"disk {number} ".encode() * 300
    data = ova(disk, descriptor_of(SECTIONS.replace('"myhost"', f'"host{number}"')))
    return data, of(read(data))


def of(found: Read) -> Package:
    """What an OVA that was read says."""
    assert found.whole, "torn: a digest of its manifest is wrong"
    return Package(tuple(found.values.items()), found.members["disk1.vmdk"])
