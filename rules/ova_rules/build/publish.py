"""Puts new bytes in a data object's place: the three ways of the data path, each atomic for readers.

New object: create, replace the vault file, close. Same size: touch, replace; the replica stays good throughout.
Other size (or several replicas, or a registered checksum): open, replace, write one byte into the old file, close.
Works only on files of a local vault, and never changes a byte of a file that readers may have open. The new file is
synced, its folder is not: if a power cut brings the old file back, the facts do not match that file.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence

from ova_rules.catalog.types import GOOD, STALE, Replica
from ova_rules.catalog.writes import Catalog
from ova_rules.component.fingerprint import file_identity
from ova_rules.component.source import is_local, version_of
from ova_rules.errors import Changed, ComponentError
from ova_rules.settings import Settings
from ova_rules.state import forget_made, note_made, note_ready_file
from ova_tools.records import dataclass, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from typing import Protocol

    class Staged(AbstractContextManager["Staged"], Protocol):
        """A complete file that is not yet in its place. Leaving its `with` block removes it."""

        def commit(self, *, sync_directory: bool) -> None:
            """Puts the file in its place, in one step."""


UNKNOWN_SIZE = -1
_MOST_THREADS = 64  # with which a server copies a large file, each of which opens it


@dataclass(frozen=True)
class Content:
    """The new content of a data object. size: in bytes, or UNKNOWN_SIZE until it is staged.

    resource: where a new object goes.

    stage: makes the file ready to replace a vault file, on the same file system.
    """

    size: int
    resource: str
    stage: Callable[[str], Staged]


def publish(
    catalog: Catalog,
    settings: Settings,
    path: str,
    replicas: Sequence[Replica],
    content: Content,
    check: Callable[[], None] = lambda: None,
) -> Sequence[Replica]:
    """Makes the data object `path` hold `content`. Returns the replicas that it has then.

    replicas: those it has now; the caller knows that the server has made the object (see `ownership`). check: called
    when the bytes are written but not yet visible; raises if they must not become visible. Raises ComponentError;
    OvaError; RuntimeError where a microservice fails; and Changed if the object ends up with a checksum, or with good
    replicas other than the written one (replicated, moved or checksummed meanwhile).
    """
    if replicas and not any(replica.good for replica in replicas):
        move_away(catalog, path, replicas[0])
        replicas = ()
    if not replicas:
        _first(catalog, settings, path, content, check)
        return catalog.replicas(path)
    if any(replica.status not in (GOOD, STALE) for replica in replicas):
        raise ComponentError(f"{path} is being written or replicated; try again", lasting=False)
    local = _local(replicas, settings)
    if local is None:  # the source lies on another server than before
        _bring_here(catalog, settings, path, replicas, content.resource)
        replicas = catalog.replicas(path)
        local = _local(replicas, settings)
    if local is None:
        raise ComponentError(f"{path}: has no good replica in a vault of this server", lasting=False)

    alone = len(replicas) == 1 and not local.checksum
    same_size = alone and local.size == content.size
    version = (_same_size if same_size else _other_size)(catalog, path, local, content, check)
    after = catalog.replicas(path)
    good = [each for each in after if each.good]
    if same_size:
        # Else it was replicated, moved or checksummed meanwhile, perhaps with the old bytes; the other way renews that.
        right = [_place(each) for each in good] == [_place(local)] and not good[0].checksum
    else:
        # Closing the object lets a replicating resource renew the other replicas; nothing else may have done so.
        right = _place(local) in map(_place, good) and all(each.resource == local.resource for each in good)
    if not right or file_identity(os.stat(local.vault_path)) != version:
        raise Changed
    return after


def publish_made(
    catalog: Catalog,
    settings: Settings,
    holds: Iterable[str],
    path: str,
    replicas: Sequence[Replica],
    content: Content,
    check: Callable[[], None] = lambda: None,
) -> tuple[str, str]:
    """Publishes what the server has made. Its errors are in words for the owner.

    holds: the collections whose values it holds. Notes that the server has made it. Returns the number and the version
    of the object. Raises ComponentError, Changed.
    """
    from ova_tools.errors import OvaError

    staged_for: list[str] = []

    def stage(vault_path: str) -> Staged:
        staged_for.append(vault_path)
        return content.stage(vault_path)

    try:
        after = publish(catalog, settings, path, replicas, replace(content, stage=stage), check)
    except FileNotFoundError as error:  # the component, or its grid, was moved, and the vault's files with it
        raise Changed from error
    except OvaError as error:
        message = str(error)
        for vault_path in staged_for:
            message = message.replace(f"{vault_path} ", "")
        raise ComponentError(f"{path}: {message}", lasting=False) from error
    except RuntimeError as error:  # a microservice failed; its message is in the server log
        catalog.log(f"{path}: {error}")
        raise ComponentError(f"{path}: iRODS refused to write it", lasting=False) from error
    version = version_of(after, settings)
    if version is None:
        raise Changed
    note_as_made(settings, holds, path, after)
    return after[0].data_id, version


def note_as_made(settings: Settings, holds: Iterable[str], path: str, replicas: Sequence[Replica]) -> None:
    """Notes that the server has made the object at `path`, its file, and whose values it holds."""
    note_made(settings.state_directory, path, replicas[0].data_id, holds=holds)
    note_ready_file(settings.state_directory, path, next(each.vault_path for each in replicas if each.good))


def _bring_here(catalog: Catalog, settings: Settings, path: str, replicas: Sequence[Replica], resource: str) -> None:
    """Makes a replica here, to be overwritten: the object keeps its number and its permissions."""
    from ova_rules.servers.asking import ask

    others = [(each.host, each.elsewhere) for each in replicas if each.good and each.elsewhere is not None]
    for host, file in others:  # that server's gate would wait for this build
        identity = file_identity(file)
        ask(catalog, settings, host, "next call", path=path, file=identity, opens=_MOST_THREADS)
    try:
        catalog.replicate(path, resource)
    finally:
        for host, _ in others:
            ask(catalog, settings, host, "next call", path=path, file="", opens=0)


def _local(replicas: Sequence[Replica], settings: Settings) -> Replica | None:
    return next((each for each in replicas if each.good and is_local(each, settings)), None)


def _place(replica: Replica) -> tuple[str, str, str]:
    return replica.data_id, replica.number, replica.vault_path


def _first(catalog: Catalog, settings: Settings, path: str, content: Content, check: Callable[[], None]) -> None:
    if catalog.replicas(path):
        raise Changed  # creating would empty it
    note_made(settings.state_directory, path, "")
    try:
        descriptor = catalog.create(path, content.resource)
    except RuntimeError as error:  # it may be there and belong to a user who hides it from this client
        forget_made(settings.state_directory, path)
        message = f"{catalog.user} may not write {path}, or it belongs to another user"
        raise ComponentError(message, lasting=False) from error
    done = False
    try:
        created = catalog.replicas(path)
        if not created or not is_local(created[0], settings):
            raise ComponentError(f"{path}: was created in a vault of another server", lasting=False)
        note_made(settings.state_directory, path, created[0].data_id)
        with content.stage(created[0].vault_path) as new:
            check()
            new.commit(sync_directory=False)
        done = True
    finally:
        catalog.close(descriptor)
        if not done:  # an empty object must not stay behind
            catalog.unlink(path)


def _same_size(catalog: Catalog, path: str, replica: Replica, content: Content, check: Callable[[], None]) -> str:
    vault = replica.vault_path
    with content.stage(vault) as new:
        check()
        catalog.touch(path)  # proves the user's permission, before anything is visible
        new.commit(sync_directory=False)
    return file_identity(os.stat(vault))


def _other_size(catalog: Catalog, path: str, replica: Replica, content: Content, check: Callable[[], None]) -> str:
    vault = replica.vault_path
    first = _first_character(vault)
    with content.stage(vault) as new:
        check()
        descriptor = catalog.open_for_write(path, replica)
        try:
            new.commit(sync_directory=False)
            version = file_identity(os.stat(vault))
            # Without a write the server would keep the old size. The write goes to the unlinked old file, which
            # downloads under way still read: so it writes what that file already holds.
            catalog.write(descriptor, first)
        finally:
            catalog.close(descriptor)
    return version


def _first_character(file: str) -> str:
    """The first character of a file, whole; a tar opens with the name of its first member."""
    with open(file, "rb") as stream:
        head = stream.read(4)
    text = head.decode("utf-8", "ignore")
    if not text or not head.startswith(text[0].encode()):
        raise ComponentError(
            f"{os.path.basename(file)}: its first member's name is not UTF-8; remove the object to renew it"
        )
    return text[0]


def move_away(catalog: Catalog, path: str, replica: Replica) -> None:
    """Renames a replica that is unusable since an agent died between open and close; the server allows nothing else."""
    aside = f"{path}.unfinished-{replica.data_id}"
    catalog.rename(path, aside)
    catalog.log(f"{path} was left unfinished by an agent that died; moved to {aside}")
