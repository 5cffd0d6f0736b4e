"""Where the OVA of a URL, or the copy of one that no server can open, lies in the repository.

Used whenever a component whose `ova_url` is a URL is read, so it imports nothing of the transfer.
"""

from __future__ import annotations

import hashlib
import posixpath
import re

from ova_rules import names
from ova_rules.catalog.access import Access
from ova_rules.component.tree import above
from ova_rules.component.url_policy import Url, permit, policy_of
from ova_rules.errors import ComponentError
from ova_rules.settings import Settings

_DEFAULT_NAME = "images"
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_NAMELESS = "image"
_NAME = 80  # characters of the URL's last segment that the object's name keeps


def place_of(catalog: Access, settings: Settings, component_path: str, url: str, *, by_reference: bool = False) -> str:
    """The logical path where the OVA of a URL lies, or will lie, for this component. At most one query.

    by_reference: some who see the object's name may not know the URL, so no part of the URL is in the name.

    The collection is the nearest with `ova_images` that is above the component or lies in a collection above it, else
    `images` beside the component. Raises ComponentError if the URL is not allowed.
    """
    policy = policy_of(settings.allowed_urls)
    try:
        allowed = permit(policy, url)
    except ComponentError:
        for problem in policy.problems:
            catalog.log(problem)
        raise
    return f"{_collection(catalog, component_path)}/{object_name(allowed, _NAMELESS if by_reference else None)}"


def place_of_copy(catalog: Access, component_path: str, source: str) -> str:
    """The logical path of the copy of a data object for this component, in the same collection."""
    digest = hashlib.sha256(source.encode("utf-8", "surrogateescape")).hexdigest()[:12]
    stem = _UNSAFE.sub("_", posixpath.basename(source)[:-4])[:_NAME].strip("._-") or _NAMELESS
    return f"{_collection(catalog, component_path)}/{stem}-{digest}.ova"


def object_name(url: Url, stem: str | None = None) -> str:
    """The URL's last segment as a name (or `stem`), and a hash that distinguishes URLs with the same ending.

    A segment that is not the name of an OVA is left out: it may be a secret that gives access.
    """
    if stem is None:
        last = _UNSAFE.sub("_", url.path.rpartition("/")[2])
        stem = (last[:-4] if last.lower().endswith(".ova") else "")[:_NAME].strip("._-") or _NAMELESS
    text = f"{url.scheme}://{url.authority}{url.path}{url.query}"
    return f"{stem}-{hashlib.sha256(text.encode()).hexdigest()[:12]}.ova"


def _collection(catalog: Access, component: str) -> str:
    chain = above(posixpath.dirname(component))
    candidates = []
    for found in catalog.children_having([*chain, "/"], names.IMAGES):
        parent = posixpath.dirname(found)
        if found in chain:
            candidates.append((chain.index(found), 1, found))
        elif parent in chain and not _holds_homes(parent) and not f"{component}/".startswith(f"{found}/"):
            candidates.append((chain.index(parent), 0, found))
    best = min(
        candidates, key=lambda one: (*one[:2], posixpath.basename(one[2]) != _DEFAULT_NAME, one[2]), default=None
    )
    return best[2] if best else posixpath.join(posixpath.dirname(component), _DEFAULT_NAME)


def _holds_homes(collection: str) -> bool:
    """Whether a collection's children belong to unrelated users."""
    parts = collection.strip("/").split("/")
    return parts[1:] in (["home"], ["trash"], ["trash", "home"])
