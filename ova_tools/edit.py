"""The whole edit as one pure operation: a package and changes in, the plan of the new file out.

Must never write, and must never renew a manifest that is wrong for the descriptor it has: that would launder a damaged
or forged package. Same package and same changes give the same plan, to the byte (a signature made with ECDSA excepted).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from . import layout, tar
from .errors import CertificateError, DescriptorError, PropertyError, SeedError
from .manifest import Manifest, check_digest, check_readable, renew
from .model import Property
from .notes import Note, NoteKind, note
from .package import Package
from .records import dataclass, field
from .splice import Addition, Change, Insertion, Splice, set_values
from .values import check_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .enclosure import Enclosed
    from .manifest import Digests

__all__ = ("Addition", "Change", "Edit", "Signer", "edit")

_SIGN_ATTEMPTS = 32
_MENDED = {NoteKind.ORDER, NoteKind.END_BLOCKS}  # faults of an archive that the new one does not have, as a note says


# Makes the certificate file from the manifest's name, its bytes and an algorithm; `certificate.load_signer` gives one.
Signer = Callable[[str, bytes, str], bytes]


@dataclass(frozen=True)
class Edit:
    """The result of an edit: the plan of the new .ova (or .ovf), notes for the user, and the changed small files.

    `manifest` and `certificate` are their new bytes, None if the package has none (any more). `enclosed` are the seeds
    that lie in the package then; beside a plain .ovf they are files of their own.
    """

    plan: layout.Plan
    notes: tuple[Note, ...]
    descriptor: bytes = field(repr=False)
    manifest: bytes | None = field(repr=False)
    certificate: bytes | None = field(repr=False)
    enclosed: tuple[Enclosed, ...] = ()


def edit(
    package: Package,
    changes: Sequence[Change],
    *,
    additions: Sequence[Addition] = (),
    allow_fixed: bool = False,
    default_configuration: str | None = None,
    spare: int = 8192,
    new_manifest: Manifest | None = None,
    signer: Signer | None = None,
    output_name: str | None = None,
    enclosed: Sequence[Enclosed] = (),
) -> Edit:
    """Plan the package with `changes` made. Otherwise only the manifest's line, padding and certificate change.

    A property may have a change for all deployments and one for each of several configurations. `additions` are
    properties that the package lacks. `default_configuration` becomes the deployment option used if nobody chooses
    (DSP0243 9.8).
    `spare`: bytes by which values may grow over the source's without changing the new file's size; 0 pads only where
    the descriptor outgrows its place. `new_manifest`, which must match the present package, replaces the existing
    manifest (`verify.make_manifest` makes one). `signer` renews the certificate, which is otherwise removed.
    `output_name` is the new name of a plain .ovf, for its manifest. `enclosed` are seeds that are to lie in the
    package, one for each virtual system.

    Raises PropertyError (unknown, fixed, defined twice, does not fit, cannot be added), ManifestError (wrong for the
    descriptor, unreadable), DescriptorError (no such configuration, unreadable), CertificateError, PackageError, and
    SeedError (no place for a seed).
    """
    _check_changes(package, changes, allow_fixed)
    _check_configurations(package, changes, default_configuration)
    manifest = new_manifest or package.manifest
    if manifest is not None:
        check_readable(manifest)
        check_digest(manifest, package.descriptor.name, package.descriptor.data)
    if signer is not None and (manifest is None or not manifest.lines):
        raise CertificateError("the package has no manifest to sign; a certificate signs the manifest (DSP0243 5.1)")
    data, content = package.descriptor.data, package.descriptor.content
    mended = _MENDED if new_manifest is None else _MENDED | {NoteKind.MANIFEST_LINE}
    notes = [each for each in package.notes if each.kind not in mended]
    notes += _configuration_notes(changes, default_configuration or content.default_configuration)
    new: list[Insertion] = []
    if additions:
        from .additions import insertions

        new = insertions(data, content, additions)
    further: list[Splice] = []
    if enclosed:
        from . import enclosure

        _check_names(package, enclosed)
        further = enclosure.splices(data, content, enclosed)
    elif changes or new:
        notes += _stale_seed_notes(package)
    text = set_values(data, content, changes, new, default_configuration, further)
    if enclosed:
        enclosure.check(text, data, content, enclosed)
    if manifest is not None and not manifest.lines_for(package.descriptor.name):
        no_line = f"{manifest.name} has no line for {package.descriptor.name}; none is added"
        notes.append(note(NoteKind.MANIFEST_LINE, no_line))
    if package.index is None:
        return _edit_ovf(package, manifest, text, notes, signer, output_name, enclosed)
    return _edit_ova(package, package.index, manifest, text, notes, signer, spare, enclosed)


def _check_changes(package: Package, changes: Sequence[Change], allow_fixed: bool) -> None:
    given: set[tuple[int, str | None]] = set()
    named: dict[tuple[str, str], list[Property]] = {_name(change.property): [] for change in changes}
    for prop in package.properties:
        if _name(prop) in named:
            named[_name(prop)].append(prop)
    for change in changes:
        prop = change.property
        twins = named[_name(prop)]
        if prop not in twins:
            raise PropertyError(f"property {prop.full_name} is not one of this package", prop.full_name)
        if len(twins) > 1:
            lines = ", ".join(str(twin.place.line) for twin in twins[:12])
            raise PropertyError(
                f"property {prop.full_name} is defined {len(twins)} times (lines {lines}); "
                "a full name may occur once in a system",
                prop.full_name,
            )
        if (prop.place.slot.tag, change.configuration) in given:
            where = "" if change.configuration is None else f" for configuration {change.configuration}"
            raise PropertyError(f"property {prop.full_name} is given two values{where}, one is right", prop.full_name)
        given.add((prop.place.slot.tag, change.configuration))
        if not prop.user_configurable and not allow_fixed:
            raise PropertyError(
                f'property {prop.full_name} is fixed; only one with userConfigurable="true" may be set',
                prop.full_name,
            )
        check_value(prop, change.value)


def _name(prop: Property) -> tuple[str, str]:
    return prop.system, prop.full_name


def _check_configurations(package: Package, changes: Sequence[Change], default: str | None) -> None:
    """Raise DescriptorError for a configuration that the descriptor does not have."""
    declared = {option.id for option in package.configurations}
    if default is not None:
        _check_known(default, declared)
    named = {change.configuration for change in changes if change.configuration is not None}
    if named:
        valued = {value.configuration for prop in package.properties for value in prop.place.values}
        for configuration in sorted(named):
            _check_known(configuration, declared | valued)


def _check_known(configuration: str, known: set[str]) -> None:
    known = known - {""}
    if configuration not in known:
        names = ", ".join(sorted(known)[:12]) or "none"
        raise DescriptorError(f"no configuration {configuration!r}; the descriptor has: {names}")


def _configuration_notes(changes: Sequence[Change], default: str | None) -> list[Note]:
    """Return notes on properties whose new values hold only in deployment options that must be chosen explicitly."""
    named: dict[str, list[str | None]] = {}
    for change in changes:
        named.setdefault(change.property.address, []).append(change.configuration)
    notes = []
    for change in changes:
        configurations = named.pop(change.property.address, [None])
        if None in configurations or default in configurations:
            continue
        only = ", ".join(sorted(name for name in configurations if name is not None))
        instead = f"{default} is taken if nobody chooses" if default else "no deployment option is declared"
        text = f"property {change.property.full_name} has its new value only in configuration {only}; {instead}"
        notes.append(note(NoteKind.CONFIGURATION, text))
    return notes


def _stale_seed_notes(package: Package) -> list[Note]:
    """Say which seeds lie in the package that were made for other values than it now gets."""
    stale = [each.href for each in package.references if each.id == "ova-seed" or each.id.startswith("ova-seed-")]
    if not stale:
        return []
    return [note(NoteKind.SEED, f"{', '.join(stale[:12])} was made with other values; the package keeps it as it is")]


def _check_names(package: Package, enclosed: Sequence[Enclosed]) -> None:
    """Raise SeedError if a member that is no seed of this package has the name that a seed would have."""
    for each in enclosed:
        name = each.name_beside(package.descriptor.name)
        is_there = name in package.names or bool(package.names.alike(name))
        if is_there and each.is_in(package.references) is None:
            raise SeedError(f"the package has a file {name} already, which is no seed of ova's")


def _digests(package: Package, enclosed: Sequence[Enclosed]) -> dict[str, Digests]:
    """The digests of the seeds by the names of their members."""
    if not enclosed:
        return {}
    from .enclosure import FileDigests

    return {each.name_beside(package.descriptor.name): FileDigests(each) for each in enclosed}


def _removed(package: Package, signer: Signer | None) -> str | None:
    """Return the certificate to remove because the manifest changes; the manifest's lines about it are removed, too."""
    return package.certificate.name if package.certificate is not None and signer is None else None


