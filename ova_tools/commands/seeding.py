"""What `ova seed` and `ova set --seed` share: their options, and the seeds that these ask for."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ova_tools.errors import SeedError
from ova_tools.package import Package, open_regular

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    from ova_tools.model import Property
    from ova_tools.seed.roles import Value
    from ova_tools.seed.seeds import Seed
    from ova_tools.seed.tasks import Task

KINDS = ("ovf", "nocloud", "configdrive")


def add_seeding(parser: argparse.ArgumentParser) -> None:
    """Add the options that say what is on a seed."""
    parser.add_argument("--tasks", metavar="DIR", help="a folder with the folders install, config and reset")
    parser.add_argument("--kind", choices=KINDS, help=f"who is to read the seed (default: {KINDS[0]})")
    parser.add_argument("--instance-id", metavar="ID", help="what cloud-init tells machines apart by; keep it stable")


def seeds_of(
    package: Package,
    options: argparse.Namespace,
    values: Mapping[Property, str],
    further: Sequence[Value],
    name: str,
    configuration: str | None = None,
) -> list[Seed]:
    """Return the seed of each virtual system. `name` is that of the machine, if the options name none.

    `further` are the values that no property takes. Raises SeedError.
    """
    from ova_tools.seed.layouts import Kind
    from ova_tools.seed.roles import Roles
    from ova_tools.seed.seeds import seeds

    identity = options.instance_id or f"ova-{name}"
    kind = Kind(options.kind or KINDS[0])
    return seeds(package, values, further, kind, Roles(), identity, _tasks(options.tasks), configuration=configuration)


def _tasks(folder: str | None) -> list[Task]:
    from ova_tools.seed.tasks import GROUPS, Task

    if folder is None:
        return []
    root = Path(folder)
    groups = [group for group in GROUPS if (root / group).is_dir()]
    if not groups:
        raise SeedError(f"{folder} has none of the folders {', '.join(GROUPS)}")
    found = []
    for group in groups:
        for file in sorted((root / group).rglob("*")):
            if file.is_symlink() or not (file.is_file() or file.is_dir()):
                raise SeedError(f"{file} is a link, or no regular file")
            if file.is_file():
                found.append(
                    Task(group, 0, file.relative_to(root / group).as_posix(), file.stat().st_size, _opener(file))
                )
    return found


def _opener(file: Path) -> Callable[[], BinaryIO]:
    def opened() -> BinaryIO:
        return open_regular(str(file), str(file))

    return opened
