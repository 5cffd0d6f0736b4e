"""The main promise: except for values, manifest line and padding, every byte of the package is that of the source."""

from __future__ import annotations

import hashlib
import io
import tarfile
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ova_tools.edit import Change, edit
from ova_tools.package import read_package
from ova_tools.verify import verify_members
from ova_tools.write import stream
from tests.support.appliances import manifest_of, tar_of

from . import build

KEYS = st.lists(st.from_regex(r"[a-z][a-z.-]{0,9}", fullmatch=True), min_size=1, max_size=5, unique=True)
VALUES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40).filter(
    lambda text: all(ord(c) >= 32 or c in "\t\n\r" for c in text) and not set(text) & {"\ufffe", "\uffff"}
)
LONG_VALUES = VALUES | st.integers(0, 30_000).map(lambda n: "x" * n)


class Drawn:
    """An archive, and the keys of its properties; hypothesis would print all of a dataclass."""

    def __init__(self, data: bytes, keys: list[str]) -> None:
        self.data, self.keys = data, keys


@st.composite
def packages(draw: st.DrawFn) -> Drawn:
    """Return an archive of some order and dialect."""
    keys = draw(KEYS)
    quote = draw(st.sampled_from("'\""))
    properties = "".join(
        f"<Property ovf:key={quote}{key}{quote} ovf:userConfigurable='true'"
        + draw(st.sampled_from(["", " ovf:value='old'", ' ovf:value = "&#10;&lt;"', "\n value='bare'"]))
        + draw(st.sampled_from(["/>", ">\n<Label>l</Label></Property>\r\n"]))
        for key in keys
    )
    encoding = draw(st.sampled_from(["utf-8", "utf-16", "utf-8-sig", "latin-1"]))
    head = f'<?xml version="1.0" encoding="{encoding[:6] if "utf-8" not in encoding else "UTF-8"}"?>'
    head = head.replace('"latin-"', '"ISO-8859-1"')
    end = draw(st.sampled_from(["", "\n", "\n<!-- end -->\n", " " * 3000]))
    text = (build.descriptor(properties, head=head).rstrip() + end).encode(encoding)
    disk = build.disk(draw(st.integers(0, 9000)))
    algorithm = draw(st.sampled_from([None, "SHA1", "SHA256", "SHA512"]))
    members = [("vm.ovf", text), ("disk.vmdk", disk), ("other.iso", b"iso")]
    if algorithm:
        listed = manifest_of({"vm.ovf": text, "disk.vmdk": disk}, algorithm)
        members.insert(draw(st.integers(0, 3)), ("vm.mf", listed))
    if draw(st.booleans()):
        members.insert(draw(st.integers(0, len(members))), ("vm.cert", build.disk(1500)))
    if draw(st.booleans()):
        members = draw(st.permutations(members))
    return Drawn(tar_of(members, format=draw(st.sampled_from([0, 1, 2]))), keys)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=60)
@given(packages(), st.data(), st.sampled_from([0, 8192]))
def test_for_any_package_and_values_only_what_was_asked_changes(drawn: Drawn, data: st.DataObject, spare: int) -> None:
    source, keys = drawn.data, drawn.keys
    with tempfile.TemporaryDirectory() as name:
        path, target = Path(name) / "vm.ova", Path(name) / "new.ova"
        path.write_bytes(source)
        wanted = {key: data.draw(LONG_VALUES) for key in data.draw(st.lists(st.sampled_from(keys), unique=True))}
        with read_package(path) as package:
            changes = [Change(p, wanted[p.key]) for p in package.properties if p.key in wanted]
            result = edit(package, changes, spare=spare)
            assert edit(package, changes, spare=spare) == result
            target.write_bytes(b"".join(stream(result.plan, package.fileno())))
            before = {p.key: p.value for p in package.properties}
        new = target.read_bytes()
        assert len(new) == result.plan.size
        with read_package(target) as after:
            assert {p.key: p.value for p in after.properties} == {**before, **wanted}
            if after.manifest:
                verify_members(after)

    with tarfile.open(fileobj=io.BytesIO(source)) as old_tar, tarfile.open(fileobj=io.BytesIO(new)) as new_tar:
        old = {m.name: (m, source[m.offset : m.offset_data + m.size]) for m in old_tar.getmembers()}
        fresh = {m.name: (m, new[m.offset : m.offset_data + m.size]) for m in new_tar.getmembers()}
        others = [m for m in old_tar.getnames() if m not in ("vm.ovf", "vm.mf", "vm.cert")]
        assert new_tar.getnames()[0] == "vm.ovf"
        assert [m for m in new_tar.getnames() if m in others] == others
        for member in others:
            assert fresh[member][1] == old[member][1]
        largest = max(others, key=lambda m: old[m][0].size)
        if old[largest][0].size and result.descriptor != old["vm.ovf"][1][-old["vm.ovf"][0].size :]:
            assert (fresh[largest][0].offset_data - old[largest][0].offset_data) % 4096 == 0


@settings(max_examples=40, deadline=None)
@given(st.lists(VALUES, min_size=2, max_size=4))
def test_outside_value_manifest_line_and_padding_every_byte_is_the_sources(values: list[str]) -> None:
    with tempfile.TemporaryDirectory() as name:
        path = build.ova(Path(name))
        source = path.read_bytes()
        with read_package(path) as package:
            prop = package.properties[0]
            results = [edit(package, [Change(prop, value)]) for value in values]
            built = [b"".join(stream(result.plan, package.fileno())) for result in results]
            disk = next(m for m in package.members if m.name == "disk.vmdk")

    assert len({len(data) for data in built}) == 1
    text = build.descriptor().encode()
    start, end = text.index(b"myhost"), text.index(b"myhost") + 6
    for data, result in zip(built, results):
        shift = len(data) - len(source)
        assert data[512 : 512 + start] == text[:start]
        assert text[end:].rstrip() == result.descriptor.rstrip()[-len(text[end:].rstrip()) :]
        manifest = data.index(b"SHA256(vm.ovf)= ")
        old_manifest = source.index(b"SHA256(vm.ovf)= ")
        assert data[manifest - 512 : manifest + 16] == source[old_manifest - 512 : old_manifest + 16]
        assert data[manifest + 16 : manifest + 80] == hashlib.sha256(result.descriptor).hexdigest().encode()
        assert data[manifest + 80 :] == source[old_manifest + 80 :]
        assert shift % 4096 == 0
        assert data[disk.offset + shift :] == source[disk.offset :]
