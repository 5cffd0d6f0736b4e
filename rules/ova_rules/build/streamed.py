"""Puts a ready OVA in place where no server with the rules can open its vault's files: through iRODS's own calls.

The plan is written into a new data object with a name of the server's own, which then takes the name of the old one.
No reader ever sees a part of it, and until the last step the old one stays as it is. Between the two renames there is
no object of that name. Must not touch an object that the server did not make (`ownership`), and must not leave one of
its own behind: a note names them before they are made (docs/decisions/0030-streamed-builds.md).
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

from ova_rules.build.publish import move_away
from ova_rules.catalog.streams import MOST, PIECE, ObjectReader, ObjectWriter
from ova_rules.catalog.types import GOOD, STALE, Replica
from ova_rules.catalog.writes import Catalog
from ova_rules.errors import Changed, ComponentError
from ova_rules.settings import Settings
from ova_rules.state import forget_made, forget_note, made_at, note_made, read_note, write_note
from ova_tools.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ova_tools.layout import Plan
    from ova_tools.verify import Verifier

_KIND = "streamed"  # of the notes in the state folder: the token in the names, and the number of the old object


@dataclass(frozen=True)
class Stream:
    """The new content of a data object, made from another one.

    reader: the source of `plan`, open. resource: where the new object goes, "" leaves the choice to the server. report:
    is told the bytes that are done since its last call, and may raise. verifier: of the source, if its disks were never
    compared with its manifest; then this happens while they pass by.
    """

    plan: Plan
    reader: ObjectReader
    resource: str
    report: Callable[[int], None]
    verifier: Verifier | None = None


def publish_streamed(
    catalog: Catalog,
    settings: Settings,
    holds: Iterable[str],
    path: str,
    replicas: Sequence[Replica],
    stream: Stream,
    check: Callable[[], None] = lambda: None,
) -> Sequence[Replica]:
    """Makes `path` a new data object with the content of `stream`. Returns its replicas; its number is a new one.

    holds: the collections whose values it holds. replicas: those at `path` now, which the caller knows to be the
    server's own (see `ownership`). check: called when all bytes are written but not visible; raises if they must not
    become visible. AVUs and permissions of the old object are the new one's. Raises ComponentError, Changed, and
    OvaError for a source that is wrong. Whatever it raises, the old object is at `path`, and no other of ours.
    """
    if stream.plan.size > MOST:
        size = stream.plan.size
        text = f"{path} has {size} bytes, at most {MOST} can be streamed; replicate the source to this server"
        raise ComponentError(text, lasting=False)
    names = _Names(path, os.urandom(8).hex())
    try:
        if clean_up(catalog, settings, path):
            raise Changed
        old = _replaceable(catalog, path, replicas)
        write_note(settings.state_directory, _KIND, path, f"{names.token} {old.data_id if old else ''}")
        try:
            data_id = _written(catalog, names.new, stream, check, path if old is not None else None)
            if old is not None:
                catalog.rename(path, names.old)
            note_made(settings.state_directory, path, data_id, holds=holds)
            catalog.rename(names.new, path)
        except BaseException:
            with suppress(RuntimeError):
                clean_up(catalog, settings, path)
            raise
    except RuntimeError as error:  # a microservice failed; its message is in the server log
        catalog.log(f"{path}: {error}")
        raise ComponentError(f"{path}: iRODS refused to write it", lasting=False) from error
    try:
        clean_up(catalog, settings, path)
    except RuntimeError as error:  # somebody holds the old object; the next publication removes it
        catalog.log(f"{names.old}: {error}")
    after = catalog.replicas(path)
    if not after or after[0].data_id != data_id:
        raise Changed
    return after


@dataclass(frozen=True)
class _Names:
    """The names of one publication: where the new object is written, and where the old one waits for its end."""

    path: str
    token: str

    @property
    def new(self) -> str:
        return self._beside("streamed")

    @property
    def old(self) -> str:
        return self._beside("replaced")

    def _beside(self, kind: str) -> str:
        folder, name = posixpath.split(self.path)
        return f"{folder}/.{name}.{kind}-{self.token}"


def clean_up(catalog: Catalog, settings: Settings, path: str) -> bool:
    """Removes what a publication at `path` has left, whether it failed, was killed or ended well.

    Puts the old object back if nothing took its place; then True. The caller holds the component's lock. Raises
    RuntimeError where a microservice fails; the next publication tries again.
    """
    note = read_note(settings.state_directory, _KIND, path)
    if note is None:
        return False
    token, _, old_id = note.partition(" ")
    names = _Names(path, token)
    left = catalog.replicas_of([path, names.new, names.old])
    new, old = (_mine(catalog, name, left[name]) for name in (names.new, names.old))
    made = made_at(settings.state_directory, path)
    if new is not None:
        if made is not None and made[0] == new.data_id:
            forget_made(settings.state_directory, path)
        if new.status in (GOOD, STALE):
            catalog.unlink(names.new)
        else:
            move_away(catalog, path, new, names.new)
    back = old is not None and old.data_id == old_id and not left[path]
    if back:
        catalog.rename(names.old, path)
        note_made(settings.state_directory, path, old_id, holds=made[2] if made is not None else ())
    elif old is not None and old.data_id == old_id:
        catalog.unlink(names.old)
    forget_note(settings.state_directory, _KIND, path)
    return back


def _mine(catalog: Catalog, path: str, replicas: Sequence[Replica]) -> Replica | None:
    """A replica of what a publication has left at `path`; None if there is nothing, or nothing that the client owns."""
    if replicas and not catalog.may_rename(path):
        catalog.log(f"{path} was left behind by an agent that died; {catalog.user} may not remove it")
        return None
    return replicas[0] if replicas else None


def _replaceable(catalog: Catalog, path: str, replicas: Sequence[Replica]) -> Replica | None:
    """A replica of the object that is replaced, None if there is none. Raises ComponentError if it cannot be replaced.

    The client must own it, because it is renamed and removed.
    """
    if replicas and not any(replica.good for replica in replicas):
        move_away(catalog, path, replicas[0])
        return None
    if not replicas:
        if catalog.replicas(path):
            raise Changed
        return None
    if any(replica.status not in (GOOD, STALE) for replica in replicas):
        raise ComponentError(f"{path} is being written or replicated; try again", lasting=False)
    if not catalog.may_rename(path):
        text = f"{path} lies in no vault of this server, so a build replaces the object; {catalog.user} does not own it"
        raise ComponentError(text, lasting=False)
    return replicas[0]


def _written(catalog: Catalog, path: str, stream: Stream, check: Callable[[], None], like: str | None) -> str:
    """Writes the new object, and makes it what it is to be. Returns its number.

    like: the object whose AVUs and permissions it gets; None leaves it those that its collection passes on. Until
    `check` has returned, nobody but the client has a right to it.
    """
    writer = ObjectWriter(catalog, path, stream.resource)
    try:
        permissions = catalog.permissions(path)
        for user in permissions:
            if user != catalog.identity:
                catalog.set_permission(path, user, "null")
        _send(stream, writer)
    finally:
        writer.close()
    made = catalog.replicas(path)
    if not made:  # its collection was renamed meanwhile
        raise Changed
    if not any(each.good and each.size == stream.plan.size for each in made):
        raise ComponentError(f"{path}: iRODS did not store all of its bytes", lasting=False)
    check()
    if like is not None:
        permissions = catalog.permissions(like)
        catalog.change_object_avus(path, [], catalog.avus_of("-d", like))
    for user, level in permissions.items():
        if user != catalog.identity:  # who has made it, and so keeps `own`
            catalog.set_permission(path, user, level)
    return made[0].data_id


def _send(stream: Stream, writer: ObjectWriter) -> None:
    """Sends the plan, and verifies the source. Raises OvaError for a wrong source, ComponentError."""
    from ova_tools.write import pieces

    try:
        for piece in pieces(stream.plan, PIECE):
            if isinstance(piece, bytes):
                writer.write(piece)
                stream.report(len(piece))
            else:
                _pass_on(stream, writer, piece.offset, piece.offset + piece.length)
        if stream.verifier is not None:
            stream.verifier.finish(stream.report)
    except OSError as error:
        raise ComponentError(f"the source cannot be read: {error.strerror or error}", lasting=False) from error


def _pass_on(stream: Stream, writer: ObjectWriter, position: int, end: int) -> None:
    from ova_tools.extents import short

    while position < end:
        with stream.reader.buffer(end - position, position) as buffer:
            count = len(buffer)
            if not count:
                raise short(position)
            if stream.verifier is not None:
                stream.verifier.feed(position, buffer.data())
            writer.pass_on(buffer)
        position += count
        stream.report(count)
