"""Finds the OVA that `ova_url` names, if permitted and on this server, and the version of an object here.

Reading only. Raises ComponentError in words for the component's owner.
"""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Sequence

from ova_rules import names
from ova_rules.catalog.access import Access
from ova_rules.catalog.types import GOOD, STALE, Avu, Replica
from ova_rules.component.fingerprint import digest, file_identity, source_state
from ova_rules.errors import ComponentError, HiddenError, WaitingError
from ova_rules.settings import Settings
from ova_tools.records import dataclass

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Source:
    """The OVA that `ova_url` names: its object, the replica on this server, and the hash of its version."""

    path: str
    replica: Replica
    state: str

    def named_in(self, message: str) -> str:
        """A message of ova_tools with the logical path, which the owner knows, in place of the vault file."""
        return message.replace(self.replica.vault_path, self.path)


@dataclass(frozen=True)
class Address:
    """The text of a component's `ova_url`, and what it stands for with its references replaced.

    Messages show the text: some of their readers may not know what it stands for.
    """

    component: str
    text: str
    value: str

    @property
    def label(self) -> str:
        """The AVU as a message names it, with the path if the AVU's text is another one."""
        if self.is_url or self.by_reference:
            return f"AVU ova_url of {self.component}: {self.text}"
        path = path_from(self.component, self.value)
        return f"AVU ova_url of {self.component}: {self.text}{f' ({path})' if path != self.text else ''}"

    @property
    def is_url(self) -> bool:
        """Whether it names something outside of iRODS."""
        return is_url(self.value)

    @property
    def by_reference(self) -> bool:
        """Whether it stands for something else than its text, so that readers of the text may not know it."""
        return as_path(self.text) != self.value


def address_of(component: str, text: str, value: str) -> Address:
    """The address of an `ova_url` with this text that stands for `value`."""
    return Address(component, text, as_path(value))


def is_url(text: str) -> bool:
    """Whether `ova_url` names something outside of iRODS."""
    return "://" in as_path(text)


def as_path(text: str) -> str:
    """An `ova_url` without blanks around it and without `irods:` (of a URI without a host, or of iBridges).

    A value that names a host stays a URL.
    """
    text = text.strip()
    scheme, colon, rest = text.partition(":")
    if not colon or scheme.lower() != "irods" or (rest.startswith("//") and not rest.startswith("///")):
        return text
    return rest[2:] if rest.startswith("///") else rest


def the_url(component: str, urls: Sequence[Avu]) -> Avu:
    """The one `ova_url` of a component."""
    if len(urls) > 1:
        values = " and ".join(sorted(avu.value for avu in urls))
        raise ComponentError(f"AVU ova_url of {component} has several values: {values}; keep one")
    return urls[0]


def urls_of(catalog: Access, path: str) -> list[str]:
    """The URLs that a data object was downloaded from, by its own AVUs. No query for names that no download has."""
    if not set(path[-16:-4]) <= set("0123456789abcdef") or path[-17:-16] != "-":
        return []
    return [avu.value for avu in catalog.object_avus(path, [names.FETCHED_FROM])]


def path_named(catalog: Access, settings: Settings, address: Address) -> str:
    """The data object that an `ova_url` names: its path, or the place in the repository of a URL's download."""
    if address.is_url:
        from ova_rules.component.download_place import place_of

        try:
            return place_of(catalog, settings, address.component, address.value, by_reference=address.by_reference)
        except ComponentError as error:
            reason = "the URL that it stands for is not allowed" if address.by_reference else str(error)
            # Not lasting: an administrator may allow it any time.
            raise ComponentError(f"{address.label}: {reason}", lasting=False) from error
    path = path_from(address.component, address.value)
    if not names.looks_like_package(path):
        raise ComponentError(f"{address.label}: a source is a data object whose name ends in .ova")
    return path


def path_from(component: str, text: str) -> str:
    """The absolute path that an `ova_url` (no URL) of a component stands for."""
    return posixpath.normpath(posixpath.join(component, as_path(text)))


def find_source(
    catalog: Access, settings: Settings, address: Address, path: str, replicas: Sequence[Replica]
) -> Source:
    """The source at `path`, readable by the client and on this server. Raises WaitingError if it must be fetched."""
    label = address.label
    if not replicas and address.is_url:
        raise waiting_for_download(address)
    if not replicas or not catalog.may_read(path):
        raise HiddenError(f"{label}: does not exist, or {catalog.user} may not read it or its collection")
    good = [replica for replica in replicas if replica.good]
    if not good:
        raise ComponentError(f"{label}: is being written or has no good replica", lasting=False)
    found = local_source(path, replicas, settings)
    if found is None:
        raise ComponentError(f"{label}: {_why_not_here(catalog, settings, address, path, good)}", lasting=False)
    return found


def _why_not_here(catalog: Access, settings: Settings, address: Address, path: str, replicas: Sequence[Replica]) -> str:
    """Why none of the good replicas of a source can be used. Only users who may list their files see their names."""
    here = next((replica for replica in replicas if _is_here(replica.host, settings.local_hosts)), None)
    if here is None:
        return f"has no replica in a vault of this server (found: {replicas[0].host})"
    readers, of_source = catalog.readers_of_both(address.component, path)
    file = f"its file {here.vault_path}" if readers <= of_source else "its file"
    status = stat_of(here, settings)
    if status is None or not stat.S_ISREG(status.st_mode):
        return f"{file} is not there, or cannot be looked at; iRODS has {here.size} bytes; put it again (iput -f)"
    return (
        f"{file} has {status.st_size} bytes, and iRODS has {here.size}: it was written without iRODS; put it again "
        "(iput -f), or have an administrator set its size (iadmin modrepl)"
    )


def local_source(path: str, replicas: Sequence[Replica], settings: Settings) -> Source | None:
    """The data object as it lies in a vault of this server, at rest; None if it does not."""
    for replica in replicas:
        file = stat_of(replica, settings) if replica.good else None
        if file is not None and file.st_size == replica.size and stat.S_ISREG(file.st_mode):
            return Source(path, replica, source_state(replica, file))
    return None


def waiting_for_download(address: Address) -> WaitingError:
    """The error if a URL was not downloaded yet, or if something else lies at its place."""
    return WaitingError(f"{address.label}: waits for its download")


def stat_of(replica: Replica, settings: Settings) -> os.stat_result | None:
    """The vault file of a replica, or None if it is on another server or not there."""
    if not _is_here(replica.host, settings.local_hosts):
        return None
    try:
        return os.stat(replica.vault_path)
    except OSError:
        return None


def _is_here(host: str, also: Sequence[str]) -> bool:
    """Whether a resource's host is this server. A name without a domain matches that name in any domain."""
    here = os.uname().nodename
    if host in (here, *_LOOPBACK, *also):
        return True
    return ("." not in host or "." not in here) and host.partition(".")[0] == here.partition(".")[0]


def version_of(replicas: Sequence[Replica], settings: Settings) -> str | None:
    """Which version of a data object its good replicas hold; changes with every publication, write and replication.

    None while a replica is being written, and if none is good here. Stale replicas do not count.
    """
    if any(replica.status not in (GOOD, STALE) for replica in replicas):
        return None
    parts, here = [], False
    for replica in sorted(replicas, key=lambda replica: int(replica.number)):
        if replica.good:
            file = stat_of(replica, settings)
            here = here or file is not None
            parts.append(f"{replica.number}:{file_identity(file) if file else replica.modified}")
    return digest(parts) if here else None
