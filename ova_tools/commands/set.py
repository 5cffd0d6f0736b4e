"""`ova set`: values into a package."""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from ova_tools.errors import ManifestError, WriteError, one_line
from ova_tools.package import Kind, Package, read_package
from ova_tools.records import dataclass

from .common import (
    add_command,
    add_manifest,
    add_signing,
    check_signing,
    manifest_of,
    print_notes,
    signer_of,
    target_of,
    verify_if_asked,
)
from .seeding import add_seeding, seeds_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ova_tools.edit import Addition, Change, Edit
    from ova_tools.enclosure import Enclosed
    from ova_tools.notes import Note
    from ova_tools.seed.roles import Value
    from ova_tools.seed.seeds import Seed

    from .common import Commands


def add(commands: Commands) -> None:
    """Describe the command."""
    parser = add_command(
        commands,
        "set",
        run,
        "set properties; all else stays as it is, byte for byte",
        "NAME is a full name [class.]key[.instance], a key, or a part of it; SYSTEM-ID/NAME picks a system.\n"
        "A VALUE that begins with @ names a text file whose content is the value; @@ is one @.\n"
        "With --seed the package also holds a CD-ROM image with its values, for cloud-init and cloudbase-init. A NAME\n"
        "that no property has is then a value on it, as in `ova seed`.",
        (
            "ova set base.ova hostname=sg12 ipaddr=10.91.14.12 -o sg12.ova",
            "ova set base.ova ssh_key=@id.pub --in-place",
            "ova set base.ova hostname=sg12 --dry-run",
            "ova set base.ova --add gateway=10.91.14.1 -o sg12.ova",
            "ova set edited.ovf --manifest renew --in-place",
            "ova set base.ova hostname=sg12 --seed -o sg12.ova",
            "ova set base.ova hostname=sg12 -o - | ssh host 'cat > sg12.ova'",
        ),
    )
    parser.add_argument("file", metavar="FILE", help="an .ova, or an .ovf with its files beside it")
    parser.add_argument("values", metavar="NAME=VALUE", nargs="*", help="what to set; may also stand after options")
    parser.add_argument("--add", action="store_true", help="add a NAME=VALUE that the package lacks, as [class.]key")
    parser.add_argument("--configuration", metavar="ID", help="set the values of this deployment option only")
    parser.add_argument("--default-configuration", metavar="ID", help="make this deployment option the default one")
    parser.add_argument("--force", action="store_true", help="set properties that are not userConfigurable too")
    parser.add_argument("--verify", action="store_true", help="check every digest of FILE before")
    parser.add_argument("--seed", action="store_true", help="put a seed into the package, in a CD drive of its own")
    add_seeding(parser)
    add_manifest(parser)
    add_signing(parser)
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument("-o", "--output", metavar="OUT", help="the new package, a folder for it, or - for stdout")
    target.add_argument("--in-place", action="store_true", help="replace FILE, in one step")
    target.add_argument("--dry-run", action="store_true", help="say what would be set, and write nothing")


def run(options: argparse.Namespace) -> int:
    """Set the values."""
    _check_usage(options)
    with ExitStack() as stack:
        package = stack.enter_context(read_package(options.file))
        target = _target(package, options)
        verify_if_asked(package, options)
        wanted = _wanted(package, options)
        discs, seeds = _discs(package, options, wanted, target, stack)
        result = _edited(package, options, target, wanted, discs)
        if options.dry_run:
            _print_changes(package, result)
        elif target is None:
            _to_stdout(package, result)
        else:
            from ova_tools.store import store

            store(package, result, target)
        gap = [] if options.seed else _transport_notes(package, wanted)
    print_notes(options.file, [*result.notes, *gap, *(note for seed in seeds for note in seed.notes)])
    return 0


def _check_usage(options: argparse.Namespace) -> None:
    for each in options.values:
        if not each.partition("=")[0] or "=" not in each:
            options.usage_error(f"{each!r} is not of the form NAME=VALUE")
    check_signing(options)
    if options.add and options.configuration is not None:
        options.usage_error("--add and --configuration do not go together: an added property has one value")
    if options.seed and options.configuration is not None:
        options.usage_error("--seed and --configuration do not go together: --default-configuration says what counts")
    if not options.seed and (options.tasks or options.kind or options.instance_id):
        options.usage_error("--tasks, --kind and --instance-id say what is on a seed; --seed is missing")
    if not (options.values or options.manifest or options.sign_key or options.default_configuration or options.seed):
        options.usage_error("nothing to set: NAME=VALUE is missing")


