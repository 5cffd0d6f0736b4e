"""The fact that names the URL from which a data object was downloaded (`ova::fetched_from`, signed).

Without it, anyone who may write where downloads lie could give others a different OVA under a URL.
"""

from __future__ import annotations

from ova_rules import names
from ova_rules.catalog.access import Access
from ova_rules.catalog.types import ObjectAvu
from ova_rules.component.pointers import hashed
from ova_rules.component.source import Source
from ova_rules.record.signing import is_same, signer_of
from ova_rules.settings import Settings

ATTRIBUTES = (names.FETCHED_FROM, names.FETCHED_VERSION)
_ETAG, _MODIFIED = "ETag", "Last-Modified"
_LONGEST = 1000  # characters of a validator that are kept at most


def is_fetched(catalog: Access, settings: Settings, source: Source, url: str) -> bool:
    """Whether this very version of the data object is what the server downloaded from the URL. One query."""
    signature = signer_of(settings).of_fetched(source.state, url)
    return any(
        is_same(avu.units.partition(" ")[2], signature)
        for avu in catalog.object_avus(source.path, [names.FETCHED_FROM])
        if avu.value in (url, hashed(url))
    )


def validators(catalog: Access, path: str) -> tuple[str, str]:
    """The ETag and the Last-Modified of the downloaded version, as the server sent them; '' if it did not."""
    found = {avu.units: avu.value for avu in catalog.object_avus(path, [names.FETCHED_VERSION])}
    return found.get(_ETAG, ""), found.get(_MODIFIED, "")


def facts(settings: Settings, source: Source, url: str, etag: str, modified: str, *, public: bool) -> list[ObjectAvu]:
    """The facts of a data object that the server has just downloaded from the URL.

    public: whether all readers of the facts may know the URL; else a hash stands for it.
    """
    signature = signer_of(settings).of_fetched(source.state, url)
    shown = url if public else hashed(url)
    found = [ObjectAvu(names.FETCHED_FROM, shown, f"{source.state} {signature}")]
    kept = [(etag, _ETAG), (modified, _MODIFIED)]
    return found + [ObjectAvu(names.FETCHED_VERSION, text, kind) for text, kind in kept if 0 < len(text) <= _LONGEST]
