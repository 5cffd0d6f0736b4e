"""`ova deploy`: machines of a cloud from what the server has made of components."""

from __future__ import annotations

import argparse
import sys
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ova_tools.errors import OvaError, one_line

from .common import add_command

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ova_tools.deploy.folders import Machine as LibvirtMachine
    from ova_tools.deploy.libvirt import Host, Plan
    from ova_tools.deploy.openstack import Machine

    from .common import Commands

_UNITS = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"), (1, "bytes"))


def add(commands: Commands) -> None:
    """Describe the command."""
    parser = add_command(
        commands,
        "deploy",
        run,
        "define, and start, the machines of folders that iget -r has brought",
        "FOLDER holds components for which the server makes the files of libvirt (ova_forms libvirt). Run it on the\n"
        "host, and run it again when the components changed: machines get their new values at their next start.\n"
        "A disk that a machine has written to is replaced only after a question. A machine that libvirt has under the\n"
        "same name, and that is not of that component, is never touched.",
        (
            "iget -r grid02 && ova deploy grid02 --start",
            "ova deploy grid02/sg12 --dry-run",
            "ova deploy grid02 --to openstack --cloud ours --network grid",
        ),
    )
    parser.add_argument("folders", metavar="FOLDER", nargs="+", help="the folder of a grid or of a component")
    parser.add_argument(
        "--connect", metavar="URI", default="qemu:///system", help="libvirt's connection (default: qemu:///system)"
    )
    parser.add_argument("--images", metavar="FOLDER", help="where the machines' files go (default: that of libvirt)")
    parser.add_argument("--start", action="store_true", help="start the machines that do not run")
    parser.add_argument("--emulate", action="store_true", help="run the machines without KVM, though it is there")
    parser.add_argument(
        "--to", choices=("libvirt", "openstack"), default="libvirt", help="the cloud (default: libvirt, on this host)"
    )
    openstack = parser.add_argument_group("with --to openstack (ova_forms openstack)")
    openstack.add_argument("--cloud", metavar="NAME", default="", help="the cloud in clouds.yaml (default: OS_CLOUD)")
    openstack.add_argument("--flavor", metavar="NAME", default="", help="of servers (default: the smallest that fits)")
    openstack.add_argument("--network", metavar="NAME", action="append", default=[], help="the next network of servers")
    openstack.add_argument("--images-only", action="store_true", help="upload the images, and make no servers")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done")
    parser.add_argument(
        "--replace-disks",
        action="store_true",
        help="replace disks of an older image without a question, though machines have written to them",
    )


def run(options: argparse.Namespace) -> int:
    """Deploy the machines; what fails in one of them stops no other."""
    folders = [Path(folder).absolute() for folder in options.folders]
    return _to_openstack(folders, options) if options.to == "openstack" else _to_libvirt(folders, options)


def _to_openstack(folders: list[Path], options: argparse.Namespace) -> int:
    from ova_tools import qemu_img
    from ova_tools.deploy.openstack import Wanted, connect, deploy, is_uploaded, machines_in
    from ova_tools.progress import ProgressBar

    qemu_img.require()
    machines, faults = machines_in(folders)
    cloud = connect(options.cloud)
    wanted = Wanted(options.flavor, tuple(options.network), options.images_only, options.replace_disks)

    def deployed(machine: Machine) -> str:
        if options.dry_run:
            return "unchanged image" if is_uploaded(cloud, machine) else "would be: image uploaded"
        with ProgressBar(f"uploading {machine.name}", machine.disk.stat().st_size) as progress:
            return "; ".join(deploy(cloud, machine, wanted, progress.advance))

    return _each({machine.name: partial(deployed, machine) for machine in machines}, faults)


def _to_libvirt(folders: list[Path], options: argparse.Namespace) -> int:
    from ova_tools.deploy.folders import machines_in
    from ova_tools.deploy.libvirt import host

    machines, faults = machines_in(folders)
    at = host(options.connect, Path(options.images) if options.images else None, emulate=options.emulate)
    with nullcontext() if options.dry_run else at.alone():
        failed = _each({machine.name: partial(_deployed, at, machine, options) for machine in machines}, faults)
    if at.virtual == "qemu" and not options.emulate:
        print("ova: note: libvirt has no KVM here, so the machines are emulated and slow", file=sys.stderr)
    return failed


def _each(deploys: Mapping[str, Callable[[], str]], faults: Sequence[str]) -> int:
    """Deploy each machine, by its name; what was done and what failed, in a line each. Returns the exit status."""
    for fault in faults:
        print(one_line(f"ova: {fault}"), file=sys.stderr)
    failed = len(faults)
    for name, deploy in deploys.items():
        try:
            print(one_line(f"{name}: {deploy()}"), flush=True)
        except (OvaError, OSError) as error:
            failed += 1
            print(one_line(f"ova: {name}: {error}"), file=sys.stderr, flush=True)
        except KeyboardInterrupt:
            print(one_line(f"ova: {name}: interrupted; the machines listed above are done"), file=sys.stderr)
            return 1
    if failed:
        count = len(deploys) + len(faults)
        print(f"ova: {failed} of {count} machines failed; run it again when the cause is gone", file=sys.stderr)
    return 1 if failed else 0


def _deployed(at: Host, machine: LibvirtMachine, options: argparse.Namespace) -> str:
    """Deploy one machine; what was done, in words."""
    from ova_tools.deploy.libvirt import carry_out, plan, start
    from ova_tools.libvirt.virsh import AT_REST
    from ova_tools.progress import ProgressBar

    found = plan(at, machine)
    words = _words(found)
    starts = options.start and (found.is_new or found.state in AT_REST)
    if options.dry_run:
        written = [f"a question, because it has written to {path}" for path in found.written]
        return f"would be {'; '.join([*words, *(['started'] if starts else []), *written])}"
    if found.written and not options.replace_disks:
        _ask(machine.name, [str(path) for path in found.written])
    with ProgressBar(f"copying {machine.name}", found.size) as progress:
        carry_out(at, found, progress.advance)
    if starts:
        start(at, machine)
        words.append("started")
    elif found.state == "running" and (found.is_changed or found.copies):
        words.append("runs: it gets its new values when it is started again")
    return "; ".join(words)


def _words(found: Plan) -> list[str]:
    """What deploying a machine takes, in words that fit before and after."""
    if not (found.copies or found.is_changed):
        return ["unchanged"]
    words = ["new" if found.is_new else "changed"]
    disks = found.disks
    if disks:
        size = sum(each.size for each in disks)
        words.append(f"{len(disks)} disk{'s' if len(disks) > 1 else ''} copied ({_amount(size)})")
    if len(disks) < len(found.copies):
        words.append("seed copied")
    if found.is_changed:
        words.append("defined")
    return words


def _ask(name: str, paths: list[str]) -> None:
    """Raise DeployError unless the user agrees that a machine loses what it wrote."""
    from ova_tools.errors import DeployError

    text = f"its image has a new version, and it has written to {', '.join(paths)}"
    if not sys.stdin or not sys.stdin.isatty():
        raise DeployError(f"{text}; --replace-disks replaces that")
    print(one_line(f"{name}: {text}. Replace that and lose what it wrote? [y/N] "), end="", flush=True, file=sys.stderr)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise DeployError(f"{text}; it stays as it is")


def _amount(size: int) -> str:
    unit, name = next((each for each in _UNITS if size >= each[0]), _UNITS[-1])
    return f"{size / unit:.3g} {name}"
