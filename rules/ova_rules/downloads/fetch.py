"""Sources by URL: the job that downloads the OVA of a URL and puts it into the repository.

All components that name a URL and have the same collection of images share one data object. The OVA is downloaded
beside the vault's collections, verified, and put in place like a ready OVA: an incomplete or wrong download never
becomes an object. A signed fact names its URL: otherwise anyone who may write there could give others a different OVA
under that URL.
"""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

from ova_rules import names
from ova_rules.build.build import build
from ova_rules.build.ownership import require_ours
from ova_rules.build.progress import Progress, progress
from ova_rules.build.publish import Content, publish
from ova_rules.build.staleness import View, view
from ova_rules.catalog.types import Replica, fact
from ova_rules.catalog.writes import Catalog
from ova_rules.component.model import read
from ova_rules.component.source import Address, Source, address_of, path_named, the_url
from ova_rules.component.url_policy import policy_of
from ova_rules.downloads.place import require_rights, resource_for
from ova_rules.downloads.transfer import Limits, Transfer, Version, discard
from ova_rules.errors import BusyError, Changed, ComponentError
from ova_rules.images.check import image_at, note_checked
from ova_rules.locks import locked
from ova_rules.record import authorship, facts, fetched
from ova_rules.record.disclosure import may_know_url
from ova_rules.record.signing import signer_of
from ova_rules.servers.roles import is_here
from ova_rules.settings import Settings
from ova_rules.state import note_made
from ova_tools.package import read_archive

_FOLDER = ".ova-downloads"  # in the vault, where no user's collection can have its files


# ---- the job ---------------------------------------------------------------------------------------------------------


def run_fetch(catalog: Catalog, settings: Settings, path: str) -> str | None:
    """The job `fetch`: downloads the source of the component at `path`, again if `ova_refresh` asks and it changed.

    Returns the data object if its content has changed: what is made from it has to be built. Raises BusyError while
    another job downloads it, and UnreachableError if it is not available now, so that iRODS tries again.
    """
    component = read(catalog, path)
    if component is None:
        return None
    seen = view(catalog, settings, component)
    refresh = [avu for avu in catalog.avus([path]) if avu.attribute == names.REFRESH]
    changed = None
    try:
        avu = the_url(path, component.urls)
        url = seen.inputs.expansions[avu]
        address = address_of(path, avu.value, url.avu.value)
        if url.error is None and address.is_url:
            authorship.require_rights(catalog, settings, seen.inputs, None)
            changed = _fetch(catalog, settings, seen, address, refresh=bool(refresh))
        elif url.error is None:
            from ova_rules.downloads.copying import copy_source

            changed = copy_source(catalog, settings, seen, address)
    except BusyError:
        raise
    except ComponentError as error:
        _report(catalog, settings, path, error, refreshing=bool(refresh))
        if not error.lasting:
            raise
    if refresh and catalog.may_annotate(path):
        catalog.remove_avus(path, refresh)
    return changed


def _fetch(catalog: Catalog, settings: Settings, seen: View, address: Address, *, refresh: bool) -> str | None:
    component, url = seen.component, address.value
    target = path_named(catalog, settings, address)
    with locked(settings.state_directory, f"{target} download", 0):
        present = image_at(catalog, settings, target)
        known = None
        if present is not None and fetched.is_fetched(catalog, settings, present, url):
            known = Version(*fetched.validators(catalog, target))
        changed = known is None or refresh
        if changed:
            require_rights(catalog, target)
            if not refresh:
                facts.write(catalog, component, facts.building(component))
            start = time.monotonic()
            with progress(catalog, settings, component.path) as shown:
                changed = _download(catalog, settings, target, address, known, shown)
            done = "downloaded" if changed else "still the same"
            milliseconds = round(1000 * (time.monotonic() - start))
            catalog.journal("download", component=component.path, url=url, path=target, done=done, ms=milliseconds)
    if changed:
        return target
    # Another job has downloaded it since, and has informed all the others.
    build(catalog, settings, component.path, may_queue=True, wait=settings.gate_wait)
    return None


def _report(catalog: Catalog, settings: Settings, path: str, error: ComponentError, *, refreshing: bool) -> None:
    """Tells the component's owner. If a refresh fails, the component is still made from the old download."""
    component = read(catalog, path)
    if component is None:
        return
    seen = view(catalog, settings, component)
    if refreshing and seen.fresh:
        kept = [avu for avu in component.facts if avu.attribute != names.MESSAGE]
        facts.write(catalog, component, [*kept, fact(path, names.MESSAGE, f"not refreshed: {error}")])
    else:
        facts.write(catalog, component, facts.failed(catalog, seen.inputs, error, signer_of(settings)))


def _download(
    catalog: Catalog, settings: Settings, target: str, address: Address, known: Version | None, shown: Progress
) -> bool:
    """Whether the object's content has changed. Errors name the URL, or go to the log only."""
    try:
        return _transferred(catalog, settings, target, address, known, shown)
    except ComponentError as error:
        if not address.by_reference:
            raise
        catalog.journal("download", component=address.component, path=target, done=f"failed: {error}")
        reason = "the URL that it stands for cannot be downloaded; the server log says why"
        raise ComponentError(f"{address.label}: {reason}", lasting=error.lasting) from None


