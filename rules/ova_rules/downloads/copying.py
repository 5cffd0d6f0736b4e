"""Copies a source whose file no server with the rules can open (see `ova_rules.record.copies`): the job's part.

iRODS copies, with its own transfers: through a rule's calls each byte would stay in the agent's memory
(docs/decisions/0031-copies.md). A copy that is not whole is never used, and one that fails is begun anew.
"""

from __future__ import annotations

import time

from ova_rules.build.ownership import require_ours
from ova_rules.build.publish import move_away
from ova_rules.build.staleness import View
from ova_rules.catalog.writes import Catalog
from ova_rules.component.download_place import place_of_copy
from ova_rules.component.source import Address, path_named
from ova_rules.downloads.place import require_rights, resource_for
from ova_rules.errors import ComponentError
from ova_rules.images.check import image_at
from ova_rules.locks import locked
from ova_rules.record import authorship, facts, fetched
from ova_rules.record.copies import is_out_of_reach, name_of_version
from ova_rules.servers.asking import ask
from ova_rules.servers.roles import is_here
from ova_rules.settings import Settings
from ova_rules.state import note_made


def copy_source(catalog: Catalog, settings: Settings, seen: View, address: Address) -> str | None:
    """Copies the source of a component, unless its copy is there. Returns the source's path if it was copied.

    Raises BusyError while another job copies it, and ComponentError.
    """
    path = path_named(catalog, settings, address)
    replicas = catalog.replicas(path)
    if not catalog.may_read(path) or not is_out_of_reach(catalog, settings, replicas):
        return None
    authorship.require_rights(catalog, settings, seen.inputs, path)  # before others can read what is copied
    place = place_of_copy(catalog, address.component, path)
    with locked(settings.state_directory, f"{place} download", 0):
        version = name_of_version(path, replicas)
        present = image_at(catalog, settings, place)
        if present is not None and fetched.is_fetched(catalog, settings, present, version):
            return None
        require_rights(catalog, place)
        facts.write(catalog, seen.component, facts.building(seen.component))
        start = time.monotonic()
        _copy(catalog, settings, path, place)
        made = image_at(catalog, settings, place)
        if made is None or name_of_version(path, catalog.replicas(path)) != version:
            raise ComponentError(f"{path} was changed while it was copied; try again", lasting=False)
        old = set(catalog.object_avus(place, fetched.ATTRIBUTES))
        new = set(fetched.facts(settings, made, version, "", "", public=False))
        catalog.change_object_avus(place, sorted(old - new), sorted(new - old))
        milliseconds = round(1000 * (time.monotonic() - start))
        catalog.journal("copy", component=address.component, source=path, path=place, done="copied", ms=milliseconds)
    return path


def _copy(catalog: Catalog, settings: Settings, path: str, place: str) -> None:
    present = catalog.replicas(place)
    require_ours(settings, place, present)
    if present and not any(replica.good for replica in present):
        move_away(catalog, place, present[0])
        present = []
    resource = resource_for(catalog, settings, place)
    if not is_here(resource.host, settings.local_hosts):
        ask(catalog, settings, resource.host, "files", paths=[])  # raises unless it can open the copy
    if not catalog.has_files(resource.hierarchy.rpartition(";")[2]):
        raise ComponentError(f"{place} would lie on {resource.resource}, which has no files a server could open")
    if not present:
        note_made(settings.state_directory, place, "")
    try:
        catalog.copy(path, place, resource.resource)
    except RuntimeError as error:  # its message is in the server log
        catalog.log(f"{path}: {error}")
        raise ComponentError(f"{path}: iRODS could not copy it; the server log says why", lasting=False) from error
    finally:
        after = catalog.replicas(place)
        if after:
            note_made(settings.state_directory, place, after[0].data_id)
