"""Files in vaults, without a server."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from irods_zone import paths
from irods_zone.errors import IrodsError
from irods_zone.operations import hashing, vault
from tests.support import code_of


def test_a_logical_path_has_its_place_below_the_vault() -> None:
    assert vault.physical_path("/v/", "/tempZone/home/rods/o") == "/v/home/rods/o"


def test_a_file_in_the_way_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "o").write_text("whose?")
    other = vault.free_path(str(tmp_path), "/tempZone/o")
    assert other.startswith(f"{tmp_path}/o.")
    os.close(vault.create(other))
    assert (tmp_path / "o").read_text() == "whose?"


def test_system_errors_carry_their_errno(tmp_path: Path) -> None:
    (tmp_path / "o").write_text("")
    assert code_of(vault.create, str(tmp_path / "o")) == -511000 - errno.EEXIST
    assert code_of(vault.size_of, str(tmp_path / "none")) == -516000 - errno.ENOENT


@pytest.mark.parametrize("links", [True, False])
def test_a_second_name_leaves_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool) -> None:
    if not links:

        def refuse(old: str, new: str) -> None:
            raise OSError(errno.ENOTSUP, "no links here")

        monkeypatch.setattr(os, "link", refuse)
    (tmp_path / "old").write_bytes(b"x" * 3_000_000)
    vault.add_name(str(tmp_path / "old"), str(tmp_path / "deep" / "er" / "new"))
    assert (tmp_path / "deep/er/new").read_bytes() == (tmp_path / "old").read_bytes()


def test_removing_a_file_removes_directories_that_become_empty_but_not_the_vault(tmp_path: Path) -> None:
    os.close(vault.create(str(tmp_path / "a/b/c")))
    os.close(vault.create(str(tmp_path / "a/d")))
    vault.remove(str(tmp_path / "a/b/c"), str(tmp_path))
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")) == ["a", "a/d"]
    vault.remove(str(tmp_path / "a/d"), str(tmp_path))
    vault.remove(str(tmp_path / "a/d"), str(tmp_path))
    assert tmp_path.is_dir() and not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("scheme", "expected"),
    [
        ("sha2", "sha2:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="),
        ("md5", "900150983cd24fb0d6963f7d28e17f72"),
        ("sha1", "sha1:qZk+NkcGgWq6PiVxeFDCbJzQ2J0="),
        ("adler32", "adler32:024d0127"),
    ],
)
def test_checksums_as_irods_writes_them(tmp_path: Path, scheme: str, expected: str) -> None:
    (tmp_path / "o").write_bytes(b"abc")
    assert hashing.of_file(str(tmp_path / "o"), scheme) == expected
    assert hashing.scheme_of(expected) == scheme


@pytest.mark.parametrize("path", ["", "x", "/a/../b", "/a/./b", "/a//b", "/a\0b", "/" + "x" * 2000])
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(IrodsError):
        paths.checked(path)
    assert paths.checked("/a/b/") == "/a/b"
    assert paths.checked("/") == "/"
