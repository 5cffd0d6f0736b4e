"""The uses of images: paths as bytes, ranges of paths, and the effects of renames and removals."""

from __future__ import annotations

import multiprocessing
import posixpath
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ova_rules.images import usage
from ova_rules.images.usage import Use
from tests.support import REPOSITORY
from tests.support.importing import imported


@pytest.fixture
def folder(tmp_path: Path) -> str:
    return str(tmp_path / "state")


def test_nothing_is_made_before_there_is_a_use(folder: str) -> None:
    usage.note(folder, "/z/c", None)
    usage.forget(folder, [Use("/z/s.ova", "/z/c")])
    usage.renamed(folder, "/z", "/y")
    assert usage.source_of(folder, "/z/c") is None
    assert usage.users_of(folder, "/z/s.ova") == []
    assert usage.uses_from_outside(folder, "/z") == []
    assert [path.name for path in Path(folder).iterdir()] == []


def test_a_component_uses_one_source(folder: str) -> None:
    usage.note(folder, "/z/c", "/z/one.ova")
    usage.note(folder, "/z/c", "/z/two.ova")
    usage.note(folder, "/z/d", "/z/two.ova")
    assert usage.source_of(folder, "/z/c") == "/z/two.ova"
    assert usage.users_of(folder, "/z/one.ova") == []
    assert usage.users_of(folder, "/z/two.ova") == ["/z/c", "/z/d"]
    usage.note(folder, "/z/c", None)
    assert usage.users_of(folder, "/z/two.ova") == ["/z/d"]


def test_forgetting_a_use_leaves_a_newer_one(folder: str) -> None:
    usage.note(folder, "/z/c", "/z/two.ova")
    usage.forget(folder, [Use("/z/one.ova", "/z/c")])
    assert usage.source_of(folder, "/z/c") == "/z/two.ova"
    usage.forget(folder, [Use("/z/two.ova", "/z/c")])
    assert usage.source_of(folder, "/z/c") is None


def test_a_rename_moves_what_is_below_and_nothing_beside(folder: str) -> None:
    for component in ("/z/a", "/z/a/b", "/z/ab", "/z/a.b", "/z/a0"):
        usage.note(folder, component, "/z/s.ova")
    usage.renamed(folder, "/z/a", "/z/new place")
    assert usage.users_of(folder, "/z/s.ova") == sorted(["/z/new place", "/z/new place/b", "/z/ab", "/z/a.b", "/z/a0"])


def test_odd_names_are_names(folder: str) -> None:
    component, source = "/z/it's 100%_of \u2603 \udcff", '/z/"; DROP TABLE use; --.ova'
    usage.note(folder, component, source)
    assert usage.users_of(folder, source) == [component]
    assert usage.uses_from_outside(folder, source) == [Use(source, component)]


NAMES = st.sampled_from(["a", "b", "ab", "a-", "a.b", "a0", "é"])
PATHS = st.lists(NAMES, min_size=1, max_size=4).map(lambda parts: "/" + "/".join(parts))


def at_or_below(path: str, collection: str) -> bool:
    return posixpath.commonpath([path, collection]) == collection


@settings(max_examples=25, deadline=None)
@given(st.dictionaries(PATHS, PATHS, max_size=8), PATHS)
def test_what_lies_below_is_what_paths_say(
    tmp_path_factory: pytest.TempPathFactory, uses: dict[str, str], collection: str
) -> None:
    folder = str(tmp_path_factory.mktemp("usage") / "state")
    for component, source in uses.items():
        usage.note(folder, component, source)
    every = sorted(Use(source, component) for component, source in uses.items())
    assert usage.uses_by(folder, "") == every
    assert usage.uses_by(folder, collection) == [use for use in every if at_or_below(use.component, collection)]
    assert usage.uses_from_outside(folder, collection) == [
        use for use in every if at_or_below(use.source, collection) and not at_or_below(use.component, collection)
    ]


def note_many(folder: str, agent: str) -> None:
    for number in range(20):
        usage.note(folder, f"/z/{agent}{number}", "/z/s.ova")


def test_many_agents_at_once_lose_nothing(folder: str) -> None:
    context = multiprocessing.get_context("spawn")
    agents = [context.Process(target=note_many, args=(folder, name)) for name in "abcd"]
    for agent in agents:
        agent.start()
    for agent in agents:
        agent.join()
    assert [agent.exitcode for agent in agents] == [0] * 4
    assert len(usage.users_of(folder, "/z/s.ova")) == 80


def test_it_is_not_imported_before_it_is_needed() -> None:
    assert "sqlite3" not in imported(REPOSITORY, "core", "ova_rules.images.in_use").modules