def _certificate_note(package: Package) -> Note:
    name = package.certificate.name if package.certificate else ""
    return note(NoteKind.CERTIFICATE, f"{name} is removed: its signature was of the old manifest")


def _edit_ovf(
    package: Package,
    manifest: Manifest | None,
    text: bytes,
    notes: list[Note],
    signer: Signer | None,
    output_name: str | None,
    enclosed: Sequence[Enclosed],
) -> Edit:
    name = package.descriptor.name
    renamed = output_name is not None and output_name != name
    manifest_data = manifest.data if manifest else None
    if manifest is not None and (text != package.descriptor.data or renamed or enclosed):
        digests = _digests(package, enclosed)
        manifest_data = renew(
            manifest, name, text, output_name if renamed else None, _removed(package, signer), digests
        )
    certificate = package.certificate.data if package.certificate else None
    if signer is not None and manifest is not None and manifest_data is not None:
        signed_name = _manifest_name(manifest, output_name if renamed else None)
        certificate = signer(signed_name, manifest_data, manifest.lines[0].spelling)
    elif package.certificate is not None and (manifest_data != _stored(package) or renamed):
        certificate = None
        notes.append(_certificate_note(package))
    plan = layout.plan_of([layout.Literal(text)])
    return Edit(plan, tuple(notes), text, manifest_data, certificate, tuple(enclosed))


