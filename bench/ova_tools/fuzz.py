"""Feed broken, hostile and odd packages to ova_tools: it may raise only its own errors.

hypothesis takes seeds (packages and descriptors of many kinds), damages them in a few places, mostly repairing tar
checksums and manifest digests so that the damage gets past the first check, and runs everything on the result. If an
edit succeeds, its result must have the value when it is read back. Usage:

    SECONDS=600 python -m bench.ova_tools.fuzz
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from ova_tools import inspect
from ova_tools.edit import Change, edit
from ova_tools.errors import OvaError
from ova_tools.package import read_package
from ova_tools.properties import candidates, select
from ova_tools.verify import verify_members
from ova_tools.write import stream
from tests.ova_tools import build
from tests.support.appliances import tar_of

ROUND = 300  # examples between two checks of the clock
COUNTS: Counter[str] = Counter()

TOKENS = [
    b"<", b">", b"&", b'"', b"'", b"&#0;", b"&#xD800;", b"&undefined;", b"<!DOCTYPE a>", b"<![CDATA[", b"]]>", b"<!--",
    b"-->", b"<?pi ?>", b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\r\n", b"xmlns=''", b" ovf:value='1'", b" value='2'",
    b"<Value/>", b"<Value ovf:value='z' ovf:configuration='big'/>", b"ovf:type='uint8'", b"ValueMap{", b"MinLen(9",
    b"MaxLen(0)", b"../", b"/etc/passwd", b"%2e%2e/", b"http://a/b", b"ovf:key=''", b"<Property ovf:key='hostname'/>",
    b"</Property>", b"xsi:type='ovf:ProductSection_Type'", b"encoding='UTF-16'", b"encoding='latin-1'", b"1e999",
    b"encoding='shift_jis'", b"9" * 50, b"\xc3\x28", b"\xed\xa0\x80", b"SHA1(vm.ovf)= 00\n", b"SHA256()= \n",
    b"-----BEGIN CERTIFICATE-----\n",
]  # fmt: skip

HEADER_FIELDS = {"name": (0, 100), "mode": (100, 8), "size": (124, 12), "checksum": (148, 8), "type": (156, 1),
                 "magic": (257, 8), "prefix": (345, 155)}  # fmt: skip


def seeds() -> list[bytes]:
    """Return packages and descriptors of every kind with separate handling."""
    plain = build.descriptor()
    many = build.descriptor(
        build.PROPERTIES + '<Property ovf:key="p" ovf:type="string" ovf:password="true" ovf:value="s3cret"/>'
        '<Property ovf:key="ip" ovf:type="string" ovf:userConfigurable="true" vmw:qualifiers="Ip"/>'
        '<Property ovf:key="v" ovf:type="int" ovf:userConfigurable="true" ovf:qualifiers="ValueMap{1,2,3}">'
        '<Value ovf:value="1" ovf:configuration="big"/><Value ovf:value="2"/></Property>',
        product='ovf:class="c" ovf:instance="1"',
        options='<DeploymentOptionSection><Configuration ovf:id="big"/></DeploymentOptionSection>',
    )
    found = [
        plain.encode(),
        many.encode(),
        plain.encode("utf-16"),
        plain.replace("UTF-8", "iso-8859-1").encode("latin-1"),
    ]
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        for text, algorithm in ((plain, "SHA256"), (many, "SHA1"), (many, None)):
            for archive in (0, 1, 2):
                small, signed = build.disk(3000), b"SHA1(vm.mf)= 00"
                path = build.ova(
                    directory, text.encode(), algorithm=algorithm, format=archive, certificate=signed, disk_data=small
                )
                found.append(path.read_bytes())
    found.append(tar_of([("disk.vmdk", b"x" * 600), ("a/" * 60 + "vm.ovf", plain.encode())], format=1))
    return found


SEEDS = seeds()

MUTATION = st.one_of(
    st.tuples(st.just("flip"), st.floats(0, 1), st.integers(1, 255)),
    st.tuples(st.just("insert"), st.floats(0, 1), st.sampled_from(TOKENS) | st.binary(max_size=40)),
    st.tuples(st.just("replace"), st.floats(0, 1), st.sampled_from(TOKENS) | st.binary(max_size=40)),
    st.tuples(st.just("delete"), st.floats(0, 1), st.integers(1, 2000)),
    st.tuples(st.just("repeat"), st.floats(0, 1), st.integers(1, 2000)),
    st.tuples(st.just("cut"), st.floats(0, 1), st.just(0)),
    st.tuples(
        st.just("header"),
        st.sampled_from(sorted(HEADER_FIELDS)),
        st.sampled_from(
            [b"../x", b"/x", b"\x80" + b"\xff" * 11, b"77777777777\0", b"1", b"2", b"5", b"x", b"g", b"L", b"S"]
        )
        | st.binary(min_size=1, max_size=12),
    ),
)


def mutate(data: bytes, kind: str, where: float | str, payload: object) -> bytes:
    """Damage `data` in one place."""
    if isinstance(where, str):
        start, length = HEADER_FIELDS[where]
        block = (len(payload) * 7 if isinstance(payload, bytes) else 0) % max(1, min(8, len(data) // 512)) * 512
        new = bytes(payload)[:length].ljust(length, b"\0") if isinstance(payload, bytes) else b""
        return data[: block + start] + new + data[block + start + length :]
    at = int(where * len(data))
    if kind == "flip" and isinstance(payload, int) and at < len(data):
        return data[:at] + bytes([data[at] ^ payload]) + data[at + 1 :]
    if kind == "insert" and isinstance(payload, bytes):
        return data[:at] + payload + data[at:]
    if kind == "replace" and isinstance(payload, bytes):
        return data[:at] + payload + data[at + len(payload) :]
    if kind == "delete" and isinstance(payload, int):
        return data[:at] + data[at + payload :]
    if kind == "repeat" and isinstance(payload, int):
        return data[: at + payload] + data[at:]
    return data[:at] if kind == "cut" else data


def repair(data: bytes) -> bytes:
    """Make every tar header's checksum right again, and the manifest's digest of the descriptor."""
    blocks = bytearray(data)
    at, descriptor = 0, b""
    while at + 512 <= len(blocks) and blocks[at : at + 512] != bytes(512):
        blocks[at + 148 : at + 156] = b" " * 8
        blocks[at + 148 : at + 156] = b"%06o\0 " % sum(blocks[at : at + 512])
        digits = bytes(blocks[at + 124 : at + 136]).strip(b" \0")
        size = int(digits, 8) if digits.isdigit() and not digits.strip(b"01234567") else 0
        name = bytes(blocks[at : at + 100])
        content = bytes(blocks[at + 512 : at + 512 + size])
        descriptor = content if b".ovf\0" in name else descriptor
        if b".mf\0" in name and content.startswith(b"SHA256(vm.ovf)= ") and len(content) > 80:
            digest = hashlib.sha256(descriptor).hexdigest().encode()
            blocks[at + 512 + 16 : at + 512 + 80] = digest
        at += 512 + -(-size // 512) * 512
    return bytes(blocks)


def exercise(path: Path, value: str, name: str) -> str:
    """Run everything on the file at `path`; return how far it got. Raises OvaError, or finds a fault."""
    stage = "unreadable"
    try:
        with read_package(path) as package:
            stage = "read, not edited"
            inspect.report(package)
            for line in inspect.lines(package):
                assert line.isprintable(), line
            candidates(package.properties, name)
            for configuration in (None, "big"):
                for prop in package.properties[:4]:
                    try:
                        result = edit(package, [Change(prop, value, configuration)], allow_fixed=True)
                    except OvaError as error:
                        assert str(error).isprintable(), str(error)
                        continue
                    data = b"".join(stream(result.plan, package.fileno()))
                    assert len(data) == result.plan.size
                    stage = "edited"
                    after = path.with_name("after" + path.suffix)
                    after.write_bytes(data)
                    with read_package(after) as again:
                        new = again.properties[package.properties.index(prop)]
                        assert (new.value if configuration is None else new.configurations[configuration]) == value
                        assert len(again.members) == len(package.members) - (result.certificate is None) * (
                            package.certificate is not None and package.index is not None
                        )
            verify_members(package)
            select(package.properties, name)
    except OvaError as error:
        assert str(error).isprintable(), str(error)
        assert "s3cret" not in str(error)
    return stage


def main() -> int:
    """Fuzz for SECONDS and print the results of the examples; return 1 if a fault was found."""
    seconds = float(os.environ.get("SECONDS", "600"))
    start = int(os.environ.get("SEED", str(time.time_ns() % 10**9)))
    end = time.monotonic() + seconds
    rounds = 0
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "vm.ova"

        @settings(
            max_examples=ROUND,
            database=None,
            deadline=None,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        )
        @given(
            st.sampled_from(range(len(SEEDS))),
            st.lists(MUTATION, max_size=4),
            st.sampled_from([True, True, True, False]),
            st.text(max_size=20) | st.sampled_from(["1", "true", "10.0.0.1", "x" * 9000, "<&>\"'\n\t"]),
        )
        def example(which: int, mutations: list[tuple[str, float | str, object]], repaired: bool, value: str) -> None:
            data = SEEDS[which]
            for mutation in mutations:
                data = mutate(data, *mutation)
            is_tar = which > 3
            path.write_bytes(repair(data) if repaired and is_tar else data)
            COUNTS[exercise(path, value, "hostname")] += 1

        while time.monotonic() < end:
            configured = seed(start + rounds)(example)
            try:
                configured()
            except Exception:
                print(f"a fault, in the round with SEED={start + rounds}:", file=sys.stderr)
                raise
            rounds += 1
    print(f"{sum(COUNTS.values())} examples in {rounds} rounds of {seconds:.0f} s from SEED={start}, no fault")
    for outcome, count in COUNTS.most_common():
        print(f"{count:8}  {outcome}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
