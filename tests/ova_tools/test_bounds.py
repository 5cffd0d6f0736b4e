"""The work of ova_tools is at most proportional to a file's length: steps are counted, without a clock.

Open-ended inputs are drawn at random; those known to grow (properties, attributes, members, lines …) are made large.
"""

from __future__ import annotations

import contextlib
import io
import sys
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ova_tools.limits import MAX_NAME
from ova_tools.package import Certificate
from tests.support.appliances import manifest_of, tar_of

from . import build
from .steps import counted, counter

# The steps allowed per byte, and those for any run: a third more than the most expensive case takes.
A_BYTE, ANY = 30, 50_000
N = 2_000

TEXT = build.descriptor().encode()
PLAIN = [("vm.ovf", TEXT), ("vm.mf", manifest_of({"vm.ovf": TEXT})), ("disk.vmdk", b"")]
PROPERTY = '<Property ovf:key="k{0}" ovf:userConfigurable="true" ovf:value="v"/>'


def use(path: Path) -> None:
    """All that can be done with a package, by the copy of ova_tools that counts."""
    errors, edit, inspect = counted("errors"), counted("edit"), counted("inspect")
    try:
        with counted("package").read_package(path) as package:
            for _ in (*inspect.lines(package), *inspect.json_text(package)):
                pass
            names = counted("properties").Names(package.properties)
            for prop in package.properties:
                if names.candidates(prop.address) != (prop,):  # what means several is refused, so it is the last
                    break
            additions = [edit.Addition(f"class.k{n}", "7") for n in range(3)]
            for configuration in (None, "c1"):
                changes = [edit.Change(prop, "7", configuration) for prop in package.properties]
                try:
                    made = edit.edit(
                        package,
                        changes,
                        additions=additions if configuration else (),
                        allow_fixed=True,
                        default_configuration=configuration,
                    )
                except errors.OvaError:
                    continue
                for _ in counted("write").stream(made.plan, package.fileno()):
                    pass
            counted("verify").verify_members(package)
            if package.certificate is not None:
                counted("certificate").verify_certificate(package.certificate, package.manifest)
    except errors.OvaError:
        pass


def steps_of(action: Callable[[], object], length: int) -> int:
    """How many steps `action` takes on an input of `length` bytes; it is ended where they are too many."""
    counter.start(ANY + A_BYTE * length)
    action()
    return counter.steps


def with_properties(properties: str, options: str = "", product: str = "") -> bytes:
    text = build.descriptor(properties, options=options, product=product, href="vm.ovf").encode()
    return tar_of([("vm.ovf", text), ("vm.mf", manifest_of({"vm.ovf": text}))])


def many(text: str, count: int = N) -> str:
    return "".join(text.format(number) for number in range(count))


def replaced(old: str, new: str) -> bytes:
    return tar_of([("vm.ovf", build.descriptor(PROPERTY, href="vm.ovf").replace(old, new).encode())])


def pax(count: int) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        info = tarfile.TarInfo("vm.ovf")
        info.size, info.pax_headers = len(TEXT), {f"SOME.{number}": "v" for number in range(count)}
        archive.addfile(info, io.BytesIO(TEXT))
    return buffer.getvalue()


def with_manifest(lines: bytes) -> bytes:
    return tar_of([("vm.ovf", TEXT), ("vm.mf", lines)])


def extended(body: bytes, kind: bytes = b"x") -> bytes:
    """A package whose first member has an extension header with this body."""
    info = tarfile.TarInfo("extension")
    info.type, info.size = kind, len(body)
    return info.tobuf(tarfile.USTAR_FORMAT) + body + bytes(-len(body) % 512) + tar_of(PLAIN)


def in_folder(folder: str) -> bytes:
    text = build.descriptor().replace("</References>", many('<File ovf:href="f%20{0}"/>') + "</References>").encode()
    listed = manifest_of({"vm.ovf": text}) + many("SHA256(f{0})= " + "0" * 64 + "\n").encode()
    return tar_of([(f"{folder}/vm.ovf", text), (f"{folder}/vm.mf", listed)], format=tarfile.GNU_FORMAT)


