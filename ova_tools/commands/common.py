"""What several commands of `ova` share: how they are described, where they write, whom they sign as.

Must never decide anything about a package.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from ova_tools.errors import WriteError, one_line
from ova_tools.notes import Note
from ova_tools.package import Kind, Package

if TYPE_CHECKING:
    from ova_tools.edit import Signer
    from ova_tools.manifest import Manifest

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

MANIFESTS = ("sha256", "sha512", "sha1", "renew")


def add_command(
    commands: Commands,
    name: str,
    run: Callable[[argparse.Namespace], int],
    help: str,
    more: str = "",
    examples: Iterable[str] = (),
) -> argparse.ArgumentParser:
    """Add a command: `help` is its first sentence, `more` what follows, `examples` are lines to be typed."""
    sentence = f"{help[0].upper()}{help[1:]}."
    parser = commands.add_parser(
        name,
        help=help,
        description=f"{sentence}\n\n{more}".strip(),
        epilog="examples:\n" + "".join(f"  {line}\n" for line in examples),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run, usage_error=parser.error, refused=1)
    return parser


def add_signing(parser: argparse.ArgumentParser) -> None:
    """Add the options that sign a manifest."""
    parser.add_argument("--sign-key", metavar="KEY", help="sign with this private key (PEM)")
    parser.add_argument("--sign-cert", metavar="CERT", help="the certificate of that key (PEM)")


def add_manifest(parser: argparse.ArgumentParser) -> None:
    """Add the option that makes a manifest anew."""
    parser.add_argument(
        "--manifest",
        choices=MANIFESTS,
        help="make the manifest anew from all files, with this algorithm; renew keeps the algorithm that it has",
    )


def check_signing(options: argparse.Namespace) -> None:
    """End with wrong usage if only one of the two options is there."""
    if (options.sign_key is None) != (options.sign_cert is None):
        options.usage_error("--sign-key and --sign-cert go together")


def signer_of(options: argparse.Namespace) -> Signer | None:
    """Return who signs, None if nobody does. Raises CertificateError."""
    if options.sign_key is None:
        return None
    from ova_tools.certificate import load_signer

    return load_signer(Path(options.sign_key), Path(options.sign_cert))


def manifest_of(package: Package, options: argparse.Namespace) -> Manifest | None:
    """Return the manifest that is made anew, None if that is not asked for."""
    if options.manifest is None:
        return None
    from ova_tools.progress import ProgressBar
    from ova_tools.verify import make_manifest

    algorithm = None if options.manifest == "renew" else options.manifest
    with ProgressBar("hashing", sum(member.size for member in package.members)) as progress:
        return make_manifest(package, algorithm, progress.advance)


def target_of(package: Package, out: str, suffix: str) -> Path:
    """Return the absolute path to write to: `out`, or the package's own name with `suffix` in the folder `out`.

    Raises WriteError for the input itself, and for a folder that is not there.
    """
    path = Path(out)
    if path.is_dir():
        path /= package.path.with_suffix(suffix).name if suffix != package.path.suffix.lower() else package.path.name
    elif out.endswith("/"):
        raise WriteError(f"{out} is not there; a folder that is there, or the name of a file, is right")
    target = path.resolve()
    try:
        same = os.path.samestat(target.stat(), os.fstat(package.fileno()))
    except OSError:
        same = False
    if same:
        raise WriteError(f"{path} is the input itself; --in-place would replace it")
    return target


def print_notes(file: str, notes: Iterable[Note | str]) -> None:
    """Print notes about `file` to stderr, a line for each."""
    for note in notes:
        print(one_line(f"ova: {file}: note: {note}"), file=sys.stderr)


def verified(package: Package) -> tuple[list[tuple[str, str]], str | None, tuple[Note, ...]]:
    """Check every digest and the certificate: what was hashed with which algorithm, who signed it, and notes."""
    from ova_tools.progress import ProgressBar
    from ova_tools.verify import verify_members

    with ProgressBar("verifying", sum(member.size for member in package.members)) as progress:
        result = verify_members(package, progress.advance)
    if package.certificate is None:
        return list(result.hashed), None, result.notes
    from ova_tools.certificate import validity_notes, verify_certificate

    signature = verify_certificate(package.certificate, package.manifest)
    return list(result.hashed), signature.subject, (*result.notes, *validity_notes(package.certificate, signature))


def verify_if_asked(package: Package, options: argparse.Namespace) -> None:
    """Check the package before it is used: if that is asked for, or if only its digests say that it is whole."""
    if options.verify or (package.kind is Kind.OVA and package.index is not None and package.index.unfinished):
        verified(package)


def made_folder(name: str) -> Path:
    """Return the folder of that name, made if it is missing. Raises WriteError."""
    folder = Path(name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WriteError(f"{folder} cannot be made: {error.strerror}") from error
    return folder
