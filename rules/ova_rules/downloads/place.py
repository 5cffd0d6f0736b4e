"""Where a download or a copy may be put: the client's right to it, and the resource."""

from __future__ import annotations

import posixpath
import secrets

from ova_rules import names
from ova_rules.catalog.types import Avu, Replica
from ova_rules.catalog.writes import Catalog
from ova_rules.errors import ComponentError
from ova_rules.servers.roles import is_here
from ova_rules.settings import Settings


def require_rights(catalog: Catalog, target: str) -> None:
    """Makes the collection of images, if it is missing; raises ComponentError if the client may not write there."""
    collection = posixpath.dirname(target)
    if not catalog.visible([collection]):
        above_it = posixpath.dirname(collection)
        if not catalog.may_write(above_it):
            raise ComponentError(
                f"{catalog.user} may not make {collection}, where the download would lie", lasting=False
            )
        catalog.make_collection(collection)
        catalog.change_facts(collection, [], [Avu(collection, names.IMAGES, "yes")])
    if not catalog.may_write(collection):
        raise ComponentError(
            f"{catalog.user} may not write in {collection}, where the download would lie", lasting=False
        )
    if catalog.replicas(target) and not catalog.may_replace(target):
        raise ComponentError(f"{catalog.user} may not write {target}, the place of the download", lasting=False)


def resource_for(catalog: Catalog, settings: Settings, target: str) -> Replica:
    """A replica on the resource for the download: the object's own, else where the server would create it."""
    replicas = catalog.replicas(target)
    if not replicas:
        # Its name is not that of an OVA, so it is not taken for one while it exists.
        probe = f"{target}.{secrets.token_hex(4)}.part"
        descriptor = catalog.create(probe, "")
        try:
            replicas = catalog.replicas(probe)
        finally:
            catalog.close(descriptor)
            catalog.unlink(probe)
    usable = [found for found in replicas if found.good or len(replicas) == 1]
    if not usable:
        raise ComponentError(f"{target} has no good replica; remove it", lasting=False)
    here = [found for found in usable if is_here(found.host, settings.local_hosts)]
    return (here or usable)[0]
