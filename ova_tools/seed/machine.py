"""What values say of a machine: host name, domain, interfaces, name servers. Pure.

Nothing is guessed. What cannot be meant is an error; what is not enough is left out and noted.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence

from ova_tools.errors import SeedError
from ova_tools.macs import is_mac, is_of_one_interface
from ova_tools.records import dataclass
from ova_tools.seed.roles import Role, Roles, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ipaddress import IPv4Interface, IPv6Interface

_LABEL = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)")
_SEPARATORS = re.compile(r"[\s,;]+")
_UNSET = ("", "0.0.0.0", "::", "0.0.0.0/0")  # noqa: S104 - what images have where nothing is set
_DHCP = ("dhcp", "yes", "true", "1", "on", "auto")
_STATIC = ("static", "none", "no", "false", "0", "off", "manual")


@dataclass(frozen=True)
class Interface:
    """A network interface. addresses: each with its prefix length; gateways: at most one of each family.

    name: as the values call it; mac: in lower case with colons, is_derived: from the machine's identity. Without an
    address it asks by DHCP.
    """

    name: str
    mac: str
    addresses: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    is_derived: bool = False


@dataclass(frozen=True)
class Machine:
    """What a machine is told. notes: what of its values it is not told, and why."""

    host_name: str = ""
    domain: str = ""
    interfaces: tuple[Interface, ...] = ()
    name_servers: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    user_data: str = ""
    public_keys: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def full_name(self) -> str:
        """The host name with its domain."""
        return f"{self.host_name}.{self.domain}" if self.host_name and self.domain else self.host_name


def derived_mac(identity: str, number: int) -> str:
    """A MAC for the interface of that number: locally administered, unicast, the same as long as the identity is."""
    digest = hashlib.sha256(f"{identity}/{number}".encode()).digest()
    return ":".join(f"{byte:02x}" for byte in (0x02 | digest[0] & 0xFC, *digest[1:6]))


def machine(values: Iterable[Value], nics: Sequence[str], roles: Roles, identity: str) -> Machine:
    """What these values say. nics: the MACs of the descriptor's network interfaces, "" where it has none.

    identity: what MACs are derived from where nothing says one. Of two values for one thing the first counts.
    Raises SeedError for what is no host name, address, netmask or MAC.
    """
    notes: list[str] = []
    single: dict[Role, Value] = {}
    servers: list[Value] = []
    interfaces: dict[str, dict[Role, Value]] = {}
    for value in values:
        meaning = roles.of(value)
        if meaning is None:
            continue
        if meaning.role is Role.NAME_SERVERS:
            servers.append(value)
            continue
        place = interfaces.setdefault(meaning.interface, {}) if meaning.interface else single
        other = place.setdefault(meaning.role, value)
        if other.value != value.value and not _is_unset(value):
            if _is_unset(other):
                place[meaning.role] = value
            elif not value.is_default:
                notes.append(f"{other.name} and {value.name} both say the {meaning.role.value}; {other.name} counts")
    made, further = _interfaces(interfaces, nics, identity)
    return Machine(
        _host_name(single.get(Role.HOST_NAME), notes),
        _domain(single.get(Role.DOMAIN)),
        made,
        tuple(dict.fromkeys(_address(value, text) for value in servers for text in _words(value))),
        tuple(dict.fromkeys(_words(single.get(Role.SEARCH)) or _words(single.get(Role.DOMAIN)))),
        single[Role.USER_DATA].value if Role.USER_DATA in single else "",
        tuple(_lines(single.get(Role.PUBLIC_KEYS))),
        tuple(notes + further),
    )


def _is_unset(value: Value) -> bool:
    return value.value.strip() in _UNSET


def _words(value: Value | None) -> list[str]:
    return [] if value is None or _is_unset(value) else [word for word in _SEPARATORS.split(value.value) if word]


def _lines(value: Value | None) -> list[str]:
    return [] if value is None else [line.strip() for line in value.value.splitlines() if line.strip()]


def _host_name(value: Value | None, notes: list[str]) -> str:
    if value is None or _is_unset(value):
        return ""
    name = value.value.strip()
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in name.rstrip(".").split(".")):
        raise _wrong(value, name, "is no host name; letters, digits and - are right (RFC 1123)")
    return name.rstrip(".")


def _domain(value: Value | None) -> str:
    if value is None or _is_unset(value):
        return ""
    name = value.value.strip().strip(".")
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in name.split(".")):
        raise _wrong(value, name, "is no domain name")
    return name


def _wrong(value: Value, text: str, what: str) -> SeedError:
    return SeedError(f"{value.name}: {text[:80]!r} {what}", value.name, what)


def _address(value: Value, text: str) -> str:
    from ipaddress import ip_address

    try:
        return str(ip_address(text))
    except ValueError:
        raise _wrong(value, text, "is no IP address") from None


def _interfaces(
    found: Mapping[str, Mapping[Role, Value]], nics: Sequence[str], identity: str
) -> tuple[tuple[Interface, ...], list[str]]:
    made, notes = [], []
    for number, name in enumerate(sorted(found, key=_by_number)):
        values = found[name]
        mac = _mac(values.get(Role.MAC)) or (nics[number].lower() if number < len(nics) else "")
        is_derived = not is_mac(mac)
        if is_derived:
            mac = derived_mac(identity, number)
        addresses, further = _addresses(name, values)
        notes += further
        gateways = tuple(_address(values[Role.GATEWAY], word) for word in _words(values.get(Role.GATEWAY)))
        if addresses is not None:
            made.append(Interface(name, mac, addresses, gateways if addresses else (), is_derived))
    return tuple(made), notes


def _by_number(name: str) -> tuple[int, int, str]:
    return (0, int(name), "") if name.isdigit() else (1, 0, name)


def _mac(value: Value | None) -> str:
    if value is None or _is_unset(value):
        return ""
    mac = value.value.strip().lower().replace("-", ":")
    if not is_of_one_interface(mac):
        raise _wrong(value, mac, "is no MAC address of one interface, as in 52:54:00:12:34:56")
    return mac


def _addresses(name: str, values: Mapping[Role, Value]) -> tuple[tuple[str, ...] | None, list[str]]:
    """The addresses with their prefixes, none for DHCP; None where the interface cannot be configured, with a note."""
    method = values.get(Role.METHOD)
    word = method.value.strip().lower() if method is not None else ""
    if method is not None and word not in (*_DHCP, *_STATIC, ""):
        raise _wrong(method, word, "is neither dhcp nor static")
    address, netmask = values.get(Role.ADDRESS), values.get(Role.NETMASK)
    texts = _words(address)
    if word in _DHCP or (not texts and word not in _STATIC):
        return (), []
    if address is None or not texts:
        return None, [f"interface {name} is static and has no address; it is not configured"]
    masks = _words(netmask)
    found = []
    for position, text in enumerate(texts):
        mask = masks[min(position, len(masks) - 1)] if masks else ""
        interface = _with_prefix(address, text, netmask, mask)
        if interface is None:
            why = f"the address has no netmask or prefix; interface {name} is not configured"
            return None, [f"{address.name}: {why}"]
        found.append(str(interface))
    return tuple(found), []


def _with_prefix(address: Value, text: str, netmask: Value | None, mask: str) -> IPv4Interface | IPv6Interface | None:
    from ipaddress import ip_interface

    _address(address, text.partition("/")[0])
    if "/" not in text and not mask:
        return None
    try:
        return ip_interface(text if "/" in text else f"{text}/{mask.lstrip('/')}")
    except ValueError:
        if "/" in text or netmask is None:
            raise _wrong(address, text, "has no prefix of an address") from None
        raise _wrong(netmask, mask, "is no netmask or prefix length") from None
