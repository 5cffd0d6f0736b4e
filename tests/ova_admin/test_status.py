"""The output of `ova-admin status`: one line for each in a pipe, and no name cut, however long."""

from __future__ import annotations

import io
from datetime import datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from ova_admin import status
from ova_admin.given_up import Image
from ova_grid.components import Component
from ova_grid.connection import User

NOW = datetime(2026, 2, 1, tzinfo=timezone.utc)
ALICE = User("alice", "tempZone")

printable = st.characters(blacklist_categories=("C", "Z"), blacklist_characters="/")
names = st.lists(st.text(printable | st.just(" "), min_size=1, max_size=60), min_size=1, max_size=8).map("/".join)
paths = names.map(lambda name: f"/tempZone/home/{name}")


def component(path: str, state: str = "ready", source: str = "/tempZone/base.ova", message: str = "") -> Component:
    built = NOW - timedelta(hours=3)
    return Component(path, ALICE, state, (source,), source, built, message, "", (), ())


def in_terminal(shown: list[status.Line], width: int) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    console.print(status.rendered(shown, console.width), soft_wrap=True, highlight=False)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@given(st.lists(st.tuples(paths, paths, paths), min_size=1, max_size=4), paths, st.integers(20, 200))
def test_names_are_whole_everywhere(found: list[tuple[str, str, str]], image: str, width: int) -> None:
    components = [component(path, source=source, message=f"no [{why}]") for path, source, why in found]
    shown = status.lines(components, [Image(image, ALICE, "given up after 6 tries")], NOW)
    piped = list(status.plain(shown))
    seen = in_terminal(shown, width)
    assert len(piped) == 1 + len(found) + 1
    for line, (path, source, _) in zip(piped[1:], found):
        assert line.split("\t")[0::3] == [path, source]
    for path, source, _ in found:
        assert path in seen and source in seen
    assert image in seen


def test_a_table_is_for_what_fits() -> None:
    shown = status.lines([component("/a/b", message="short")], [], NOW)
    assert in_terminal(shown, 80).splitlines() == [
        "PATH  STATE  AGE  SOURCE              MESSAGE",
        "/a/b  ready  3 h  /tempZone/base.ova  short  ",
    ]
    assert in_terminal(shown, 40).splitlines() == ["/a/b", "    ready, 3 h", "    /tempZone/base.ova", "    short"]


def test_what_would_break_a_line_is_escaped() -> None:
    shown = status.lines([component("/a\tb\nc\x1b[31m", message="x\ty")], [], NOW)
    assert list(status.plain(shown))[1].split("\t") == [
        "/a\\tb\\nc\\x1b[31m",
        "ready",
        "3 h",
        "/tempZone/base.ova",
        "x y",
    ]


def test_image_checks_that_were_given_up_are_told_from_components() -> None:
    image = Image("/a/base.ova", ALICE, "given up after 6 tries, until something changes: its agent died, or was ended")
    found = [component("/a/b")]
    ours, theirs = status.rows(found, [image], NOW)
    assert ours.keys() == theirs.keys()
    assert (ours["kind"], theirs["kind"]) == ("component", "image")
    assert (theirs["path"], theirs["state"], theirs["message"]) == ("/a/base.ova", "given up", image.message)
    assert status.summary(found, [image]) == "1 components: 1 ready; 1 image checks given up"
    assert status.summary(found, []) == "1 components: 1 ready"
