"""The job of a collection with `ova_capture`: composes NAME.ova beside NAME.xml and its disks, and checks it.

It follows what lies in the collection: a new version of the XML or of a disk makes the image anew, by the same bytes
only if nothing changed. Done as the user whose change queued the job. What users wrote is copied before it is looked
at, by sharing extents where possible, so that no disk is another one when it is converted than when it was examined.
"""

from __future__ import annotations

import os
import posixpath
import time
from collections.abc import Sequence
from contextlib import ExitStack

from ova_rules import jobs, names
from ova_rules.build.ownership import require_ours
from ova_rules.build.progress import Progress
from ova_rules.build.publish import UNKNOWN_SIZE, Content, publish_made
from ova_rules.catalog.types import Avu, Replica, fact
from ova_rules.catalog.writes import Catalog
from ova_rules.component.fingerprint import digest
from ova_rules.component.source import Source, opened, source_at
from ova_rules.errors import Changed, ComponentError, one_line
from ova_rules.images.check import check_one
from ova_rules.locks import locked
from ova_rules.record import facts, remarks
from ova_rules.settings import Settings
from ova_tools.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from ova_tools.compose.domain import Domain
    from ova_tools.extents import Method
    from ova_tools.qemu_img import Image
    from ova_tools.write import Staged

YES = "yes"
_FORMAT = 1  # raise it when the same machine gets another image
_OURS = (names.STATUS, names.MESSAGE, names.PROGRESS, names.CAPTURED, names.NOTE)
_MOST_OBJECTS = 1000
_ATTEMPTS = 3


@dataclass(frozen=True)
class _Inputs:
    """What an image is made from: the domain XML, and the disk images by target. place: of the image."""

    xml: Source
    domain: Domain
    disks: Mapping[str, Source]
    place: str

    @property
    def state(self) -> str:
        """A hash of all their versions."""
        return digest([_FORMAT, self.xml.state, sorted((name, disk.state) for name, disk in self.disks.items())])


# ---- events ----------------------------------------------------------------------------------------------------------


def on_written(catalog: Catalog, settings: Settings, path: str) -> None:
    """Queues the job if a data object of a collection with `ova_capture` was written; one query else."""
    collection = posixpath.dirname(path)
    if not names.in_trash(path) and catalog.having([collection], names.CAPTURE):
        jobs.queue(catalog, settings, jobs.CAPTURE, collection, running=True)


# ---- the job ---------------------------------------------------------------------------------------------------------


def run_capture(catalog: Catalog, settings: Settings, collection: str) -> str | None:
    """Makes the image of a collection with `ova_capture yes`, unless it is there.

    Returns its path if it is new. Raises BusyError while another job does this.
    """
    with locked(settings.state_directory, collection, settings.gate_wait):
        own = [avu for avu in catalog.avus([collection]) if avu.collection == collection]
        asked = [avu.value for avu in own if avu.attribute == names.CAPTURE]
        if YES not in asked or not catalog.may_annotate(collection):
            return None
        try:
            if any(avu.attribute == names.URL for avu in own):
                raise ComponentError(f"{collection} is a component; ova_capture is for a collection without ova_url")
            made = _made(catalog, settings, collection)
        except ComponentError as error:
            note_failed(catalog, collection, str(error))
            return None
    if made is not None:
        check_one(catalog, settings, made)
    return made


def note_failed(catalog: Catalog, collection: str, message: str) -> None:
    """Notes why there is no new image; the last one is there still."""
    if catalog.may_annotate(collection):
        kept = [avu for avu in _present(catalog, collection) if avu.attribute == names.CAPTURED]
        _note(catalog, collection, names.FAILED, one_line(message), kept)


