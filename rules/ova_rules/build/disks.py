"""The qcow2 of a disk of an image: converted once for each version of a source, however many components are made of it.

Where a component has it already, the next one takes its extents, or a copy. Which files hold which disk is noted in the
state folder; a note counts only as long as its file is the same. Nothing is kept beside the components' own objects, so
there is nothing to clear away.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from ova_rules import names
from ova_rules.build.beside import Form, Shelf, file_name
from ova_rules.build.publish import UNKNOWN_SIZE
from ova_rules.component.fingerprint import digest, file_identity, source_state
from ova_rules.component.source import Source, version_of
from ova_rules.errors import Changed, ComponentError
from ova_rules.locks import locked
from ova_rules.record.last_build import MadeForm
from ova_rules.settings import Settings
from ova_rules.state import read_note, ready_file, write_note
from ova_tools.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ova_tools.extents import Method
    from ova_tools.libvirt.machine import Machine, MachineDisk
    from ova_tools.package import Package

KIND = "disk"
_FORMAT = 1  # raise it when the same disk gets another file
_NOTE = "disks"
_MOST_NOTED = 8  # files that hold the same disk


@dataclass(frozen=True)
class Disk:
    """A disk to be beside the ready OVA. name: of its form; content: a hash of what its bytes follow from."""

    name: str
    content: str
    of_machine: MachineDisk


def disks_of(component: str, suffix: str, machine: Machine, source: Source) -> list[Disk]:
    """The disks of a virtual system. suffix: as of its seed."""
    found = []
    for each in machine.disks:
        target = f"-{each.target}" if len(machine.disks) > 1 else ""
        name = file_name(component, f"{suffix}{target}".lstrip("-"), names.DISK_ENDING)
        what = [each.file, each.format] if each.file else [each.capacity]
        found.append(Disk(name, digest([_FORMAT, source.state, *what]), each))
    return found


def waiting(shelf: Shelf, disk: Disk) -> int:
    """The bytes that putting this disk in its place takes; 0 if it is there, takes nothing or is impossible."""
    from ova_tools.extents import can_share

    limit = shelf.settings.disk_limit
    if (
        shelf.kept(disk.name, disk.content) is not None
        or disk.of_machine.capacity > limit
        or not _has_place(shelf, disk)
    ):
        return 0
    with _donor(shelf, disk) as donor:
        if donor is None:
            return max(1, disk.of_machine.capacity)
        size = os.fstat(donor).st_size
        place = os.path.dirname(shelf.source.replica.vault_path)
        return 0 if size <= shelf.settings.inline_limit or can_share(donor, place) else size


def _has_place(shelf: Shelf, disk: Disk) -> bool:
    try:
        shelf.require_place(disk.name)
    except ComponentError:
        return False
    return True


def put(shelf: Shelf, disk: Disk, package: Package, report: Callable[[int], None]) -> MadeForm:
    """Puts a disk in its place. report: is told the bytes that are done, and may raise.

    Raises ComposeError or DomainError for a disk that cannot be converted at all; ComponentError for what may pass;
    BusyError while another agent converts the same disk; and Changed.
    """
    kept = shelf.kept(disk.name, disk.content) or _found(shelf, disk)
    if kept is not None:
        return kept
    shelf.require_place(disk.name)  # before anything is copied or converted
    with _donor(shelf, disk) as donor:
        if donor is not None:
            return _put_copy(shelf, disk, donor)
    with locked(shelf.settings.state_directory, f"disk {disk.content}", shelf.settings.gate_wait):
        with _donor(shelf, disk) as donor:  # another agent may just have made it
            if donor is not None:
                return _put_copy(shelf, disk, donor)
        return _put_converted(shelf, disk, package, report)


def _found(shelf: Shelf, disk: Disk) -> MadeForm | None:
    """The object as an earlier attempt of this build left it, that has noted nothing in the component's record."""
    good = [each for each in shelf.made[disk.name] if each.good]
    for file, identity in _noted(shelf.settings, disk.content):
        if [each.vault_path for each in good] == [file] and _identity(file) == identity:
            version = version_of(shelf.made[disk.name], shelf.settings)
            return MadeForm(disk.name, good[0].data_id, version, disk.content) if version is not None else None
    return None


def _put_copy(shelf: Shelf, disk: Disk, donor: int) -> MadeForm:
    size = os.fstat(donor).st_size

    def fill(out: int) -> Method:
        from ova_tools.extents import copy_part
        from ova_tools.layout import Extent

        return copy_part(donor, out, Extent(0, size), to_disk=True)

    return _put(shelf, disk, fill)


def _put_converted(shelf: Shelf, disk: Disk, package: Package, report: Callable[[int], None]) -> MadeForm:
    from ova_tools import qemu_img
    from ova_tools.errors import ComposeError, WriteError
    from ova_tools.libvirt.export import image_of

    try:
        qemu_img.require()
    except ComposeError as error:
        raise ComponentError(str(error), lasting=False) from error
    if disk.of_machine.capacity > shelf.settings.disk_limit:
        raise _too_large(shelf, disk.of_machine.capacity)
    with ExitStack() as stack:
        try:
            folder = os.path.dirname(shelf.source.replica.vault_path)
            image = image_of(package, disk.of_machine, stack, folder)
        except (OSError, WriteError) as error:
            raise ComponentError(f"{disk.name}: cannot be read: {error}", lasting=False) from error
        if source_state(shelf.source.replica, os.fstat(package.fileno())) != shelf.source.state:
            raise Changed
        if image is not None and image.capacity > shelf.settings.disk_limit:
            raise _too_large(shelf, image.capacity)

        def fill(out: int) -> Method:
            from ova_tools.extents import Method

            if image is None:
                qemu_img.empty_qcow2(out, disk.of_machine.capacity, disk.name)
            else:
                qemu_img.to_qcow2(image, out, report)
            return Method.COPIED

        return _put(shelf, disk, fill)


def _too_large(shelf: Shelf, size: int) -> ComponentError:
    text = f"it has {size} bytes; the setting disk_limit is {shelf.settings.disk_limit}"
    return ComponentError(text, lasting=False)  # an administrator may change that


def _put(shelf: Shelf, disk: Disk, fill: Callable[[int], Method]) -> MadeForm:
    made = shelf.put(Form(disk.name, KIND, disk.content, UNKNOWN_SIZE, fill))
    file = ready_file(shelf.settings.state_directory, shelf.path(disk.name))
    identity = _identity(file) if file is not None else None
    if file is not None and identity is not None:
        others = [each for each in _noted(shelf.settings, disk.content) if each[0] != file]
        text = json.dumps([(file, identity), *others][:_MOST_NOTED])
        write_note(shelf.settings.state_directory, _NOTE, disk.content, text)
    return made


@contextmanager
def _donor(shelf: Shelf, disk: Disk) -> Iterator[int | None]:
    """A file that holds this disk, open for reading; None if there is none."""
    for file, identity in _noted(shelf.settings, disk.content):
        try:
            descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            continue
        try:
            if file_identity(os.fstat(descriptor)) == identity:
                yield descriptor
                return
        finally:
            os.close(descriptor)
    yield None


def _noted(settings: Settings, content: str) -> list[tuple[str, str]]:
    text = read_note(settings.state_directory, _NOTE, content)
    try:
        return [(str(file), str(identity)) for file, identity in json.loads(text or "[]")]
    except (ValueError, TypeError):  # cut short by a power cut
        return []


def _identity(file: str) -> str | None:
    try:
        return file_identity(os.stat(file, follow_symlinks=False))
    except OSError:
        return None
