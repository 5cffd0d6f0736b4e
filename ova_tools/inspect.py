"""What a package is, for people and for programs.

`report` gives the documented JSON form (docs/ova-tools.md): names in it are never renamed or removed, only added to,
and `format` counts up should that ever not hold. Must never show the value of a password, and never read a disk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from .errors import CertificateError, one_line
from .model import Property
from .notes import Note
from .package import Package
from .transport import transport_notes
from .verify import line_verdicts

FORMAT = 1
_HIDDEN = "(hidden)"


def report(package: Package, listed: Callable[[Iterator[Any]], Any] = list) -> dict[str, Any]:
    """Return all that is known of the package as plain values for JSON; sizes and offsets are bytes.

    `listed` makes each list of what a package may have many of; `iter` leaves it to be made one by one.
    """
    content = package.descriptor.content
    return {
        "format": FORMAT,
        "file": str(package.path),
        "kind": package.kind.value,
        "size": package.size,
        "descriptor": package.descriptor.name,
        "version": content.version,
        "encoding": content.encoding.codec,
        "members": listed({"name": m.name, "offset": m.offset, "size": m.size} for m in package.members),
        "references": listed(_references(package)),
        "manifest": _manifest(package, listed),
        "certificate": _certificate(package),
        "systems": listed(
            {"id": s.id, "kind": s.kind.value, "parent": s.parent, "name": s.name} for s in package.systems
        ),
        "configurations": listed({"id": each.id, "default": each.default} for each in package.configurations),
        "properties": listed(_property(prop) for prop in package.properties),
        "notes": listed({"kind": each.kind.value, "text": each.text} for each in _notes(package)),
    }


def json_text(package: Package) -> Iterator[str]:
    """Yield the report as JSON, as `json.dumps` writes it with an indent of two: in pieces, and never as a whole."""
    from json import JSONEncoder

    encode = JSONEncoder().encode

    def whole(value: Any, margin: str) -> str:
        if not isinstance(value, dict) or not value:
            return encode(value)
        within = margin + "  "
        items = ",".join(f"{within}{encode(key)}: {whole(each, within)}" for key, each in value.items())
        return f"{{{items}{margin}}}"

    def pieces(value: Any, margin: str) -> Iterator[str]:
        within, separator = margin + "  ", ""
        if isinstance(value, Iterator):
            yield "["
            for each in value:
                yield separator + within + whole(each, within)
                separator = ","
            yield f"{margin}]" if separator else "]"
        elif isinstance(value, dict):
            yield "{"
            for key, each in value.items():
                yield f"{separator}{within}{encode(key)}: "
                yield from pieces(each, within)
                separator = ","
            yield f"{margin}}}"
        else:
            yield encode(value)

    yield from pieces(report(package, iter), "\n")


def lines(package: Package) -> Iterator[str]:
    """Yield the same for people, line by line, each printable."""
    known = report(package, iter)
    yield one_line(f"{known['file']}: {known['kind']}, {known['size']} bytes, OVF {known['version']}")
    yield "members"
    for member in known["members"]:
        yield one_line(f"  {member['size']:>14}  {member['name']}")
    if known["manifest"]:
        yield one_line(f"manifest {known['manifest']['name']} ({known['manifest']['algorithm'] or 'no digest'})")
        for line in known["manifest"]["lines"]:
            yield one_line(f"  {line['verdict']:>14}  {line['name'] or 'line ' + str(line['line'])}")
    if known["certificate"]:
        certificate = known["certificate"]
        subject = certificate["subject"] or certificate["why"]
        yield one_line(f"certificate {certificate['name']}: {certificate['verdict']}, {subject}")
    yield "systems"
    for system in known["systems"]:
        yield one_line(f"  {system['kind']:<24} {system['id']}")
    if package.configurations:
        yield "configurations"
        for option in known["configurations"]:
            yield one_line(f"  {option['id']}" + (" (default)" if option["default"] else ""))
    yield "properties"
    several = len({prop.system for prop in package.properties}) > 1
    for prop in package.properties:
        yield from _property_lines(prop, several)
    notes = _notes(package)
    if notes:
        yield "notes"
    for each in notes:
        yield f"  {each.text}"


def _property_lines(prop: Property, several: bool) -> Iterator[str]:
    name = prop.address if several else prop.full_name
    value = _HIDDEN if prop.password else repr(prop.value)
    fixed = "" if prop.user_configurable else ", fixed"
    yield one_line(f"  {name} = {value}  ({prop.type}{fixed})" + (f"  {prop.label}" if prop.label else ""))
    for configuration, own in prop.configurations.items():
        yield one_line(f"    {configuration}: {_HIDDEN if prop.password else repr(own)}")


def _references(package: Package) -> Iterator[dict[str, Any]]:
    for where in package.located:
        reference = where.reference
        yield {
            "id": reference.id,
            "href": reference.href,
            "size": reference.size,
            "compression": reference.compression,
            "chunkSize": reference.chunk_size,
            "present": bool(where.members) and not where.fault,
        }


def _manifest(package: Package, listed: Callable[[Iterator[Any]], Any]) -> dict[str, Any] | None:
    if package.manifest is None:
        return None
    return {
        "name": package.manifest.name,
        "algorithm": package.manifest.algorithm,
        "lines": listed(
            {
                "line": line.number,
                "name": line.name,
                "algorithm": line.spelling,
                "digest": line.digest,
                "verdict": verdict.value,
            }
            for line, verdict in zip(package.manifest.lines, line_verdicts(package))
        ),
    }


def _certificate(package: Package) -> dict[str, Any] | None:
    if package.certificate is None:
        return None
    from .certificate import verify_certificate

    known: dict[str, Any] = dict.fromkeys(("algorithm", "subject", "issuer", "notBefore", "notAfter", "expired", "why"))
    known.update(name=package.certificate.name, verdict="wrong")
    try:
        signature = verify_certificate(package.certificate, package.manifest)
    except CertificateError as error:
        known["why"] = str(error)
        return known
    known.update(
        verdict="right",
        algorithm=signature.algorithm,
        subject=signature.subject,
        issuer=signature.issuer,
        notBefore=signature.not_before,
        notAfter=signature.not_after,
        expired=signature.expired,
    )
    return known


def _notes(package: Package) -> list[Note]:
    """What is odd about the package, and about what becomes of its values."""
    settable = {prop.system for prop in package.properties if prop.user_configurable}
    return [*package.notes, *transport_notes(package.descriptor.content, settable)]


def _property(prop: Property) -> dict[str, Any]:
    hidden = prop.password
    return {
        "fullName": prop.full_name,
        "system": prop.system,
        "class": prop.class_,
        "key": prop.key,
        "instance": prop.instance,
        "type": prop.type,
        "value": None if hidden else prop.value,
        "default": None if hidden else prop.default,
        "configurations": {name: None if hidden else value for name, value in prop.configurations.items()},
        "qualifiers": prop.qualifiers,
        "vmwQualifiers": prop.vmw_qualifiers,
        "label": prop.label,
        "description": prop.description,
        "category": prop.category,
        "userConfigurable": prop.user_configurable,
        "password": prop.password,
    }
