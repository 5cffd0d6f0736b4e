"""Which property says what of a machine, by the names in use. Pure.

The paper and ICCT use classes `com.ibm.vsae.2_1.system-host` and `com.ibm.vsae.2_1.network-interface`, VAMI a class
`vami` with keys such as `ip0`, others plain names. The class does not matter: a key has one meaning. Several interfaces
are told apart by the instance of the property, or by the number at the end of its key.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import Enum

from ova_tools.records import dataclass


class Role(Enum):
    """What a value is to the machine. The names stand in the settings that extend the table."""

    HOST_NAME = "host-name"
    DOMAIN = "domain"
    ADDRESS = "address"
    NETMASK = "netmask"
    GATEWAY = "gateway"
    NAME_SERVERS = "name-servers"
    SEARCH = "search"
    MAC = "mac"
    METHOD = "method"
    USER_DATA = "user-data"
    PUBLIC_KEYS = "public-keys"


# Keys in lower case, without `-` and `_`. A number at the end of a key of an interface says which one.
TABLE: Mapping[Role, Sequence[str]] = {
    Role.HOST_NAME: ("hostname", "localhostname", "guesthostname", "vmname"),
    Role.DOMAIN: ("domainname", "domain", "dnsdomain", "dnsdomainname"),
    Role.ADDRESS: ("ipaddr", "ip", "ipaddress", "address", "ipv4", "ipv6", "guestipaddress"),
    Role.NETMASK: ("netmask", "subnetmask", "subnet", "mask", "prefix", "netprefix", "prefixlength"),
    Role.GATEWAY: ("gateway", "defaultgateway", "gw", "router", "defaultrouter"),
    Role.NAME_SERVERS: ("dns", "dnsserver", "dnsservers", "nameserver", "nameservers", "prefdns", "altdns"),
    Role.SEARCH: ("search", "searchpath", "searchdomain", "searchdomains", "dnssearch", "domainsearch"),
    Role.MAC: ("mac", "macaddr", "macaddress", "hwaddr"),
    Role.METHOD: ("bootproto", "usedhcp", "dhcp", "networkmethod"),
    Role.USER_DATA: ("userdata",),
    Role.PUBLIC_KEYS: ("publickeys", "publickey", "sshkey", "sshkeys", "sshauthorizedkeys"),
}
OF_INTERFACES = frozenset({Role.ADDRESS, Role.NETMASK, Role.GATEWAY, Role.MAC, Role.METHOD})

_NUMBERED = re.compile(r"(.*?)[._-]?([0-9]{1,3})")


@dataclass(frozen=True)
class Value:
    """A property or a plain AVU and what it says. name: the full name; key, instance: its parts (DSP0243 9.5).

    is_default: nobody has set it; the image has it so.
    """

    name: str
    value: str
    key: str = ""
    instance: str = ""
    is_default: bool = False

    @property
    def own_key(self) -> str:
        """The key; of a plain name the name."""
        return self.key or self.name


@dataclass(frozen=True)
class Meaning:
    """A role, and for roles of interfaces the name of the interface: a number, or the instance."""

    role: Role
    interface: str = ""


class Roles:
    """The table, and what a site adds to it."""

    def __init__(self, extra: Mapping[str, Sequence[str]] | None = None) -> None:
        """extra: names by role, as in the settings; a full name or a key. Raises ValueError for a role that is none."""
        self._names: dict[str, Role] = {}
        self._keys = {key: role for role, keys in TABLE.items() for key in keys}
        for role, names in (extra or {}).items():
            for name in names:
                self._names[name.lower()] = Role(role)

    def of(self, value: Value) -> Meaning | None:
        """What a value is; None if that is not known."""
        role = self._names.get(value.name.lower()) or self._names.get(value.own_key.lower())
        number = ""
        if role is None:
            role, number = self._by_key(value.own_key)
        if role is None:
            return None
        return Meaning(role, number or value.instance or "0") if role in OF_INTERFACES else Meaning(role)

    def _by_key(self, key: str) -> tuple[Role | None, str]:
        plain = _plain(key)
        if plain in self._keys:
            return self._keys[plain], ""
        numbered = _NUMBERED.fullmatch(key)
        if numbered is None:
            return None, ""
        role = self._keys.get(_plain(numbered[1]))
        return role, str(int(numbered[2])) if role in OF_INTERFACES else ""


def _plain(key: str) -> str:
    return key.lower().replace("-", "").replace("_", "")