def _manifest_name(manifest: Manifest, output_name: str | None) -> str:
    return manifest.name if output_name is None else output_name.rpartition(".")[0] + ".mf"


def _stored(package: Package) -> bytes | None:
    """The manifest's bytes as the package has them."""
    return package.manifest.data if package.manifest is not None else None


def _edit_ova(
    package: Package,
    index: tar.Index,
    manifest: Manifest | None,
    text: bytes,
    notes: list[Note],
    signer: Signer | None,
    spare: int,
    enclosed: Sequence[Enclosed],
) -> Edit:
    name, source = package.descriptor.name, package.descriptor.data
    in_order = layout.descriptor_is_first(index, name)
    if not in_order:
        moved = f"{name} is moved to the front, where DSP0243 5.3 wants the descriptor"
        notes.append(note(NoteKind.ORDER, moved))
    if index.missing:
        notes.append(note(NoteKind.END_BLOCKS, "the archive lacked the two blocks of zeros at its end; it gets them"))
    gone, digests = _removed(package, signer), _digests(package, enclosed)
    seeds = _members(index, digests, enclosed)
    companions = frozenset(each.name for each in (manifest, package.certificate) if each is not None)
    new = layout.NewDescriptor(name, text, package.descriptor.content.encoding, source, companions)
    as_it_is = text == source and not spare and manifest is package.manifest and not enclosed
    signature = _sign(manifest, signer, manifest.data if manifest else None)
    for _ in range(_SIGN_ATTEMPTS):
        room = len(signature or b"")
        if as_it_is:
            fitted = layout.as_it_is(index, name, source)
        else:
            draft = renew(manifest, name, text, without=gone, files=digests) if manifest else None
            others = [*_others(package, manifest, draft, signature), *seeds]
            fitted = layout.fit_descriptor(index, new, others, spare)
        renewed = manifest.data if manifest else None
        if manifest and (fitted.data != source or enclosed):
            renewed = renew(manifest, name, fitted.data, without=gone, files=digests)
        signature = _sign(manifest, signer, renewed)
        if tar.round_up(len(signature or b"")) == tar.round_up(room):  # an ECDSA signature's length varies a little
            break
    certificate = package.certificate
    same = fitted.data == source and renewed == _stored(package) and not enclosed
    if signer is None and not same and certificate is not None:
        notes.append(_certificate_note(package))
    if in_order and same and signer is None:
        plan = layout.plan_unchanged(index)
    else:
        others = [*_others(package, manifest, renewed, signature, same=same), *seeds]
        plan = layout.plan_archive(index, name, fitted, others)
    kept = certificate.data if certificate is not None and same else None
    final = signature if signer is not None else kept
    return Edit(plan, tuple(notes), fitted.data, renewed, final, tuple(enclosed))


def _members(index: tar.Index, names: Iterable[str], enclosed: Sequence[Enclosed]) -> list[layout.Replacement]:
    """The members that the seeds become: where the last ones were, else behind all others, so that no disk moves."""
    last = [entry.name for entry in index.entries if entry.is_file][-1]
    return [layout.Replacement(name, layout.Piece(each.fd, each.size), last) for name, each in zip(names, enclosed)]


def _sign(manifest: Manifest | None, signer: Signer | None, data: bytes | None) -> bytes | None:
    if signer is None or data is None or manifest is None:
        return None
    return signer(manifest.name, data, manifest.lines[0].spelling)


def _others(
    package: Package,
    manifest: Manifest | None,
    manifest_data: bytes | None,
    signature: bytes | None,
    *,
    same: bool = False,
) -> list[layout.Replacement]:
    """Return the replacements of manifest and certificate; `same`: whether these and the descriptor are unchanged."""
    certificate = package.certificate
    replacements = []
    if manifest is not None and manifest_data is not None and manifest_data != _stored(package):
        replacements.append(layout.Replacement(manifest.name, manifest_data, package.descriptor.name))
    if signature is not None and manifest is not None:
        name = certificate.name if certificate else manifest.name.rpartition(".")[0] + ".cert"
        replacements.append(layout.Replacement(name, signature, manifest.name))
    elif certificate is not None and not same:
        replacements.append(layout.Replacement(certificate.name, None))
    return replacements
