"""What libvirt, OpenStack and Proxmox take instead of an OVA: the disks, and the texts that make a machine of them.

A form that cannot be made takes neither the ready OVA nor the other forms with it. It is noted with its reason in
`ova::note`, and in the record: with no version if it is to be tried again, with IMPOSSIBLE if this source cannot give
it.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping, Sequence

from ova_rules import names
from ova_rules.build.beside import Form, Shelf, file_name, record_of, said_of, text_form
from ova_rules.build.disks import KIND, Disk, disks_of, put, waiting
from ova_rules.build.staleness import View
from ova_rules.build.takings import Takings
from ova_rules.component.controls import CLOUDS, LIBVIRT, OPENSTACK, PROXMOX, Forms
from ova_rules.component.fingerprint import digest
from ova_rules.component.source import Source
from ova_rules.errors import BusyError, ComponentError
from ova_rules.record.last_build import IMPOSSIBLE, MadeForm
from ova_tools.records import dataclass, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ova_tools.libvirt.machine import Machine
    from ova_tools.package import Package
    from ova_tools.seed.seeds import Seed

IMAGES = "/var/lib/libvirt/images"  # where `iget -r GRID` brings the files to, if nothing else is said


@dataclass(frozen=True)
class _Text:
    """A text to be beside the ready OVA, and the disks without which it is of no use."""

    form: Form
    disks: tuple[str, ...]


@dataclass(frozen=True)
class Clouds:
    """The forms for all clouds that are asked for. notes: what the image has and they cannot hold.

    impossible: why there are none, by the names that they would have.
    """

    disks: tuple[Disk, ...] = ()
    texts: tuple[_Text, ...] = ()
    notes: tuple[str, ...] = ()
    impossible: tuple[tuple[str, str], ...] = ()

    @property
    def names(self) -> list[str]:
        """The names of all the objects."""
        made = [*(disk.name for disk in self.disks), *(text.form.name for text in self.texts)]
        return made + [name for name, _ in self.impossible]


@dataclass(frozen=True)
class Outcome:
    """What was made: its records; kinds: what `ova::form` has, by the names of those that are there; notes."""

    forms: tuple[MadeForm, ...]
    kinds: Mapping[str, str]
    notes: tuple[str, ...]


def planned(seen: View, source: Source, package: Package, takings: Takings, found: Sequence[Seed]) -> Clouds:
    """The forms of a component, without a look into its disks. found: the seeds of its virtual systems."""
    from ova_tools.errors import DomainError
    from ova_tools.libvirt.machine import machines

    component, forms = seen.component, seen.inputs.forms
    try:
        of_systems = machines(package.descriptor.data, package.descriptor.content, takings.default)
    except DomainError as error:
        usual = replace(forms, beside=False).usual(posixpath.basename(component.path))
        return Clouds(impossible=tuple((name, str(error)) for name in usual))
    disks: list[Disk] = []
    texts: list[_Text] = []
    notes: list[str] = []
    impossible: list[tuple[str, str]] = []
    for seed in found:
        machine = of_systems[seed.system]
        own = disks_of(component.path, seed.suffix, machine, source)
        disks += own
        notes += _left_out(forms, seed, machine)
        told = _Told(component.path, seed, machine, tuple(own), dict(forms.networks))
        for cloud in forms.clouds:
            files = [file_name(component.path, seed.suffix, ending) for ending in CLOUDS[cloud]]
            try:
                made = [
                    text_form(file, cloud, digest([text.hex()]), text) for file, text in zip(files, _TEXTS[cloud](told))
                ]
                texts += [_Text(form, tuple(disk.name for disk in own)) for form in made]
            except DomainError as error:
                impossible += [(file, str(error)) for file in files]
    plan = Clouds(tuple(disks), tuple(texts), tuple(notes), tuple(impossible))
    twice = next((name for name in plan.names if plan.names.count(name) > 1), None)
    if twice is not None:
        reason = f"two of its virtual systems would have the file {twice}"
        return Clouds(impossible=tuple((name, reason) for name in dict.fromkeys(plan.names)))
    return plan


def bytes_waiting(shelf: Shelf, plan: Clouds) -> int:
    """The bytes to convert and copy until all is in its place; 0 without qemu-img."""
    import shutil

    wanted = [disk for disk in plan.disks if not _is_impossible(shelf.seen, disk)]
    found = sum(waiting(shelf, disk) for disk in wanted)
    return found if found and shutil.which("qemu-img") is not None else 0


def put_all(shelf: Shelf, plan: Clouds, package: Package, report: Callable[[int], None]) -> Outcome:
    """Puts all in its place that can be made. Raises BusyError and Changed."""
    none = [_not_made(shelf, name, "", IMPOSSIBLE, reason) for name, reason in plan.impossible]
    disks = [_put_disk(shelf, disk, package, report) for disk in plan.disks]
    failed = {each.record.name: each.record for each in disks if not each.record.is_made}
    texts = [_put_text(shelf, text, failed) for text in plan.texts]
    done = [*none, *disks, *texts]
    kinds = {each.record.name: each.kind for each in done if each.record.is_made}
    notes = [f"{each.record.name}: {each.reason}" for each in done if not each.record.is_made]
    return Outcome(tuple(each.record for each in done), kinds, (*notes, *plan.notes))


@dataclass(frozen=True)
class _Done:
    """What became of one form. reason: why it was not made."""

    record: MadeForm
    kind: str = ""
    reason: str = ""


def _put_disk(shelf: Shelf, disk: Disk, package: Package, report: Callable[[int], None]) -> _Done:
    if _is_impossible(shelf.seen, disk):
        return _not_made(shelf, disk.name, disk.content, IMPOSSIBLE, said_of(shelf.seen, disk.name))
    return _attempt(shelf, disk.name, disk.content, KIND, lambda: put(shelf, disk, package, report))


def _put_text(shelf: Shelf, text: _Text, failed: Mapping[str, MadeForm]) -> _Done:
    form = text.form
    missing = next((failed[name] for name in text.disks if name in failed), None)
    if missing is not None:
        return _not_made(shelf, form.name, form.content, missing.version, f"is of no use without {missing.name}")

    def place() -> MadeForm:
        shelf.require_place(form.name)
        return shelf.put(form)

    return _attempt(shelf, form.name, form.content, form.kind, place)


def _attempt(shelf: Shelf, name: str, content: str, kind: str, make: Callable[[], MadeForm]) -> _Done:
    from ova_tools.errors import OvaError

    try:
        return _Done(make(), kind)
    except BusyError:
        raise
    except OvaError as error:  # the disk is at fault
        version, reason = IMPOSSIBLE, str(error)
    except ComponentError as error:
        version, reason = "", str(error)
    return _not_made(shelf, name, content, version, reason.replace(f"{shelf.path(name)}: ", ""))


def _not_made(shelf: Shelf, name: str, content: str, version: str, reason: str) -> _Done:
    """An older object of that name stays, and stays the server's."""
    record = record_of(shelf.seen, name)
    return _Done(MadeForm(name, record.data_id if record is not None else "", version, content), reason=reason)