def _transferred(
    catalog: Catalog, settings: Settings, target: str, address: Address, known: Version | None, shown: Progress
) -> bool:
    url = address.value
    resource = resource_for(catalog, settings, target)
    if not is_here(resource.host, settings.local_hosts):
        return _transferred_there(catalog, settings, target, address, known, resource.host, shown)
    folder = _folder(catalog, resource)
    file = folder / f"{hashlib.sha256(target.encode('utf-8', 'surrogateescape')).hexdigest()[:32]}.part"
    transfer = Transfer(policy_of(settings.allowed_urls), Limits(settings.fetch_limit, settings.fetch_time))
    counted = 0

    def report(done: int, total: int) -> None:
        nonlocal counted
        if counted == 0:
            shown.expect(total)
        shown(done - counted)
        counted = done

    try:
        outcome = transfer.download(url, file, known, report)
    except ImportError as error:
        text = "the server's Python has no package httpx; an administrator has to install it (docs/operations.md)"
        raise ComponentError(f"{url}: {text}", lasting=False) from error
    if not outcome.changed:
        return False
    try:
        _require_valid(file, url)
        _put(catalog, settings, target, resource, file)
    finally:
        discard(file)
    source = image_at(catalog, settings, target)
    if source is None:  # being written or replicated right now; another event follows
        raise ComponentError(f"{target} was changed while it was put in place; try again", lasting=False)
    _note(catalog, settings, source, address, outcome.version)
    return True


def _transferred_there(
    catalog: Catalog,
    settings: Settings,
    target: str,
    address: Address,
    known: Version | None,
    host: str,
    shown: Progress,
) -> bool:
    from ova_rules.servers.asking import ask

    shown.leave()  # to the other server
    validators = [known.etag, known.modified] if known is not None else None
    of = [address.component, address.text, address.value]
    return bool(ask(catalog, settings, host, "download", target=target, address=of, known=validators))


def download_here(catalog: Catalog, settings: Settings, target: str, address: Address, known: Version | None) -> bool:
    """Downloads into a vault of this server, for the server with the catalog. Whether the object has changed."""
    with progress(catalog, settings, address.component) as shown:
        return _transferred(catalog, settings, target, address, known, shown)


def _require_valid(file: Path, url: str) -> None:
    from ova_tools.errors import OvaError
    from ova_tools.verify import verify_members

    try:
        with read_archive(file) as package:
            verify_members(package)
    except OvaError as error:
        raise ComponentError(f"{url}: {str(error).replace(str(file), url)}") from error


def _folder(catalog: Catalog, resource: Replica) -> Path:
    """The private folder for downloads on the file system of a vault."""
    vault = catalog.vault_of(resource.hierarchy.rpartition(";")[2])
    folder = Path(vault) / _FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    state = folder.lstat()
    if folder.is_symlink() or state.st_uid != os.getuid() or state.st_mode & 0o077:
        raise PermissionError(f"{folder}: must be a folder that only the service account can enter (mode 0700)")
    return folder


class _Downloaded:
    """A verified download on the file system of the vault, to replace a vault file."""

    def __init__(self, file: Path, vault_path: str) -> None:
        self._file, self._vault_path = file, vault_path

    def __enter__(self) -> _Downloaded:
        return self

    def __exit__(self, *_: object) -> None:
        """The caller discards the file."""

    def commit(self, *, sync_directory: bool) -> None:
        """Puts it in its place, in one step."""
        self._file.replace(self._vault_path)


def _put(catalog: Catalog, settings: Settings, target: str, resource: Replica, file: Path) -> None:
    """Makes the verified file the content of the data object, atomically for readers."""
    present = catalog.replicas(target)
    require_ours(settings, target, present)
    if present and not any(replica.good for replica in present):
        raise ComponentError(f"{target} has no good replica in a vault of this server; remove it", lasting=False)
    content = Content(file.stat().st_size, resource.resource, lambda vault_path: _Downloaded(file, vault_path))
    try:
        after = publish(catalog, settings, target, present, content)
        note_made(settings.state_directory, target, after[0].data_id)
    except Changed as error:  # the other change causes an event
        raise ComponentError(f"{target} was changed while it was put in place; try again", lasting=False) from error


def _note(catalog: Catalog, settings: Settings, source: Source, address: Address, version: Version) -> None:
    old = set(catalog.object_avus(source.path, fetched.ATTRIBUTES))
    public = may_know_url(catalog, address, source.path)
    new = set(fetched.facts(settings, source, address.value, version.etag, version.modified, public=public))
    catalog.change_object_avus(source.path, sorted(old - new), sorted(new - old))
    with read_archive(source.replica.vault_path) as package:
        note_checked(catalog, settings, source, package)
