"""The disc: read back by readers that did not write it, and the same bytes for the same files."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pycdlib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ova_tools.errors import SeedError
from ova_tools.seed import disc
from ova_tools.seed.layouts import Kind
from ova_tools.seed.tasks import DiscFile, Task, files_of, in_memory

PARTS = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="*/:;?\\"), min_size=1, max_size=30)
NAMES = PARTS.filter(lambda name: name not in (".", "..") and len(name.encode()) <= 64)


def written(files: list[DiscFile], label: str = "OVF ENV") -> bytes:
    out = io.BytesIO()
    assert disc.write(files, label, out) == len(out.getvalue())
    return out.getvalue()


def read_back(data: bytes, **view: str) -> dict[str, bytes]:
    iso = pycdlib.PyCdlib()
    iso.open_fp(io.BytesIO(data))
    [kind] = view
    found = {}
    for folder, _, names in iso.walk(**view):
        for name in names:
            out, path = io.BytesIO(), f"{folder.rstrip('/')}/{name}"
            iso.get_file_from_iso_fp(out, **{kind: path})
            found[path[1:]] = out.getvalue()
    iso.close()
    return found


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(NAMES, st.binary(max_size=5000), max_size=6))
def test_what_goes_on_it_is_read_back_on_unix_and_on_windows(contents: dict[str, bytes]) -> None:
    known: dict[str, bytes] = {}
    for name, data in contents.items():
        if name.casefold() not in {other.casefold() for other in known}:
            known[name] = data
    tasks = [Task("install", 0, name, len(data), lambda data=data: io.BytesIO(data)) for name, data in known.items()]  # type: ignore[misc]
    data = written(files_of(tasks, {}))
    for view in ({"rr_path": "/"}, {"joliet_path": "/"}):
        found = read_back(data, **view)
        assert {name[len("tasks/install/00/") :]: text for name, text in found.items() if "/install/" in name} == known


def test_the_same_files_give_the_same_bytes_at_any_time_and_place(monkeypatch: pytest.MonkeyPatch) -> None:
    files = [in_memory("ovf-env.xml", b"x"), in_memory("tasks/run", b"#!/bin/sh\n", executable=True)]
    first = written(files)
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    time.tzset()
    try:
        monkeypatch.setattr(time, "time", lambda: 4_000_000_000.0)
        assert written(list(reversed(files))) == first
    finally:
        monkeypatch.undo()
        time.tzset()


def test_its_size_is_a_multiple_and_its_first_bytes_say_what_made_it() -> None:
    data = written([in_memory("a", b"x")])
    assert len(data) % 65536 == 0
    assert data.startswith(b"ova-tools seed\n")


@pytest.mark.skipif(shutil.which("xorriso") is None, reason="xorriso is not installed here")
@pytest.mark.parametrize("kind", Kind)
def test_another_reader_finds_label_names_and_bytes(kind: Kind, tmp_path: Path) -> None:
    file = tmp_path / "seed.iso"
    file.write_bytes(written([in_memory("tasks/install/00/10 it's.sh", b"#!/bin/sh\n", executable=True)], kind.label))
    command = ["xorriso", "-osirrox", "on", "-indev", str(file), "-extract", "/", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert f"Volume id    : '{kind.label}'" in done.stdout + done.stderr
    script = tmp_path / "out/tasks/install/00/10 it's.sh"
    assert script.read_bytes() == b"#!/bin/sh\n"
    assert script.stat().st_mode & 0o555 == 0o555


@pytest.mark.parametrize(("size", "why"), [(4, "is shorter than it was"), (2, "is longer than it was")])
def test_a_file_that_changes_meanwhile_is_one_line(size: int, why: str) -> None:
    with pytest.raises(SeedError, match=why):
        written([DiscFile("a", size, lambda: io.BytesIO(b"abc"))])


def test_without_pycdlib_one_line_says_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "pycdlib.py").write_text("raise ImportError\n")
    program = (
        "import io\nfrom ova_tools.errors import SeedError\nfrom ova_tools.seed import disc\n"
        "try:\n    disc.write([], 'x', io.BytesIO())\nexcept SeedError as error:\n    print(error)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "seeds need the Python package pycdlib, which is not here; an administrator installs it\n"


def test_large_tasks_are_not_held_in_memory(tmp_path: Path) -> None:
    import tracemalloc

    big = tmp_path / "big"
    with big.open("wb") as stream:
        stream.truncate(64 << 20)
    with (tmp_path / "out").open("w+b") as out:
        tracemalloc.start()
        disc.write([DiscFile("tasks/install/00/big", 64 << 20, lambda: big.open("rb"))], "x", out)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 16 << 20
