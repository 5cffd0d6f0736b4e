"""Makes the components that a collection with `ova_like` should have, by reference to those of its prototype.

A component made here follows its source by the reference `${PATH:ova_url}`; nothing is copied.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable

from ova_rules import jobs, names
from ova_rules.catalog.types import Avu
from ova_rules.catalog.writes import Catalog
from ova_rules.component.inheritance import like_of
from ova_rules.component.matching import described
from ova_rules.component.model import read_any
from ova_rules.component.tree import components_below
from ova_rules.errors import ComponentError
from ova_rules.record import authorship
from ova_rules.record.signing import signer_of
from ova_rules.settings import Settings


def complete_all(catalog: Catalog, settings: Settings, collections: Iterable[str]) -> None:
    """Completes the collections that the client may change: the first components now, the rest in a job."""
    for collection in catalog.annotatable(collections):
        try:
            if not complete(catalog, settings, collection, settings.inline_components):
                jobs.queue(catalog, settings, jobs.LIKE, collection, running=True)
        except ComponentError as error:
            catalog.journal("like", collection=collection, done=f"failed: {error}")


def complete(catalog: Catalog, settings: Settings, collection: str, most: int | None = None) -> bool:
    """Makes at most `most` of the components that the collection should have and lacks. Returns whether that was all.

    Raises ComponentError if its `ova_like` has a wrong value, or if a permission is missing.
    """
    like = like_of(catalog.avus([collection]))
    if like is None:
        return True
    here = read_any(catalog, collection)
    author = authorship.author_of(catalog, signer_of(settings), here, like) if here is not None else None
    if author is None:
        raise ComponentError(f"{described(like)}: it is not known who set it; set it again", lasting=False)
    prefix = like.value
    others = components_below(catalog, prefix)
    if author != catalog.identity:  # a prototype must not reveal components that its author may not see
        seen = catalog.visible_to(author, [prefix, *others])
        others = [other for other in others if other in seen and prefix in seen]
    wanted = [collection + other[len(prefix) :] for other in others]
    present = catalog.having(wanted, names.URL)  # also where the client does not see their collection
    missing = [path for path in wanted if path not in present]
    failure: ComponentError | None = None
    for path in missing[:most]:
        try:
            _make(catalog, settings, path, prefix + path[len(collection) :], author)
        except ComponentError as error:  # the others can be made
            failure = failure or error
    if most is not None and len(missing) > most:
        return False
    if failure is not None:
        raise failure
    return True


def _make(catalog: Catalog, settings: Settings, path: str, prototype: str, author: str) -> None:
    """Makes one component. Its source must be readable to the author of `ova_like`, not to the user of the event."""
    chain = [path]
    while not catalog.visible([chain[-1]]):
        chain.append(posixpath.dirname(chain[-1]))
    there, allowed = chain[-1], catalog.may_annotate if len(chain) == 1 else catalog.may_write
    if not allowed(there):
        raise ComponentError(f"{catalog.user} may not write in {there}", lasting=False)
    url = Avu(path, names.URL, f"${{{prototype}:{names.URL}}}")
    try:
        for collection in reversed(chain[:-1]):
            catalog.make_collection(collection)
        catalog.change_facts(path, [], [url])
    except RuntimeError as error:  # it may be there, and this client may not see it
        raise ComponentError(f"{path} cannot be made by {catalog.user} ({error})", lasting=False) from error
    component = read_any(catalog, path)
    if component is not None:
        authorship.note_author(catalog, settings, component, lambda avu: avu == url, author)
