"""What the server may download, and from which addresses: the administrator's `allowed_urls`. Pure.

A user's URL makes the server connect to some address, from inside its network. So this is an allow list of URL
prefixes. It refuses URLs that two programs could read differently, instead of interpreting them. It also judges the
addresses of a host name: addresses that are not public (private, loopback, link-local …) need an entry of their own.
Sources: RFC 3986 (URLs), IANA's special-purpose address registries (RFC 6890), RFC 6052 (NAT64).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from ova_rules.errors import ComponentError
from ova_tools.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Union

    _Address = Union[IPv4Address, IPv6Address]
    _Network = Union[IPv4Network, IPv6Network]

SETTING = "allowed_urls"
_LONGEST = 2000
_PORTS = {"http": 80, "https": 443}
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)([^?#]*)(\?[^#]*)?(#.*)?")
_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]]+)(?::([0-9]{1,5}))?")
_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_][a-z0-9_-]{0,62})*")
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")
_ENCODED = re.compile(r"%([0-9A-Fa-f]{2})?")
# Escapes that a server may take for a separator, a dot, another escape, or the end of the path.
_NOT_ENCODED = {*range(0x20), 0x25, 0x2E, 0x2F, 0x3B, 0x5C, 0x7F}

_NAT64 = IPv6Network("64:ff9b::/96")
_UNICAST = IPv6Network("2000::/3")  # all public IPv6 addresses so far
_NOT_PUBLIC = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        "224.0.0.0/4", "240.0.0.0/4",
        "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
    )
)  # fmt: skip


@dataclass(frozen=True)
class Url:
    """A URL with one possible reading. host: lower case, an IPv6 address without brackets. path: begins with `/`."""

    text: str
    scheme: str
    host: str
    port: int
    path: str
    query: str

    @property
    def authority(self) -> str:
        """The value of the header `Host`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    def at(self, address: str) -> str:
        """The same URL with an address in place of the host."""
        host = f"[{address}]" if ":" in address else address
        return f"{self.scheme}://{host}:{self.port}{self.path}{self.query}"


@dataclass(frozen=True)
class Policy:
    """The parsed entries of `allowed_urls`. problems: the unreadable ones, one line each; they allow nothing."""

    prefixes: tuple[Url, ...]
    networks: tuple[_Network, ...]
    problems: tuple[str, ...]


@lru_cache(maxsize=4)
def policy_of(entries: tuple[str, ...]) -> Policy:
    """Reads the setting: URL prefixes, and (without `://`) address ranges such as 10.1.0.0/16. Raises nothing."""
    prefixes: list[Url] = []
    networks: list[_Network] = []
    problems: list[str] = []
    for entry in entries:
        try:
            if "://" in entry:
                prefix = parse(entry)
                if prefix.query:
                    raise ComponentError("a prefix has no query")
                prefixes.append(prefix)
            else:
                networks.append(ip_network(entry))
        except (ComponentError, ValueError) as error:
            problems.append(f"{SETTING}: {entry} allows nothing: {error}")
    return Policy(tuple(prefixes), tuple(networks), tuple(problems))


def parse(text: str) -> Url:
    """Reads a URL. Raises ComponentError for schemes other than http and https, and for ambiguous URLs."""
    if len(text) > _LONGEST:
        raise ComponentError(f"the URL has {len(text)} characters, at most {_LONGEST} are right")
    if any(not "!" <= c <= "~" or c in '\\"<>^`{|}' for c in text):
        raise ComponentError("the URL holds a character that has to be percent-encoded")
    found = _URL.fullmatch(text)
    if found is None:
        raise ComponentError("this is no URL; https://HOST/PATH would be right")
    scheme, authority, path, query, fragment = found.groups()
    scheme = scheme.lower()
    if scheme not in _PORTS:
        raise ComponentError(f"the scheme {scheme} is not served, http and https are")
    if fragment is not None:
        raise ComponentError("the URL has a fragment (#), which means nothing to a server")
    if "@" in authority:
        raise ComponentError("the URL holds a user name or password (@), which is not served")
    host, port = _read_authority(authority, scheme)
    _check_path(path)
    return Url(text, scheme, host, port, path or "/", query or "")


def permit(policy: Policy, text: str) -> Url:
    """The URL, if `allowed_urls` lists a prefix of it: equal scheme, host and port, and whole path segments.

    Raises ComponentError in words for the component's owner.
    """
    url = parse(text)
    if not policy.prefixes:
        raise ComponentError(f"downloads are off; an administrator can allow them by the setting {SETTING}")
    if not any(_begins(url, prefix) for prefix in policy.prefixes):
        raise ComponentError(f"{url.scheme}://{url.authority}{url.path} is not allowed by the setting {SETTING}")
    return url


def permit_addresses(policy: Policy, host: str, addresses: Sequence[str]) -> list[str]:
    """The addresses of a host that the server may connect to, in order. Raises ComponentError if there are none."""
    judged = [(address, ip_address(address.partition("%")[0])) for address in addresses]
    right = [address for address, ip in judged if is_public(ip) or _is_listed(policy, ip)]
    if not right:
        listed = ", ".join(dict.fromkeys(addresses)) or "no address"
        raise ComponentError(f"{host} is {listed}: not public, and not in an address range that {SETTING} lists")
    return right


def is_public(address: _Address) -> bool:
    """Whether an address belongs to the public internet. One that carries an IPv4 address is judged by the latter."""
    inner = _inner(address)
    if isinstance(inner, IPv6Address) and inner not in _UNICAST:
        return False
    return not any(inner in network for network in _NOT_PUBLIC if network.version == inner.version)


def _is_listed(policy: Policy, address: _Address) -> bool:
    inner = _inner(address)
    return any(inner in network for network in policy.networks if network.version == inner.version)


def _inner(address: _Address) -> _Address:
    """The IPv4 address that an IPv4-mapped or NAT64 address leads to, else the address itself."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _read_authority(authority: str, scheme: str) -> tuple[str, int]:
    found = _AUTHORITY.fullmatch(authority)
    if found is None:
        raise ComponentError("the URL has no host, or its host and port cannot be read")
    host, port = found.group(1).lower(), int(found.group(2) or _PORTS[scheme])
    if not 0 < port < 65536:
        raise ComponentError(f"{port} is no port")
    if host.startswith("["):
        return _canonical(host[1:-1], IPv6Address), port
    if _NUMBER.fullmatch(host.rpartition(".")[2]):  # some programs read 127.1, 0x7f000001 and 017700000001 as addresses
        return _canonical(host, IPv4Address), port
    if not _NAME.fullmatch(host):
        raise ComponentError(f"{host} is no host name; one in other letters has to be written in its xn-- form")
    return host, port


def _canonical(text: str, kind: type[IPv4Address] | type[IPv6Address]) -> str:
    try:
        return str(kind(text))
    except ValueError as error:
        raise ComponentError(f"{text} is no address in its usual form") from error


def _check_path(path: str) -> None:
    for found in _ENCODED.finditer(path):
        if found.group(1) is None or int(found.group(1), 16) in _NOT_ENCODED:
            raise ComponentError(f"the URL's path holds {path[found.start() : found.start() + 3]}, which is not served")
    if any(segment.partition(";")[0] in (".", "..") for segment in path.split("/")):
        raise ComponentError("the URL's path holds . or .. as a segment")


def _begins(url: Url, prefix: Url) -> bool:
    if (url.scheme, url.host, url.port) != (prefix.scheme, prefix.host, prefix.port):
        return False
    base = prefix.path.rstrip("/")
    return url.path == prefix.path or url.path.startswith(base + "/")