def _is_impossible(seen: View, disk: Disk) -> bool:
    record = record_of(seen, disk.name)
    return record is not None and record.version == IMPOSSIBLE and record.content == disk.content


# ---- texts -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Told:
    """What the texts of one virtual system are made from."""

    component: str
    seed: Seed
    machine: Machine
    disks: tuple[Disk, ...]
    networks: Mapping[str, str]

    @property
    def name(self) -> str:
        """The machine's name: machines of several grids may run on one host."""
        from ova_tools.libvirt.domain_xml import domain_name

        grid, name = posixpath.split(self.component)
        full = f"{posixpath.basename(grid)}-{name}{f'-{self.seed.suffix}' if self.seed.suffix else ''}"
        plain = domain_name(full)
        return plain if plain == full else f"{plain[:50]}-{digest([full])[:8]}"  # else two could have one name

    @property
    def macs(self) -> list[str]:
        """The MAC of each network interface, in order: that of the seed where it has one."""
        from ova_tools.seed.machine import derived_mac

        told = [each.mac for each in self.seed.machine.interfaces]
        nics = enumerate(self.machine.nics)
        return [told[n] if n < len(told) else nic.mac or derived_mac(self.seed.identity, n) for n, nic in nics]

    @property
    def files(self) -> dict[str, str]:
        """The names of the disks' files, by target."""
        return {disk.of_machine.target: disk.name for disk in self.disks}

    def file(self, ending: str) -> str:
        """The name of its form with this ending."""
        return file_name(self.component, self.seed.suffix, ending)


def _libvirt(told: _Told) -> list[bytes]:
    import uuid

    from ova_tools.libvirt.domain_xml import Files, Made, domain_xml

    grid, name = posixpath.split(told.component)
    folder = f"{IMAGES}/{posixpath.basename(grid)}/{name}"
    places = {target: f"{folder}/{file}" for target, file in told.files.items()}
    contents = {disk.of_machine.target: disk.content for disk in told.disks}
    number = str(uuid.uuid5(uuid.NAMESPACE_URL, f"ova-machine:{told.seed.identity}"))
    files = Files(places, f"{folder}/{told.file(names.SEED_ENDING)}")
    made = Made(number, told.component, contents)
    return [domain_xml(told.machine, told.name, files, told.macs, told.networks, made).encode()]


def _openstack(told: _Told) -> list[bytes]:
    from ova_tools.clouds.glance import document
    from ova_tools.errors import DomainError

    if not told.disks:
        raise DomainError(f"the virtual system {told.seed.system} has no disk, so there is no image")
    return [told.seed.user_data, document(told.machine, told.name, told.disks[0].content, told.disks[0].name).encode()]


def _proxmox(told: _Told) -> list[bytes]:
    from ova_tools.clouds.proxmox import script

    own, iso = told.file(names.COMMANDS_ENDING), told.file(names.SEED_ENDING)
    return [script(told.machine, told.name, own, told.files, iso, told.macs, told.networks).encode()]


_TEXTS = {LIBVIRT: _libvirt, OPENSTACK: _openstack, PROXMOX: _proxmox}  # in the order of CLOUDS


def _left_out(forms: Forms, seed: Seed, machine: Machine) -> list[str]:
    """What the image or the values have, and the texts of its virtual system cannot hold."""
    clouds = " and ".join(forms.clouds)
    more = len(seed.machine.interfaces) - len(machine.nics)
    notes = [f"not for {clouds}: {each}" for each in machine.left_out]
    if more > 0:
        notes.append(f"not for {clouds}: {more} of the network interfaces of the values; the image has no more")
    if OPENSTACK in forms.clouds and len(machine.disks) > 1:
        notes.append(f"not for {OPENSTACK}: the disks behind the first one, which it takes as volumes")
    if OPENSTACK in forms.clouds and any(file.path.startswith("tasks/") for file in seed.files):
        notes.append(f"not for {OPENSTACK}: the tasks; they are on the seed, which it does not attach")
    return notes
