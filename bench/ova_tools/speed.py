"""Measure ova_tools against COT and cp on the same files in the same run, and print the ratios.

    python -m bench.ova_tools.speed [--sizes 512M,4G] [--no-cot] [--directory DIR]

On the file system of DIR (ext4 on most machines) and on an XFS in a loop mount, if root allows; what cannot be measured
is said. Each number is the median of interleaved runs, the page cache is warm for all, and everything is synced
before each run. Not a test: nothing here fails because a machine is slow.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ova_tools.edit import Change, edit
from ova_tools.package import read_package
from ova_tools.write import Method, publish
from tests.ova_tools import build

BIN = Path(sys.executable).parent
HARDWARE = (
    "<VirtualHardwareSection><Info>i</Info><System><vssd:ElementName>e</vssd:ElementName>"
    "<vssd:InstanceID>0</vssd:InstanceID><vssd:VirtualSystemType>vmx-10</vssd:VirtualSystemType></System>"
    "</VirtualHardwareSection>"
)  # COT reads no descriptor without it
VSSD = "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData"
RASD = "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData"


@dataclass(frozen=True)
class Run:
    """One run: seconds, and the peak memory of the process in MB (0 for one in this process)."""

    seconds: float
    megabytes: float = 0.0


def make_ova(directory: Path, size: int) -> Path:
    """Write big.ova with a disk of `size` random bytes, its manifest right."""
    disk = directory / "disk.vmdk"
    with disk.open("wb") as file:
        for _ in range(size >> 20):
            file.write(os.urandom(1 << 20))
    text = build.descriptor(envelope=f'xmlns:vssd="{VSSD}" xmlns:rasd="{RASD}"')
    text = text.replace("  </VirtualSystem>", f"  {HARDWARE}\n  </VirtualSystem>")
    (directory / "big.ovf").write_text(text)
    digests = subprocess.run(["sha256sum", "big.ovf", "disk.vmdk"], cwd=directory, capture_output=True, check=True)
    lines = (line.split() for line in digests.stdout.decode().splitlines())
    (directory / "big.mf").write_text("".join(f"SHA256({name})= {digest}\n" for digest, name in lines))
    subprocess.run(
        ["tar", "--format=ustar", "-cf", "big.ova", "big.ovf", "big.mf", "disk.vmdk"], cwd=directory, check=True
    )
    return directory / "big.ova"


def in_process(source: Path, target: Path) -> tuple[Run, Method]:
    """Read, edit and publish as rules/ does, without the sync that only crash safety needs."""
    start = time.perf_counter()
    with read_package(source) as package:
        result = edit(package, [Change(package.properties[0], f"host{time.time_ns()}")])
        method = publish(result.plan, package.fileno(), target, durable=False)
    return Run(time.perf_counter() - start), method


def command(*arguments: object, cwd: Path | None = None) -> Run:
    """Run a command; raises CalledProcessError if it fails."""
    environment = {**os.environ, "TMPDIR": str(cwd)} if cwd else None
    start = time.perf_counter()
    process = subprocess.Popen(
        list(map(str, arguments)), cwd=cwd, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stderr.close()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, [str(each) for each in arguments], stderr=errors)
    return Run(seconds, usage.ru_maxrss / 1024)


def repeat(count: int, actions: dict[str, Callable[[], Run]]) -> dict[str, list[Run]]:
    """Run every action `count` times, one after the other, so that a busy moment hits all."""
    runs: dict[str, list[Run]] = {name: [] for name in actions}
    for _ in range(count):
        for name, action in actions.items():
            os.sync()
            runs[name].append(action())
    return runs


def measure(directory: Path, label: str, size: int, with_cot: bool) -> None:
    """Print what edits and verification of an OVA of `size` bytes cost in `directory`."""
    work = Path(tempfile.mkdtemp(dir=directory))
    try:
        source = make_ova(work, size)
        out = work / "out.ova"
        ova, cot = BIN / "ova", BIN / "cot"
        methods: set[Method] = set()

        def fresh(action: Callable[[], Run]) -> Callable[[], Run]:
            def run() -> Run:
                out.unlink(missing_ok=True)
                return action()

            return run

        def inside() -> Run:
            run, method = in_process(source, out)
            methods.add(method)
            return run

        count = 5 if size <= 1 << 30 else 3
        runs = repeat(
            count,
            {
                "in-process": fresh(inside),
                "ova set": fresh(lambda: command(ova, "set", source, "hostname=sg12", "-o", out)),
                "cp": fresh(lambda: command("cp", source, out)),
                "cp --reflink=never": fresh(lambda: command("cp", "--reflink=never", source, out)),
            },
        )
        runs.update(
            repeat(
                3,
                {
                    "ova verify": lambda: command(ova, "verify", source),
                    "sha256sum": lambda: command("sha256sum", work / "disk.vmdk"),
                },
            )
        )
        if with_cot:
            edit_with_cot = [cot, "-f", "edit-properties", source, "-o", out, "-p", "hostname=sg12"]
            try:
                times = 2 if size <= 1 << 30 else 1
                runs.update(repeat(times, {"cot": fresh(lambda: command(*edit_with_cot, cwd=work))}))
            except (OSError, subprocess.CalledProcessError) as error:
                print(f"{label}: cot skipped: {error} {getattr(error, 'stderr', b'')[-300:]!r}")
        report(f"{label}, {size >> 20} MiB ({', '.join(m.value for m in methods)})", runs)
    finally:
        shutil.rmtree(work)


def report(title: str, runs: dict[str, list[Run]]) -> None:
    """Print medians and ratios."""
    print(f"\n{title}")
    middle = {name: statistics.median(run.seconds for run in found) for name, found in runs.items()}
    for name, found in runs.items():
        memory = max(run.megabytes for run in found)
        best = min(run.seconds for run in found)
        shown = f"  {memory:7.1f} MB peak" if memory else ""
        print(f"  {name:<20} {middle[name] * 1000:10.1f} ms (best {best * 1000:.1f}){shown}")
    for name, other in (("in-process", "cp"), ("in-process", "cp --reflink=never"), ("ova set", "cp"),
                        ("ova set", "cp --reflink=never"), ("ova verify", "sha256sum")):  # fmt: skip
        best = min(run.seconds for run in runs[name]) / min(run.seconds for run in runs[other])
        print(f"  {name} / {other}: {middle[name] / middle[other]:.3f} (of the best runs {best:.3f})")
    if "cot" in middle:
        for name in ("in-process", "ova set"):
            print(f"  cot / {name}: {middle['cot'] / middle[name]:.1f}")


def start_up() -> None:
    """Print what the command costs before it does anything large."""
    with tempfile.TemporaryDirectory() as name:
        small = build.ova(Path(name))
        runs = [command(BIN / "ova", "inspect", small) for _ in range(25)]
        bare = [command(sys.executable, "-c", "pass") for _ in range(25)]
    seconds, python = (sorted(run.seconds * 1000 for run in found) for found in (runs, bare))
    print(f"start-up of ova (inspect of a small package): median {seconds[12]:.0f} ms, best {seconds[0]:.0f} ms")
    print(f"of which Python itself: median {python[12]:.0f} ms, best {python[0]:.0f} ms")


@contextmanager
def xfs(directory: Path, size: int) -> Iterator[Path]:
    """Mount an XFS of `size` bytes from a sparse file below `directory`; raises OSError or CalledProcessError."""
    image = directory / "xfs.img"
    with image.open("wb") as file:
        file.truncate(size)
    mount = directory / "xfs"
    mount.mkdir()
    subprocess.run(["mkfs.xfs", "-q", "-m", "reflink=1", image], check=True)
    subprocess.run(["mount", "-o", "loop", image, mount], check=True, capture_output=True)
    try:
        yield mount
    finally:
        subprocess.run(["umount", mount], check=True)


def main() -> int:
    """Run all that this machine allows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="512M,4G")
    parser.add_argument("--directory", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--no-cot", action="store_true")
    options = parser.parse_args()
    units = {"M": 20, "G": 30}
    sizes = [int(text[:-1]) << units[text[-1]] for text in options.sizes.split(",")]
    with tempfile.TemporaryDirectory(dir=options.directory) as name:
        directory = Path(name)
        start_up()
        kind = subprocess.run(["stat", "-f", "-c", "%T", directory], capture_output=True, text=True, check=True)
        for size in sizes:
            measure(directory, kind.stdout.strip(), size, not options.no_cot)
        try:
            with xfs(directory, 6 * max(sizes) + (1 << 30)) as mount:
                for size in sizes:
                    measure(mount, "xfs", size, not options.no_cot)
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"\nxfs: skipped, it cannot be mounted here: {error}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
