"""Finds the OVA that `ova_url` names, if permitted and in a vault of the zone, and the version of an object there.

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
from ova_rules.errors import AwayError, ComponentError, HiddenError, WaitingError
from ova_rules.servers.roles import is_here
from ova_rules.settings import Settings
from ova_tools.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from ova_rules.servers.files import FileState


@dataclass(frozen=True)
class Source:
    """The OVA that `ova_url` names: its object, the replica that is read, and the hash of its version.

    is_copy: the replica is one of a copy (see `ova_rules.record.copies`).
    """

    path: str
    replica: Replica
    state: str
    is_copy: bool = False

    @property
    def host(self) -> str:
        """The other server that has its file; "" if it is on this one."""
        return self.replica.host if self.replica.elsewhere is not None else ""

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
    catalog: Access, settings: Settings, address: Address, path: str, replicas: Sequence[Replica], known: str = ""
) -> Source:
    """The source at `path`, which the client may read. Raises WaitingError if it must be fetched."""
    label = address.label
    if not replicas and address.is_url:
        raise waiting_for_download(address)
    if not replicas or not catalog.may_read(path):
        raise HiddenError(f"{label}: does not exist, or {catalog.user} may not read it or its collection")
    good = [replica for replica in replicas if replica.good]
    if not good:
        raise ComponentError(f"{label}: is being written or has no good replica", lasting=False)
    found = source_at(path, replicas, settings, known)
    if found is None:
        raise _why_not(catalog, settings, address, path, good)
    return found


def _why_not(
    catalog: Access, settings: Settings, address: Address, path: str, replicas: Sequence[Replica]
) -> ComponentError:
    """Why none of the good replicas of a source can be used. Only users who may list their files see their names."""
    near = next((replica for replica in replicas if is_here(replica.host, settings.local_hosts)), None)
    here = near or next((replica for replica in replicas if replica.elsewhere is not None), None)
    if here is None:
        host = replicas[0].host
        reason = catalog.away.get(host, f"has no replica in a vault of this server (found: {host})")
        return AwayError(f"{address.label}: {reason}", host)
    readers, of_source = catalog.readers_of_both(address.component, path)
    file = f"its file {here.vault_path}" if readers <= of_source else "its file"
    status = stat_of(here, settings)
    if status is None or not stat.S_ISREG(status.st_mode):
        text = f"{file} is not there, or cannot be looked at; iRODS has {here.size} bytes; put it again (iput -f)"
    else:
        text = (
            f"{file} has {status.st_size} bytes, and iRODS has {here.size}: it was written without iRODS; put it again "
            "(iput -f), or have an administrator set its size (iadmin modrepl)"
        )
    return ComponentError(f"{address.label}: {text}", lasting=False)


def source_at(path: str, replicas: Sequence[Replica], settings: Settings, known: str = "") -> Source | None:
    """The data object as it lies in a vault, at rest; None if no server has it so.

    known: the state that is preferred, if a replica has it. Else the first replica counts, on whatever server: all
    servers come to the same.
    """
    found = []
    for replica in sorted(replicas, key=lambda replica: int(replica.number)):
        file = stat_of(replica, settings) if replica.good else None
        if file is not None and file.st_size == replica.size and stat.S_ISREG(file.st_mode):
            found.append(Source(path, replica, source_state(replica, file)))
    return next((each for each in found if each.state == known), found[0] if found else None)


def waiting_for_download(address: Address) -> WaitingError:
    """The error if a URL was not downloaded yet, or if something else lies at its place."""
    return WaitingError(f"{address.label}: waits for its download")


def stat_of(replica: Replica, settings: Settings) -> FileState | os.stat_result | None:
    """The state of a replica's vault file, or None if it is not there, or its server could not tell."""
    if replica.elsewhere is not None:
        return replica.elsewhere
    if not is_here(replica.host, settings.local_hosts):
        return None
    try:
        return os.stat(replica.vault_path)
    except OSError:
        return None


def is_local(replica: Replica, settings: Settings) -> bool:
    """Whether a replica's file is on this server, and can be opened."""
    return replica.elsewhere is None and stat_of(replica, settings) is not None


def opened(catalog: Access, settings: Settings, replica: Replica) -> BinaryIO:
    """The file of a replica, to be read; that of another server in an unnamed copy. Raises OSError, ComponentError."""
    if replica.elsewhere is None:
        return open(replica.vault_path, "rb")
    from ova_rules.servers.files import copied
    from ova_rules.state import unnamed

    copy = unnamed(settings.state_directory)
    copied(catalog, settings, replica.host, replica.vault_path, replica.elsewhere, copy)
    copy.seek(0)
    return copy


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
