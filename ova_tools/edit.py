"""The whole edit as one pure operation: a package and changes in, the plan of the new file out.

Must never write, and must never renew a manifest that is wrong for the descriptor it has: that would launder a damaged
or forged package. Same package and same changes give the same plan, to the byte (a signature made with ECDSA excepted).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from . import layout, tar
from .errors import CertificateError, DescriptorError, PropertyError
from .manifest import Manifest, check_digest, check_readable, renew
from .model import Property
from .notes import Note, NoteKind, note
from .package import Package
from .records import dataclass, field
from .splice import set_values
from .values import check_value

_SIGN_ATTEMPTS = 32
_MENDED = {NoteKind.ORDER, NoteKind.END_BLOCKS}  # of an archive: the new one is right, and a note says so


@dataclass(frozen=True)
class Change:
    """A value for a property of the package that is edited."""

    property: Property
    value: str = field(repr=False)


# Makes the certificate file from the manifest's name, its bytes and an algorithm; `certificate.load_signer` gives one.
Signer = Callable[[str, bytes, str], bytes]


@dataclass(frozen=True)
class Edit:
    """What an edit gives: the plan of the new .ova (or .ovf), what to tell the user, and the changed small files.

    `manifest` and `certificate` are their new bytes, None where the package has none (any more).
    """

    plan: layout.Plan
    notes: tuple[Note, ...]
    descriptor: bytes = field(repr=False)
    manifest: bytes | None = field(repr=False)
    certificate: bytes | None = field(repr=False)


def edit(
    package: Package,
    changes: Sequence[Change],
    *,
    allow_fixed: bool = False,
    configuration: str | None = None,
    spare: int = 8192,
    signer: Signer | None = None,
    output_name: str | None = None,
) -> Edit:
    """Plan the package with `changes` made; nothing else changes but the manifest's line, padding and certificate.

    `configuration`: set the values of this deployment option instead of the defaults (DSP0243 9.8).
    `spare`: bytes by which values may grow over the source's without changing the new file's size; 0 pads only where
    the descriptor outgrows its place. `signer` renews the certificate, which is removed otherwise. `output_name` is the
    new name of a plain .ovf, for its manifest.

    Raises PropertyError (unknown, fixed, defined twice, misfit), ManifestError (wrong for the descriptor, unreadable),
    DescriptorError, CertificateError, PackageError.
    """
    _check_changes(package, changes, allow_fixed, configuration)
    manifest = package.manifest
    if manifest is not None:
        check_readable(manifest)
        check_digest(manifest, package.descriptor.name, package.descriptor.data)
    if signer is not None and (manifest is None or not manifest.lines):
        raise CertificateError("the package has no manifest to sign; a certificate signs the manifest (DSP0243 5.1)")
    text = set_values(
        package.descriptor.data,
        package.descriptor.content,
        [(change.property, change.value) for change in changes],
        configuration,
    )
    notes = [each for each in package.notes if each.kind not in _MENDED] + _value_notes(changes, configuration)
    if manifest is not None and not manifest.lines_for(package.descriptor.name):
        no_line = f"{manifest.name} has no line for {package.descriptor.name}; none is added"
        notes.append(note(NoteKind.MANIFEST_LINE, no_line))
    if package.index is None:
        return _edit_ovf(package, text, notes, signer, output_name)
    return _edit_ova(package, package.index, text, notes, signer, spare)


def _check_changes(package: Package, changes: Sequence[Change], allow_fixed: bool, configuration: str | None) -> None:
    if configuration is not None:
        _check_configuration(package, configuration)
    tags: set[int] = set()
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
        if prop.place.slot.tag in tags:
            raise PropertyError(f"property {prop.full_name} is given two values, one is right", prop.full_name)
        tags.add(prop.place.slot.tag)
        if not prop.user_configurable and not allow_fixed:
            raise PropertyError(
                f'property {prop.full_name} is fixed; only one with userConfigurable="true" may be set',
                prop.full_name,
            )
        check_value(prop, change.value)


def _name(prop: Property) -> tuple[str, str]:
    return prop.system, prop.full_name


def _check_configuration(package: Package, configuration: str) -> None:
    known = {option.id for option in package.configurations}
    known.update(value.configuration for prop in package.properties for value in prop.place.values)
    known.discard("")
    if configuration not in known or not configuration:
        names = ", ".join(sorted(known)[:12]) or "none"
        raise DescriptorError(f"no configuration {configuration!r}; the descriptor has: {names}")


def _value_notes(changes: Sequence[Change], configuration: str | None) -> list[Note]:
    notes = []
    for change in changes:
        others = sorted(set(change.property.configurations))
        if configuration is None and others:
            text = f"property {change.property.full_name} keeps its own values in configurations: {', '.join(others)}"
            notes.append(note(NoteKind.CONFIGURATION, text))
    return notes


def _removed(package: Package, signer: Signer | None) -> str | None:
    """The certificate that goes when the manifest changes: what the manifest says of it goes, too."""
    return package.certificate.name if package.certificate is not None and signer is None else None


def _certificate_note(package: Package) -> Note:
    name = package.certificate.name if package.certificate else ""
    return note(NoteKind.CERTIFICATE, f"{name} is removed: its signature was of the old manifest")


def _edit_ovf(package: Package, text: bytes, notes: list[Note], signer: Signer | None, output_name: str | None) -> Edit:
    manifest = package.manifest
    name = package.descriptor.name
    renamed = output_name is not None and output_name != name
    manifest_data = manifest.data if manifest else None
    if manifest is not None and (text != package.descriptor.data or renamed):
        manifest_data = renew(manifest, name, text, output_name if renamed else None, _removed(package, signer))
    certificate = package.certificate.data if package.certificate else None
    if signer is not None and manifest is not None and manifest_data is not None:
        signed_name = _manifest_name(manifest, output_name if renamed else None)
        certificate = signer(signed_name, manifest_data, manifest.lines[0].spelling)
    elif package.certificate is not None and (manifest_data != (manifest.data if manifest else None) or renamed):
        certificate = None
        notes.append(_certificate_note(package))
    plan = layout.plan_of([layout.Literal(text)])
    return Edit(plan, tuple(notes), text, manifest_data, certificate)


def _manifest_name(manifest: Manifest, output_name: str | None) -> str:
    return manifest.name if output_name is None else output_name.rpartition(".")[0] + ".mf"


def _edit_ova(
    package: Package, index: tar.Index, text: bytes, notes: list[Note], signer: Signer | None, spare: int
) -> Edit:
    name, source, manifest = package.descriptor.name, package.descriptor.data, package.manifest
    in_order = layout.descriptor_is_first(index, name)
    if not in_order:
        moved = f"{name} is moved to the front, where DSP0243 5.3 wants the descriptor"
        notes.append(note(NoteKind.ORDER, moved))
    if index.missing:
        notes.append(note(NoteKind.END_BLOCKS, "the archive lacked the two blocks of zeros at its end; it gets them"))
    gone = _removed(package, signer)
    companions = frozenset(each.name for each in (manifest, package.certificate) if each is not None)
    new = layout.NewDescriptor(name, text, package.descriptor.content.encoding, source, companions)
    as_it_is = text == source and not spare
    signature = _sign(package, signer, manifest.data if manifest else None)
    for _ in range(_SIGN_ATTEMPTS):
        room = len(signature or b"")
        if as_it_is:
            fitted = layout.as_it_is(index, name, source)
        else:
            draft = renew(manifest, name, text, without=gone) if manifest else None
            fitted = layout.fit_descriptor(index, new, _others(package, draft, signature, changed=True), spare)
        changed = fitted.data != source
        renewed = manifest.data if manifest else None
        if manifest and changed:
            renewed = renew(manifest, name, fitted.data, without=gone)
        signature = _sign(package, signer, renewed)
        if tar.round_up(len(signature or b"")) == tar.round_up(room):  # an ECDSA signature's length varies a little
            break
    certificate = package.certificate
    if signer is None and changed and certificate is not None:
        notes.append(_certificate_note(package))
    if in_order and not changed and signer is None:
        plan = layout.plan_unchanged(index)
    else:
        plan = layout.plan_archive(index, name, fitted, _others(package, renewed, signature, changed=changed))
    kept = certificate.data if certificate is not None and not changed else None
    return Edit(plan, tuple(notes), fitted.data, renewed, signature if signer is not None else kept)


def _sign(package: Package, signer: Signer | None, manifest: bytes | None) -> bytes | None:
    if signer is None or manifest is None or package.manifest is None:
        return None
    return signer(package.manifest.name, manifest, package.manifest.lines[0].spelling)


def _others(
    package: Package, manifest_data: bytes | None, signature: bytes | None, *, changed: bool
) -> list[layout.Replacement]:
    """Return what becomes of the manifest and the certificate beside a descriptor that is `changed` or not."""
    manifest, certificate = package.manifest, package.certificate
    replacements = []
    if manifest is not None and manifest_data is not None and manifest_data != manifest.data:
        replacements.append(layout.Replacement(manifest.name, manifest_data))
    if signature is not None and manifest is not None:
        name = certificate.name if certificate else manifest.name.rpartition(".")[0] + ".cert"
        replacements.append(layout.Replacement(name, signature, manifest.name))
    elif certificate is not None and changed:
        replacements.append(layout.Replacement(certificate.name, None))
    return replacements
