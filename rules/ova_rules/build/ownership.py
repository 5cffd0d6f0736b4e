"""The server never overwrites, moves, renames or removes what it did not make.

The server knows what it has made by the object's number: from the record of the last build, which moves along with a
component, and from the notes in the state folder, which outlive facts that users remove. If a collection was no
component for a while, others may have written the object: then its version counts, too.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from ova_rules.catalog.types import GOOD, STALE, Replica
from ova_rules.component.source import Source, version_of
from ova_rules.errors import ComponentError
from ova_rules.record.last_build import LastBuild
from ova_rules.settings import Settings
from ova_rules.state import made_at, ready_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ova_rules.catalog.access import Access


def is_ours(settings: Settings, path: str, replicas: Sequence[Replica], last: LastBuild | None = None) -> bool:
    """Whether the server has made the data object at `path`. last: the record of the component it would belong to."""
    data_id = replicas[0].data_id
    if last is not None and last.data_id == data_id:
        return True
    made = made_at(settings.state_directory, path)
    if made is None:
        return False
    known_id, version, _ = made
    if known_id == "":  # an agent died while it created the object: only an unfinished one is ours
        return all(replica.status not in (GOOD, STALE) for replica in replicas)
    return known_id == data_id and version in ("", version_of(replicas, settings))


def is_unnoted(settings: Settings, path: str, replicas: Sequence[Replica]) -> bool:
    """Whether nothing is noted of this data object: another server may have made it, and died before it said so."""
    made = made_at(settings.state_directory, path)
    return made is None or made[0] != replicas[0].data_id


def require_ours(settings: Settings, path: str, replicas: Sequence[Replica], last: LastBuild | None = None) -> None:
    """Raises ComponentError if there is a data object at `path` that the server has not made."""
    if replicas and not is_ours(settings, path, replicas, last):
        raise ComponentError(
            f"{path} was not made by the server, so it stays as it is; move it elsewhere (imv) or remove it; "
            "to use it as the source, name it in ova_url",
            lasting=False,
        )


def require_free(catalog: Access, settings: Settings, source: Source, path: str) -> None:
    """Raises ComponentError if there is a data object at `path` that the client cannot see.

    Its file shows that: where the ready OVA was made last, or where a vault has the file of an object of that path. A
    file in the vault of another zone, which had the same state folder, shows nothing.
    """
    noted = ready_file(settings.state_directory, path)
    if noted is not None and os.path.lexists(noted):
        noted = noted if any(noted.startswith(f"{vault}/") for vault in catalog.vaults()) else None
    files = [noted]
    below = source.path[source.path.index("/", 1) :]  # the path within the zone, as in the vault's paths
    if source.replica.vault_path.endswith(below):
        files.append(source.replica.vault_path[: -len(below)] + path[path.index("/", 1) :])
    if any(file is not None and os.path.lexists(file) for file in files):
        text = f"{path} is there, and {catalog.user} may not read it, or its file was left behind"
        raise ComponentError(text, lasting=False)
