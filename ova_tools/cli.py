"""The command `ova`: inspect, set, verify.

A thin edge: it reads arguments, calls the package's functions and prints. Must never show a traceback or a password,
and must import what is slow only where it is used. Exit status: 0 done, 1 refused with one line, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from .errors import OvaError, PackageError, WriteError, one_line
from .notes import Note
from .package import Kind, Package, read_package


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with `arguments` (those of the process if None) and return its exit status."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    parser = _parser()
    options, further = parser.parse_known_args(arguments)
    if further:  # argparse takes NAME=VALUE only right after FILE; people write them anywhere
        if options.command != "set" or any(each.startswith("-") for each in further):
            parser.error(f"unrecognized arguments: {' '.join(further)}")
        options.values += further
    if options.command == "set":
        _check_usage(parser, options)
    with contextlib.suppress(ValueError):  # not the main thread
        signal.signal(signal.SIGTERM, _interrupt)
    file = one_line(options.file)
    try:
        status = {"inspect": _inspect, "set": _set, "verify": _verify}[options.command](options)
        if sys.stdout is not None:
            sys.stdout.flush()
    except OvaError as error:
        return _refuse(file, str(error))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or the interpreter complains when it flushes at its end
        return 1
    except OSError as error:
        return _refuse(file, one_line(f"{error.filename or ''} {error.strerror or error}".strip()))
    except KeyboardInterrupt:
        return _refuse(file, "interrupted, nothing was changed")
    except MemoryError:
        return _refuse(file, "not enough memory")
    except Exception as error:
        return _refuse(file, one_line(f"a fault in ova itself, please report it: {type(error).__name__}: {error}"))
    return status


def _refuse(file: str, why: str) -> int:
    print(f"ova: {file}: {why}", file=sys.stderr)
    return 1


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ova", description="Inspect, edit and verify OVF packages (.ova, .ovf).")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    inspect = commands.add_parser("inspect", help="show members, manifest, systems and properties")
    inspect.add_argument("file", metavar="FILE")
    inspect.add_argument("--json", action="store_true", help="as JSON, in the form that docs/ova-tools.md describes")

    change = commands.add_parser("set", help="set properties; all else stays as it is, byte for byte")
    change.add_argument("file", metavar="FILE")
    change.add_argument("values", metavar="NAME=VALUE", nargs="*", help="NAME is [SYSTEM-ID/][class.]key[.instance]")
    change.add_argument("--configuration", metavar="ID", help="set the values of this deployment option")
    change.add_argument("--force", action="store_true", help="set properties that are not userConfigurable too")
    change.add_argument("--verify", action="store_true", help="check every digest of FILE before")
    change.add_argument("--sign-key", metavar="KEY", help="sign with this private key (PEM)")
    change.add_argument("--sign-cert", metavar="CERT", help="the certificate of that key (PEM)")
    target = change.add_mutually_exclusive_group(required=True)
    target.add_argument("-o", "--output", metavar="OUT", help="the new package")
    target.add_argument("--in-place", action="store_true", help="replace FILE, in one step")

    verify = commands.add_parser("verify", help="check every digest and the certificate")
    verify.add_argument("file", metavar="FILE")
    verify.add_argument("--strict", action="store_true", help="refuse what would only be noted")
    return parser


def _check_usage(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    for each in options.values:
        if not each.partition("=")[0] or "=" not in each:
            parser.error(f"{each!r} is not of the form NAME=VALUE")
    if (options.sign_key is None) != (options.sign_cert is None):
        parser.error("--sign-key and --sign-cert go together")


def _inspect(options: argparse.Namespace) -> int:
    from . import inspect

    with read_package(options.file) as package:
        for text in inspect.json_text(package) if options.json else inspect.lines(package):
            print(text, end="" if options.json else "\n")
        if options.json:
            print()
    return 0


def _verify(options: argparse.Namespace) -> int:
    with read_package(options.file) as package:
        said, notes = _verified(package)
    for line in (*said, *(f"note: {note}" for note in notes)):
        print(one_line(line))
    if options.strict and notes:
        more = f", and {len(notes) - 1} more" if len(notes) > 1 else ""
        raise PackageError(f"not right with --strict: {notes[0]}{more}")
    return 0


def _verified(package: Package) -> tuple[list[str], tuple[Note, ...]]:
    from .progress import ProgressBar
    from .verify import verify_members

    with ProgressBar("verifying", sum(member.size for member in package.members)) as progress:
        result = verify_members(package, progress.advance)
    said, notes = [f"{name}: {algorithm} right" for name, algorithm in result.hashed], result.notes
    if package.certificate is not None:
        from .certificate import validity_notes, verify_certificate

        signature = verify_certificate(package.certificate, package.manifest)
        said.append(f"{package.certificate.name}: signature right, by {signature.subject}")
        notes += validity_notes(package.certificate, signature)
    return said, notes


def _set(options: argparse.Namespace) -> int:
    from .edit import Change, edit
    from .properties import Names

    with read_package(options.file) as package:
        target = package.path.resolve() if options.in_place else _target(package, Path(options.output))
        if options.verify or (package.index is not None and package.index.unfinished):
            _verified(package)  # of an archive without an end only its digests say that it is whole
        names = Names(package.properties)
        settings = [each.partition("=") for each in options.values]
        changes = [Change(names.select(name), value, options.configuration) for name, _, value in settings]
        del names
        signer = None
        if options.sign_key is not None:
            from .certificate import load_signer

            signer = load_signer(Path(options.sign_key), Path(options.sign_cert))
        result = edit(
            package,
            changes,
            allow_fixed=options.force,
            spare=0,
            signer=signer,
            output_name=target.name if package.kind is Kind.OVF else None,
        )
        from .store import store

        store(package, result, target)
    for note in result.notes:
        print(one_line(f"ova: {options.file}: note: {note}"), file=sys.stderr)
    return 0


def _target(package: Package, out: Path) -> Path:
    target = out.resolve()
    try:
        same = os.path.samestat(target.stat(), os.fstat(package.fileno()))
    except OSError:
        same = False
    if same:
        raise WriteError(f"{out} is the input itself; --in-place would replace it")
    if package.kind is Kind.OVF and target.suffix != ".ovf":
        raise WriteError(f"{out} must end with .ovf, as the input is a plain descriptor")
    return target


if __name__ == "__main__":
    sys.exit(main())
