"""Sources whose files no server with the rules can open: their copies, which iRODS makes in the delay queue.

An object store has no files, and the server of a vault may not have the rules. Such a source is copied once for each
version, by iRODS itself, to a resource whose server has them. A component is then made from the copy as from any file.
Who may read the source is asked of the source.
"""

from __future__ import annotations

from collections.abc import Sequence

from ova_rules.catalog.access import Access
from ova_rules.catalog.types import Replica
from ova_rules.component.download_place import place_of_copy
from ova_rules.component.fingerprint import digest
from ova_rules.component.source import Address, Source, source_at
from ova_rules.errors import OutdatedError
from ova_rules.record.fetched import is_fetched
from ova_rules.servers.roles import is_here
from ova_rules.settings import Settings


def is_out_of_reach(catalog: Access, settings: Settings, replicas: Sequence[Replica]) -> bool:
    """Whether the good replicas of an object lie where no server with the rules will ever be able to open them."""
    good = [replica for replica in replicas if replica.good]
    return bool(good) and all(_is_bare(catalog, settings, replica) for replica in good)


def _is_bare(catalog: Access, settings: Settings, replica: Replica) -> bool:
    if not is_here(replica.host, settings.local_hosts):
        away = catalog.away.get(replica.host)
        if away is not None:  # one that does not run now may be there again
            return away.bare
    return not catalog.has_files(replica.hierarchy.rpartition(";")[2])


def name_of_version(path: str, replicas: Sequence[Replica]) -> str:
    """What the signature of a copy is about: which version of which object it holds, as far as the catalog tells.

    "" while the object is written.
    """
    first = min((each for each in replicas if each.good), key=lambda each: int(each.number), default=None)
    if first is None:
        return ""
    return f"irods:{path} {digest([first.data_id, first.size, first.modified, first.checksum])}"


def copy_at(catalog: Access, settings: Settings, address: Address, path: str, replicas: Sequence[Replica]) -> Source:
    """The source at `path`, with the file of its copy. Raises OutdatedError if there is none of this version yet."""
    place = place_of_copy(catalog, address.component, path)
    found = source_at(place, catalog.replicas(place), settings)
    if found is None or not is_fetched(catalog, settings, found, name_of_version(path, replicas)):
        raise OutdatedError(f"{address.label}: waits for a copy that the server can open")
    return Source(path, found.replica, found.state, is_copy=True)