def _made(catalog: Catalog, settings: Settings, collection: str) -> str | None:
    for _ in range(_ATTEMPTS):
        present = _present(catalog, collection)
        inputs = _inputs(catalog, settings, collection)
        replicas = catalog.replicas(inputs.place)
        made = source_at(inputs.place, replicas, settings)
        known = fact(collection, names.CAPTURED, inputs.state, made.state if made is not None else "")
        if made is not None and known in present:
            notes = [avu for avu in present if avu.attribute == names.NOTE]
            _note(catalog, collection, names.READY, "", [*notes, known])
            return None
        states = [avu.units for avu in present if avu.attribute == names.CAPTURED]
        if made is None or made.state not in states:  # else it is the last image, also if the collection was renamed
            require_ours(settings, inputs.place, replicas)
        if not catalog.may_write(collection) or (replicas and not catalog.may_replace(inputs.place)):
            raise ComponentError(f"{catalog.user} may not write {inputs.place}", lasting=False)
        if inputs.xml.host:
            return _made_there(catalog, settings, collection, inputs.xml.host)
        start = time.monotonic()
        _note(catalog, collection, names.BUILDING, "", [facts.percent(collection, 0)])
        try:
            said = _put(catalog, settings, collection, inputs, replicas)
        except Changed:
            continue
        made = source_at(inputs.place, catalog.replicas(inputs.place), settings)
        known = fact(collection, names.CAPTURED, inputs.state, made.state if made is not None else "")
        _note(catalog, collection, names.READY, "", [*remarks.facts(collection, remarks.OF_IMAGE, said), known])
        milliseconds = round(1000 * (time.monotonic() - start))
        catalog.journal("capture", path=inputs.place, done=f"{len(inputs.disks)} disks", ms=milliseconds)
        return inputs.place
    raise ComponentError(f"{collection}: its files change faster than they can be read; try again", lasting=False)


def _note(catalog: Catalog, collection: str, status: str, message: str, further: Sequence[Avu]) -> None:
    present = _present(catalog, collection)
    wanted = {fact(collection, names.STATUS, status), *further}
    if message:
        wanted.add(fact(collection, names.MESSAGE, message))
    if set(present) != wanted:
        remove = [avu for avu in present if avu not in wanted]
        catalog.change_facts(collection, remove, sorted(wanted - set(present), key=lambda avu: avu.attribute))


def _present(catalog: Catalog, collection: str) -> list[Avu]:
    return [avu for avu in catalog.avus([collection]) if avu.collection == collection and avu.attribute in _OURS]


# ---- what the image is made from -------------------------------------------------------------------------------------


def _inputs(catalog: Catalog, settings: Settings, collection: str) -> _Inputs:
    """Finds the domain XML and its disks. Raises ComponentError."""
    from ova_tools.compose.domain import read_domain
    from ova_tools.errors import ComposeError

    objects = catalog.objects_in([collection])
    if len(objects) > _MOST_OBJECTS:
        raise ComponentError(f"{collection} holds more than {_MOST_OBJECTS} data objects", lasting=False)
    texts = sorted(path for path in objects if path.endswith(names.DOMAIN_ENDING))
    if len(texts) != 1:
        found = f"has {', '.join(map(posixpath.basename, texts[:5]))}" if texts else "has none yet"
        raise ComponentError(f"{collection}: one domain XML (NAME.xml, from virsh dumpxml) is right; it {found}")
    catalog.learn_access(list(objects))
    xml = _at_rest(catalog, settings, texts[0], objects[texts[0]])
    try:
        domain = read_domain(_read(catalog, settings, xml))
    except ComposeError as error:
        raise ComponentError(f"{xml.path}: {error}") from error
    disks = {}
    for disk in domain.disks:
        path = f"{collection}/{posixpath.basename(disk.source)}"
        if path not in objects:
            name = posixpath.basename(disk.source) or "no file"
            raise ComponentError(f"{xml.path}: its disk {disk.target} is {name}, which is not beside it yet")
        disks[disk.target] = _at_rest(catalog, settings, path, objects[path])
    return _Inputs(xml, domain, disks, f"{xml.path[: -len(names.DOMAIN_ENDING)]}{names.OVA_ENDING}")