def _target(package: Package, options: argparse.Namespace) -> Path | None:
    """Return the path to write to; None for standard output, or for nothing."""
    if options.in_place:
        return package.path.resolve()
    if options.dry_run or options.output == "-":
        return None
    target = target_of(package, options.output, f".{package.kind.value}")
    is_ovf = target.suffix.lower() == ".ovf"
    if package.kind is Kind.OVF and not is_ovf:
        raise WriteError(f"{target.name} must end with .ovf, as the input is a plain .ovf; `ova pack` makes an .ova")
    if package.kind is Kind.OVA and is_ovf:
        raise WriteError(
            f"{target.name} must not end with .ovf, as the input is an archive; `ova unpack` makes an .ovf"
        )
    return target


def _edited(
    package: Package, options: argparse.Namespace, target: Path | None, wanted: _Wanted, discs: Sequence[Enclosed]
) -> Edit:
    from ova_tools.edit import edit

    new_manifest = manifest_of(package, options)
    try:
        return edit(
            package,
            wanted.changes,
            additions=wanted.additions,
            allow_fixed=options.force,
            default_configuration=options.default_configuration,
            spare=0,
            new_manifest=new_manifest,
            signer=signer_of(options),
            output_name=target.name if target is not None and package.kind is Kind.OVF else None,
            enclosed=discs,
        )
    except ManifestError as error:
        raise ManifestError(f"{error}; if FILE is right, --manifest renew makes a new manifest") from error


@dataclass(frozen=True)
class _Wanted:
    """What is to be set, what is to be added, and what only a seed says: values that no property takes."""

    changes: list[Change]
    additions: list[Addition]
    further: list[Value]


def _wanted(package: Package, options: argparse.Namespace) -> _Wanted:
    from ova_tools.edit import Addition, Change
    from ova_tools.properties import Names
    from ova_tools.seed.roles import Value
    from ova_tools.value_files import value_of

    names = Names(package.properties)
    changes, additions, further = [], [], []
    for each in options.values:
        name, _, text = each.partition("=")
        value = value_of(text)
        if options.add and not names.candidates(name):
            additions.append(Addition(name, value))
        elif options.seed and not names.candidates(name):
            further.append(Value(name, value))
        else:
            changes.append(Change(names.select(name), value, options.configuration))
    return _Wanted(changes, additions, further)


def _transport_notes(package: Package, wanted: _Wanted) -> list[Note]:
    from ova_tools.additions import systems_of
    from ova_tools.transport import transport_notes

    content = package.descriptor.content
    added = systems_of(content, [each.name for each in wanted.additions])
    return transport_notes(content, [*(change.property.system for change in wanted.changes), *added])


def _discs(
    package: Package, options: argparse.Namespace, wanted: _Wanted, target: Path | None, stack: ExitStack
) -> tuple[list[Enclosed], list[Seed]]:
    """Return the seeds of the package as it is to become, each written to a file without a name."""
    if not options.seed:
        return [], []
    from tempfile import TemporaryFile

    from ova_tools.enclosure import Enclosed
    from ova_tools.seed import disc
    from ova_tools.seed.roles import Value

    values = {change.property: change.value for change in wanted.changes}
    further = [*wanted.further, *(Value(each.name, each.value) for each in wanted.additions)]
    name = (target or package.path).stem
    seeds = seeds_of(package, options, values, further, name, options.default_configuration)
    discs = []
    for seed in seeds:
        out = TemporaryFile()  # noqa: SIM115 - the stack closes it
        stack.callback(out.close)
        size = disc.write(seed.files, seed.label, out)
        out.flush()
        discs.append(Enclosed(seed.system, seed.suffix, out.fileno(), size))
    return discs, seeds


def _print_changes(package: Package, result: Edit) -> None:
    from ova_tools.compare import as_text, content_differences
    from ova_tools.descriptor import parse

    after = parse(result.descriptor)
    for difference in content_differences(package.descriptor.content, after):
        print(one_line(as_text(difference, new="added")))
    if result.manifest is not None and (package.manifest is None or result.manifest != package.manifest.data):
        print("the manifest is made anew" if package.manifest is None else "the manifest changes")


def _to_stdout(package: Package, result: Edit) -> None:
    from ova_tools.write import stream

    if sys.stdout is None or (package.kind is Kind.OVA and sys.stdout.isatty()):
        raise WriteError("an .ova is not written to a terminal; a pipe or a file is right")
    sys.stdout.flush()
    for piece in stream(result.plan, package.fileno()):
        sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()
    if package.kind is Kind.OVF and (result.manifest or result.certificate) is not None:
        print_notes(str(package.path), ["only the descriptor goes to stdout; its manifest and certificate do not"])
