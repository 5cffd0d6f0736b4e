"""`ova verify`: whether packages are whole and unchanged."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from ova_tools.errors import OvaError, PackageError, one_line
from ova_tools.package import read_package

from .common import add_command, verified

if TYPE_CHECKING:
    from .common import Commands


def add(commands: Commands) -> None:
    """Describe the command."""
    parser = add_command(
        commands,
        "verify",
        run,
        "check every digest and the certificate",
        "Each listed file is hashed once. The signature of the certificate is checked, not who its signer is.\n"
        "All files are checked, also after one that is refused; the exit status is then 1.",
        ("ova verify appliance.ova", "ova verify --strict *.ova", "ova verify --json *.ova | jq '.packages[].verdict'"),
    )
    parser.add_argument("files", metavar="FILE", nargs="+", help="an .ova, or an .ovf with its files beside it")
    parser.add_argument("--strict", action="store_true", help="refuse what would only be noted")
    parser.add_argument("--json", action="store_true", help="as JSON, in the form that docs/ova-tools.md describes")


def run(options: argparse.Namespace) -> int:
    """Check the packages, each for itself."""
    results = []
    for file in options.files:
        options.file = file  # what main says of an interruption is about this one
        result = _result(file, options.strict)
        results.append(result)
        if not options.json:
            _print(result, several=len(options.files) > 1)
    if options.json:
        import json

        print(json.dumps({"format": 1, "packages": results}, indent=2))
    return 1 if any(result["verdict"] == "wrong" for result in results) else 0


def _result(file: str, strict: bool) -> dict[str, Any]:
    """Return what the JSON form says of one package."""
    result: dict[str, Any] = {
        "file": file,
        "verdict": "right",
        "why": None,
        "hashed": [],
        "signedBy": None,
        "notes": [],
    }
    try:
        with read_package(file) as package:
            hashed, subject, notes = verified(package)
            certificate = package.certificate.name if package.certificate is not None else None
        result["hashed"] = [{"name": name, "algorithm": algorithm} for name, algorithm in hashed]
        result["signedBy"] = None if subject is None else {"certificate": certificate, "subject": subject}
        result["notes"] = [{"kind": note.kind.value, "text": note.text} for note in notes]
        if strict and notes:
            more = f", and {len(notes) - 1} more" if len(notes) > 1 else ""
            raise PackageError(f"not right with --strict: {notes[0]}{more}")
    except OvaError as error:
        result.update(verdict="wrong", why=str(error))
    except OSError as error:
        result.update(verdict="wrong", why=one_line(f"{error.filename or ''} {error.strerror or error}".strip()))
    return result


def _print(result: dict[str, Any], *, several: bool) -> None:
    before = f"{result['file']}: " if several else ""
    lines = [f"{each['name']}: {each['algorithm']} right" for each in result["hashed"]]
    signed = result["signedBy"]
    if signed is not None:
        lines.append(f"{signed['certificate']}: signature right, by {signed['subject']}")
    lines += [f"note: {note['text']}" for note in result["notes"]]
    for line in lines:
        print(one_line(before + line))
    if result["verdict"] == "wrong":
        print(f"ova: {one_line(result['file'])}: {result['why']}", file=sys.stderr)