def make_here(catalog: Catalog, settings: Settings, collection: str) -> str | None:
    """As `run_capture`, for the server with the catalog, which has the lock: the files are on this one."""
    return _made(catalog, settings, collection)


def _made_there(catalog: Catalog, settings: Settings, collection: str, host: str) -> str | None:
    from ova_rules.servers.asking import ask

    made: str | None = ask(catalog, settings, host, "capture", path=collection)
    return made


def _at_rest(catalog: Catalog, settings: Settings, path: str, replicas: Sequence[Replica]) -> Source:
    if not catalog.may_read(path):
        raise ComponentError(f"{catalog.user} may not read {path}", lasting=False)
    found = source_at(path, replicas, settings)
    if found is None:
        text = f"{path} is being written, or no server has its file"
        raise ComponentError(text, lasting=False)
    return found


def _read(catalog: Catalog, settings: Settings, xml: Source) -> bytes:
    from ova_tools.compose.domain import MAX_DOMAIN_BYTES

    with opened(catalog, settings, xml.replica) as stream:
        return stream.read(MAX_DOMAIN_BYTES + 1)


# ---- the image -------------------------------------------------------------------------------------------------------


def _put(
    catalog: Catalog, settings: Settings, collection: str, inputs: _Inputs, replicas: Sequence[Replica]
) -> list[str]:
    """Composes and publishes the image; what of the machine it lacks. Raises ComponentError and Changed."""
    from ova_tools import qemu_img
    from ova_tools.errors import ComposeError

    progress = Progress(catalog, settings, collection)
    try:
        qemu_img.require()
        with ExitStack() as stack:
            images = [_image(settings, inputs, disk.target, disk.format, stack) for disk in inputs.domain.disks]
            progress.expect(sum(image.capacity for image in images))

            def fill(out: int) -> Method:
                from ova_tools.compose.package import write
                from ova_tools.extents import Method

                write(inputs.domain, images, {}, out, progress)
                return Method.COPIED

            def stage(vault_path: str) -> Staged:
                from ova_tools.write import stage_with

                return stage_with(fill, vault_path)

            def check() -> None:
                for each in (inputs.xml, *inputs.disks.values()):
                    if source_at(each.path, [each.replica], settings) != each:
                        raise Changed

            content = Content(UNKNOWN_SIZE, inputs.xml.replica.resource, stage)
            publish_made(catalog, settings, (), inputs.place, replicas, content, check)
            left_out = [f"not in the package: {each}" for each in inputs.domain.left_out]
            return [*left_out, *(note for image in images for note in image.notes)]
    except ComposeError as error:
        raise ComponentError(f"{inputs.xml.path}: {error}") from error
    finally:
        progress.close()


def _image(settings: Settings, inputs: _Inputs, target: str, format_: str, stack: ExitStack) -> Image:
    """A disk, in a copy that nobody else can write to."""
    from ova_tools import qemu_img
    from ova_tools.errors import ComposeError, WriteError

    source = inputs.disks[target]
    if source.host:
        raise ComponentError(f"{source.path} lies on another server than {inputs.xml.path}; put them on one resource")
    vault_path = source.replica.vault_path
    try:
        with open(vault_path, "rb") as file:
            copy, offset = qemu_img.private_copy(file.fileno(), 0, source.replica.size, os.path.dirname(vault_path))
    except (OSError, WriteError) as error:
        raise ComponentError(f"{source.path} cannot be read: {error}", lasting=False) from error
    stack.callback(os.close, copy)
    if source_at(source.path, [source.replica], settings) != source:
        raise Changed
    try:
        image = qemu_img.examine(copy, f"disk {target} ({posixpath.basename(source.path)})", format_, offset)
    except WriteError as error:  # qemu-img was ended
        raise ComponentError(f"{source.path}: {error}", lasting=False) from error
    if image.capacity > settings.disk_limit:
        raise ComposeError(f"{image.shown} has {image.capacity} bytes; the setting disk_limit is {settings.disk_limit}")
    return image