ONE_PREFIX = "x" * 20 * N
LONG, ID = "l" * 20 * N, "i" * MAX_NAME
GROWN: dict[str, Callable[[], bytes]] = {
    "properties": lambda: with_properties(many(PROPERTY)),
    "properties of many classes": lambda: replaced(
        "</VirtualSystem>",
        many('<ProductSection ovf:class="c{0}" ovf:instance="{0}"><Property ovf:key="k"/></ProductSection>')
        + "</VirtualSystem>",
    ),
    "properties of many systems": lambda: replaced(
        "</Envelope>",
        many('<VirtualSystem ovf:id="s{0}"><ProductSection><Property ovf:key="k"/></ProductSection></VirtualSystem>')
        + "</Envelope>",
    ),
    "properties of one name": lambda: with_properties(PROPERTY * N),
    "values of a property": lambda: with_properties(
        '<Property ovf:key="k" ovf:value="">' + many('<Value ovf:value="v" ovf:configuration="c{0}"/>') + "</Property>"
    ),
    "values of a property for all": lambda: with_properties(
        '<Property ovf:key="k" ovf:value="">' + '<Value ovf:value="v"/>' * N + "</Property>"
    ),
    "attributes of a property": lambda: with_properties(
        '<Property ovf:key="k" ovf:userConfigurable="true" ovf:value="v"' + many(' a{0}="1"') + "/>"
    ),
    "a long value": lambda: with_properties(f'<Property ovf:key="k" ovf:value="{"x" * 50 * N}"/>'),
    "a long prefix": lambda: with_properties(
        f'<{ONE_PREFIX}:Property xmlns:{ONE_PREFIX}="{build.OVF1}" ovf:key="k" ovf:value="v"/>'
    ),
    "a system's id of slashes": lambda: replaced('ovf:id="vm"', f'ovf:id="{"a/" * N}"'),
    "a long class of many properties": lambda: with_properties(many(PROPERTY), product=f'ovf:class="{LONG}"'),
    "a class of many properties": lambda: with_properties(many(PROPERTY), product=f'ovf:class="{ID}"'),
    "a long category of many properties": lambda: with_properties(f"<Category>{LONG}</Category>" + many(PROPERTY)),
    "a category of many properties": lambda: with_properties(f"<Category>{ID}</Category>" + many(PROPERTY)),
    "a long id of many properties": lambda: replaced('ovf:id="vm"', f'ovf:id="{LONG}"').replace(b"k0", b"k1"),
    "an id of a system of many properties": lambda: replaced(
        '<VirtualSystem ovf:id="vm">',
        f'<VirtualSystem ovf:id="{ID}"><ProductSection>{many(PROPERTY)}</ProductSection>',
    ),
    "a long namespace of many elements": lambda: replaced(
        "</Envelope>", f'<a xmlns:u="{LONG}">' + "<u:a/>" * N + "</a></Envelope>"
    ),
    "a namespace of many elements": lambda: replaced(
        "</Envelope>", f'<a xmlns:u="{ID}">' + many('<u:a u:a{0}=""/>') + "</a></Envelope>"
    ),
    "namespaces": lambda: replaced("</Envelope>", "<a" + many(' xmlns:p{0}="u"') + "/></Envelope>"),
    "a long folder of many references": lambda: in_folder("d" * 30 * N),
    "a folder of many references": lambda: in_folder("d" * 1000),
    "labels": lambda: with_properties('<Property ovf:key="k">' + "<Label>a  b</Label>" * N + "</Property>"),
    "a label": lambda: with_properties('<Property ovf:key="k"><Label>' + "a &lt;\n" * N + "</Label></Property>"),
    "names of a system": lambda: replaced("<Name>", "<Name>n</Name>" * N + "<Name>"),
    "choices of a property": lambda: with_properties(
        '<Property ovf:key="k" ovf:qualifiers="ValueMap{' + many("&quot;{0}&quot;,") + '}"/>'
    ),
    "choices of numbers": lambda: with_properties(
        '<Property ovf:key="k" ovf:type="int" ovf:qualifiers="ValueMap{' + many("{0}9..{0}99,") + '}"/>'
    ),
    "qualifiers of a property": lambda: with_properties(
        '<Property ovf:key="k" ovf:qualifiers="' + many("MaxLen({0}1),") + '"/>'
    ),
    "configurations": lambda: with_properties(
        PROPERTY,
        "<DeploymentOptionSection>" + many('<Configuration ovf:id="c{0}"/>') + "</DeploymentOptionSection>",
    ),
    "references": lambda: replaced("</References>", many('<File ovf:id="f{0}" ovf:href="f%20{0}"/>') + "</References>"),
    "references out of the package": lambda: replaced("<File", many('<File ovf:href="{0}/../%2e%2e"/>') + "<File"),
    "nested elements": lambda: with_properties(("<a>" * 150 + "</a>" * 150) * (N // 100)),
    "members": lambda: tar_of([*PLAIN, *((f"m{n}", b"") for n in range(N))]),
    "members with GNU names": lambda: tar_of(
        [*PLAIN, *(("m" * 120 + str(n), b"") for n in range(N))], format=tarfile.GNU_FORMAT
    ),
    "members with pax names": lambda: tar_of(
        [*PLAIN, *(("m" * 120 + str(n), b"") for n in range(N))], format=tarfile.PAX_FORMAT
    ),
    "a long GNU name": lambda: extended(b"d/" * 20 * N + b"vm.ovf\0", b"L"),
    "pax records": lambda: pax(N),
    "lines of a manifest": lambda: with_manifest(many("SHA256(f{0})= " + "0" * 64 + "\n").encode()),
    "lines about names in another case": lambda: tar_of(
        [*PLAIN[:1], ("vm.mf", many("SHA256(F{0})= " + "0" * 64 + "\n").encode()), *((f"f{n}", b"") for n in range(N))]
    ),
    "lines about the manifest": lambda: with_manifest(manifest_of({"vm.mf": b""}) * N),
    "references in another normalisation": lambda: tar_of(
        [
            ("vm.ovf", build.descriptor().replace("<File", many('<File ovf:href="\u00e4{0}"/>') + "<File").encode()),
            *((f"a\u0308{n}", b"") for n in range(N)),
        ]
    ),
    "chunks": lambda: tar_of(
        [
            ("vm.ovf", build.descriptor(href='disk.vmdk" ovf:size="1" ovf:chunkSize="1').encode()),
            *((f"disk.vmdk.{n:09d}", b"") for n in range(N)),
        ]
    ),
    "lines about one file": lambda: with_manifest(manifest_of({"vm.ovf": TEXT}) * N),
    "lines that cannot be read": lambda: with_manifest(manifest_of({"vm.ovf": TEXT}) + b"a\n" * N),
    "a signature": lambda: tar_of([*PLAIN, ("vm.cert", b"SHA256(vm.mf)= " + b"00 " * N + b"-----BEGIN ")]),
}


@pytest.mark.parametrize("what", GROWN)
def test_what_there_is_much_of_costs_steps_by_its_length(what: str, tmp_path: Path) -> None:
    data = GROWN[what]()
    (tmp_path / "vm.ova").write_bytes(data)

    steps_of(lambda: use(tmp_path / "vm.ova"), len(data))
    assert counter.steps > N, "nothing was read"


def test_a_copy_for_each_part_of_the_input_would_be_seen(tmp_path: Path) -> None:
    """The counter itself: this is how attributes were read once, with one line for each and n bytes for each."""
    text = "x" * 20 * N
    counter.start(sys.maxsize)

    for index in range(0, len(text), 10):
        counter.sized(text[:index])

    assert counter.steps > ANY + A_BYTE * len(text)


BASES = (
    tar_of(PLAIN),
    tar_of([("d" * 120 + "/vm.ovf", TEXT), ("vm.cert", b"SHA1(vm.mf)= 00")], format=tarfile.GNU_FORMAT),
    pax(3),
    with_properties(many(PROPERTY, 3) + '<Property ovf:key="k" ovf:qualifiers="ValueMap{&quot;a&quot;,7},MinLen(1)"/>'),
    TEXT,
    extended(b"19 path=disk1.vmdk\n" + b"10 a=1234\n"),
)


def headers_mended(data: bytearray) -> None:
    """Makes the checksums of tar headers right again, or every damage would end there."""
    for start in range(0, len(data) - 511, 512):
        if data[start + 257 : start + 262] == b"ustar":
            data[start + 148 : start + 156] = b" " * 8
            data[start + 148 : start + 156] = b"%06o\0 " % sum(data[start : start + 512])


def damaged(seed: int, strokes: list[tuple[str, int, int]]) -> bytes:
    """One of the bases after changes that real and hostile writers make: (what, where, with what)."""
    data = bytearray(BASES[seed % len(BASES)])
    for what, where, number in strokes:
        place = where % (len(data) + 1)
        stop = place + number % 700
        if what == "byte":
            data[place : place + 1] = bytes([number % 256])
        elif what == "repeat":
            data[place:place] = data[place:stop] * (number % 9)
        elif what == "cut":
            del data[place:stop]
        else:
            data[place:stop] = Random(number).choice(
                [b"0 =\n", b"9 a=junk\n", b"99999999999 ", b"<a>", b'a="', b"ValueMap{", b"'", b"SHA256(", b"\0" * 512]
            )
    headers_mended(data)
    return bytes(data)


STROKES = st.tuples(
    st.sampled_from(["byte", "repeat", "cut", "piece"]), st.integers(0, 1 << 16), st.integers(0, 1 << 16)
)


@settings(max_examples=250, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, len(BASES) - 1), st.lists(STROKES, max_size=12))
def test_whatever_is_done_to_a_package_steps_stay_within_its_length(
    tmp_path_factory: pytest.TempPathFactory, seed: int, strokes: list[tuple[str, int, int]]
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged"
    data = damaged(seed, strokes)
    path.write_bytes(data)

    steps_of(lambda: use(path), len(data))


RECORDS = st.lists(
    st.sampled_from(
        [b"19 path=disk1.vmdk\n", b"10 a=1234\n", b"0 ", b" ", b"junk", b"=", b"\n", b"12345678901", b"5 a=\n"]
    )
)


@settings(max_examples=150, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
@given(RECORDS, st.sampled_from([b"x", b"g", b"L"]))
def test_whatever_an_extension_header_holds_steps_stay_within_its_length(
    tmp_path_factory: pytest.TempPathFactory, records: list[bytes], kind: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "extended"
    data = extended(b"".join(records), kind)
    path.write_bytes(data)

    steps_of(lambda: use(path), len(data))


def read_by(reader: Callable[[str], object], text: str) -> None:
    with contextlib.suppress(counted("errors").OvaError, counted("qualifiers").QualifierSyntaxError):
        reader(text)


LETTERS = st.text("""aS(H1)25{}[],;."'\\=-:/% \t\n0""", max_size=300)


@settings(max_examples=150, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
@given(LETTERS)
def test_whatever_a_text_is_each_reader_of_texts_takes_steps_by_its_length(text: str) -> None:
    for reader in TEXTS.values():
        counter.start(1_000 + A_BYTE * len(text))
        read_by(reader, text)


def check(value: str = "7", **fields: str) -> None:
    prop = counted("model").Property("k", "k", **fields)
    counted("values").check_value(prop, value)


def certificate(text: str) -> None:
    manifest = counted("manifest").parse_manifest("vm.mf", b"")
    data = text.encode() + b"\n-----BEGIN CERTIFICATE-----\n"
    counted("certificate").verify_certificate(Certificate("vm.cert", data), manifest)


def members() -> object:
    return counted("member_names").MemberNames(["d/a", "d/A", "d/\u00e4", "d/f.000000000"])


def reference(text: str) -> None:
    found = counted("model").Reference("f", text, 1, chunk_size=1)
    counted("file_references").locate([found, found], members(), len, "d/vm.ovf")


TEXTS: dict[str, Callable[[str], object]] = {
    "qualifiers": lambda text: counted("qualifiers").parse_qualifiers(text),
    "type": lambda text: check(type=text),
    "type in parentheses": lambda text: check(type=f"string({text})"),
    "type in brackets": lambda text: check(type=f"string[{text}]"),
    "manifest": lambda text: counted("manifest").parse_manifest("d/vm.mf", text.encode(), members()),
    "certificate": certificate,
    "reference": reference,
    "name in another normalisation": lambda text: counted("member_names").folded(text + "\u0301\u0323" * len(text)),
    "name": lambda text: counted("tar").safe_name(text),
    "header": lambda text: counted("tar").header_for(text, 1),
    "value": lambda text: check(text, qualifiers="ValueMap{1,2..3,..5}", type="real32"),
    "addresses": lambda text: check(text, vmw_qualifiers="Dns"),
    "netmask": lambda text: check(text, vmw_qualifiers="Netmask"),
    "subnet": lambda text: check(text, vmw_qualifiers="Subnet"),
    "encoding": lambda text: counted("xmltext").detect_encoding(f'<?xml version="1.0" encoding="{text}"'.encode()),
}
# Inputs that a pattern could retry at each position: with retries none of these ends in time.
TRIED = ["SHA256(" + ") " * 40_000, "SHA256(" + ")=a" * 40_000 + "!", "SHA" + "2" * 100_000, "MinLen" + " " * 100_000]
TRIED += ['"' * 100_000, "a" * 100_000, " " * 100_000, "(" * 100_000, "{" * 100_000, "1" * 100_000, "/" * 100_000]
TRIED += [
    "\\" * 100_000,
    "a " * 50_000,
    "1.." * 40_000,
    "'a'," * 30_000 + "'",
    "-" * 100_000,
    "." * 100_000,
    "%2" * 50_000,
]


@pytest.mark.parametrize("reader", TEXTS)
def test_no_pattern_tries_again_at_each_place(reader: str) -> None:
    start = time.process_time()

    for text in TRIED:
        counter.start(ANY + A_BYTE * len(text))
        read_by(TEXTS[reader], text)

    assert time.process_time() - start < 5
