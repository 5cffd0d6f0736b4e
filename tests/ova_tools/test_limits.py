"""More than any real package has is refused in one line, and what is allowed takes little memory."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from ova_tools import limits
from ova_tools.errors import OvaError
from ova_tools.package import read_package
from ova_tools.verify import verify_members
from tests.support.appliances import manifest_of, tar_of

from . import build

TEXT = build.descriptor().encode()
LONG = "l" * (limits.MAX_NAME + 1)
NAMESPACES = "".join(f" xmlns:p{n}='u'" for n in range(limits.MAX_ATTRIBUTES + 1))
ATTRIBUTES = "".join(f" a{n}='1'" for n in range(limits.MAX_ATTRIBUTES_OF_ONE))


def extended(body: bytes, times: int = 1) -> bytes:
    """A package with extension headers of this body before its first member."""
    info = tarfile.TarInfo("extension")
    info.type, info.size = b"x", len(body)
    header = info.tobuf(tarfile.USTAR_FORMAT) + body + bytes(-len(body) % 512)
    return header * times + tar_of([("vm.ovf", TEXT)])


PAX = b"19 path=disk1.vmdk\n"
REFUSED: dict[str, tuple[bytes, str]] = {
    "an element with many attributes": (
        tar_of([("vm.ovf", build.one_property('ovf:key="k"' + ATTRIBUTES))]),
        f"has an element with more than {limits.MAX_ATTRIBUTES_OF_ONE} attributes, line 11",
    ),
    "many elements": (
        tar_of([("vm.ovf", build.descriptor("<a/>" * limits.MAX_ELEMENTS).encode())]),
        f"has more than {limits.MAX_ELEMENTS} elements or {limits.MAX_ATTRIBUTES} attributes",
    ),
    "a long namespace": (
        tar_of([("vm.ovf", build.descriptor(envelope=f'xmlns:u="{LONG}"').encode())]),
        f"has a namespace of more than {limits.MAX_NAME} characters, line 2",
    ),
    "many namespaces": (
        tar_of([("vm.ovf", build.descriptor("<a" + NAMESPACES + "/>").encode())]),
        f"has more than {limits.MAX_ELEMENTS} elements or {limits.MAX_ATTRIBUTES} attributes",
    ),
    "a long id": (
        tar_of([("vm.ovf", build.descriptor().replace('ovf:id="vm"', f'ovf:id="{LONG}"').encode())]),
        f"has an id of more than {limits.MAX_NAME} characters, line 6",
    ),
    "a long class": (
        tar_of([("vm.ovf", build.descriptor(product=f'ovf:class="{LONG}"').encode())]),
        f"has a class of more than {limits.MAX_NAME} characters, line 9",
    ),
    "a long instance": (
        tar_of([("vm.ovf", build.descriptor(product=f'ovf:instance="{LONG}"').encode())]),
        f"has an instance of more than {limits.MAX_NAME} characters, line 9",
    ),
    "a long category": (
        tar_of([("vm.ovf", build.descriptor("<Category>" + "c" * 1001 + "</Category>").encode())]),
        f"has a category of more than {limits.MAX_CATEGORY} characters, line 11",
    ),
    "a long name of a member": (
        tar_of([("vm.ovf", TEXT), ("ü" * 513, b"")], format=tarfile.GNU_FORMAT),
        f"a name of more than {limits.MAX_MEMBER_NAME} bytes",
    ),
    "many lines of a manifest": (
        tar_of([("vm.ovf", TEXT), ("vm.mf", b"\n" * (limits.MAX_MANIFEST_LINES + 1))]),
        f"vm.mf has more than {limits.MAX_MANIFEST_LINES} lines",
    ),
    "a large extension header": (extended(bytes(limits.MAX_EXTENSION + 1)), "at most 1 MiB is right"),
    "many extension headers": (
        extended(bytes(limits.MAX_EXTENSION), limits.MAX_EXTENSIONS // limits.MAX_EXTENSION + 1),
        f"extension headers of more than {limits.MAX_EXTENSIONS} bytes",
    ),
    "a pax record and junk": (extended(PAX + b"junkjunkjunk"), "the pax header at byte 0 cannot be read"),
    "a pax record of no length": (extended(PAX + b"0 a=b\n"), "the pax header at byte 0 cannot be read"),
    "a pax record that ends in its length": (extended(PAX + b"2 a=b\n"), "the pax header at byte 0 cannot be read"),
    "a pax record that is longer than all": (extended(PAX + b"99999 a=b\n"), "the pax header at byte 0 cannot be read"),
    "a pax record without its end": (extended(PAX + b"6 a=bc"), "the pax header at byte 0 cannot be read"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_no_package_needs_is_refused_in_one_line(what: str, tmp_path: Path) -> None:
    data, message = REFUSED[what]
    (tmp_path / "vm.ova").write_bytes(data)

    with pytest.raises(OvaError) as caught:
        read_package(tmp_path / "vm.ova")

    assert message in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("form", ["for people", "as JSON"])
def test_inspect_shows_the_most_properties_in_little_memory(form: str, tmp_path: Path) -> None:
    count = limits.MAX_ELEMENTS - 1_000
    properties = "".join(f'<Property ovf:key="k{n}" ovf:userConfigurable="true" ovf:value="v"/>' for n in range(count))
    (tmp_path / "vm.ova").write_bytes(tar_of([("vm.ovf", build.descriptor(properties).encode())]))
    script = """
import sys
from ova_tools.cli import main
status = main(sys.argv[1:])
lines = open("/proc/self/status").read().splitlines()
print(*[line for line in lines if line.startswith("VmHWM:")], file=sys.stderr)
sys.exit(status)
"""
    arguments = ["inspect", str(tmp_path / "vm.ova"), *["--json"] * (form == "as JSON")]

    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, check=True, text=True)

    assert f"k{count - 1}" in done.stdout[-500:]
    assert int(done.stderr.split()[1]) < 150 << 10  # KiB


def test_a_file_beside_a_descriptor_is_hashed_once_however_a_manifest_names_it(tmp_path: Path) -> None:
    """Else a manifest of 4 MiB makes `ova verify` read a disk 50,000 times."""
    disk = build.disk()
    digest = manifest_of({"disk.vmdk": disk}).decode().partition("= ")[2]
    (tmp_path / "vm.ovf").write_bytes(TEXT)
    (tmp_path / "disk.vmdk").write_bytes(disk)
    (tmp_path / "vm.mf").write_text("".join(f"SHA256({'./' * n}disk.vmdk)= {digest}" for n in range(20)))
    read: list[int] = []

    with read_package(tmp_path / "vm.ovf") as package:
        verify_members(package, read.append)

    assert sum(read) == len(disk)
