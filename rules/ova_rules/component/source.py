"""The OVA that `ova_url` names: found, permitted, on this server; and which version of an object a server holds.

Reading only. Raises ComponentError in the words of the component's owner.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Sequence

from ova_rules import names
from ova_rules.catalog.access import Access
from ova_rules.catalog.types import GOOD, STALE, Avu, Replica
from ova_rules.component.fingerprint import digest, file_identity, source_state
from ova_rules.errors import ComponentError, WaitingError
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
        """A message of ova_tools, which names the vault file, with the logical path that its owner knows."""
        return message.replace(self.replica.vault_path, self.path)


@dataclass(frozen=True)
class Address:
    """What the `ova_url` of a component says, and what it stands for with its references replaced.

    Messages show what it says: not everybody who reads them may know what it stands for.
    """

    component: str
    text: str
    value: str

    @property
    def label(self) -> str:
        """The AVU as a message names it."""
        return f"AVU ova_url of {self.component}: {self.text}"

    @property
    def is_url(self) -> bool:
        """Whether it names something outside of iRODS."""
        return is_url(self.value)

    @property
    def by_reference(self) -> bool:
        """Whether what it stands for is not what it says, and so not for all who read that."""
        return self.text != self.value


def is_url(text: str) -> bool:
    """Whether `ova_url` names something outside of iRODS."""
    return "://" in text


def the_url(component: str, urls: Sequence[Avu]) -> Avu:
    """The one `ova_url` of a component."""
    if len(urls) > 1:
        values = " and ".join(sorted(avu.value for avu in urls))
        raise ComponentError(f"AVU ova_url of {component} has several values: {values}; keep one")
    return urls[0]


def urls_of(catalog: Access, path: str) -> list[str]:
    """The URLs that a data object was downloaded from, as it says itself; no query for names that no download has."""
    if not set(path[-16:-4]) <= set("0123456789abcdef") or path[-17:-16] != "-":
        return []
    return [avu.value for avu in catalog.object_avus(path, [names.FETCHED_FROM])]


def path_named(catalog: Access, settings: Settings, address: Address) -> str:
    """The data object that an `ova_url` names: its path, or the place in the repository of what a URL leads to."""
    if address.is_url:
        from ova_rules.component.download_place import place_of

        try:
            return place_of(catalog, settings, address.component, address.value, by_reference=address.by_reference)
        except ComponentError as error:
            reason = "the URL that it stands for is not allowed" if address.by_reference else str(error)
            # Not lasting: an administrator may allow it any time.
            raise ComponentError(f"{address.label}: {reason}", lasting=False) from error
    path = posixpath.normpath(posixpath.join(address.component, address.value))
    if not names.looks_like_package(path):
        raise ComponentError(f"{address.label}: a source is a data object whose name ends in .ova")
    return path


def find_source(
    catalog: Access, settings: Settings, address: Address, path: str, replicas: Sequence[Replica]
) -> Source:
    """The source at `path`, readable by the client and on this server. Raises WaitingError where it must be fetched."""
    label = address.label
    if not replicas and address.is_url:
        raise waiting_for_download(address)
    if not replicas or not catalog.may_read(path):
        raise ComponentError(
            f"{label}: does not exist, or {catalog.user} may not read it and its collection", lasting=False
        )
    good = [replica for replica in replicas if replica.good]
    if not good:
        raise ComponentError(f"{label}: is being written or has no good replica", lasting=False)
    found = local_source(path, replicas, settings)
    if found is None:
        raise ComponentError(
            f"{label}: has no replica in a vault of this server (found: {good[0].host})", lasting=False
        )
    return found


def local_source(path: str, replicas: Sequence[Replica], settings: Settings) -> Source | None:
    """The data object as it lies in a vault of this server, at rest; None if it does not."""
    for replica in replicas:
        file = stat_of(replica, settings) if replica.good else None
        if file is not None and file.st_size == replica.size:
            return Source(path, replica, source_state(replica, file))
    return None


def waiting_for_download(address: Address) -> WaitingError:
    """The error where a URL was not downloaded yet, or what lies at its place is something else."""
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
    """Whether a resource's host is this server. A name without a domain stands for any of its domains."""
    here = os.uname().nodename
    if host in (here, *_LOOPBACK, *also):
        return True
    return ("." not in host or "." not in here) and host.partition(".")[0] == here.partition(".")[0]


def version_of(replicas: Sequence[Replica], settings: Settings) -> str | None:
    """Which version of a data object its good replicas hold; changes with every publication, write and replication.

    None while one is being written, and where none is good here. Stale replicas do not count.
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
