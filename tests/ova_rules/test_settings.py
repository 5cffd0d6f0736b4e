"""The administrator's settings: errors are reported and the default is used; files of other users are not trusted."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ova_rules.settings import FILE_NAME, Settings, load


def loaded(folder: Path, text: str) -> tuple[Settings, list[str]]:
    """The settings of a file with this text, and what was reported."""
    (folder / FILE_NAME).write_text(text)
    problems: list[str] = []
    return load(str(folder), problems.append), problems


def test_settings_have_defaults_without_a_file(tmp_path: Path) -> None:
    problems: list[str] = []
    assert load(str(tmp_path), problems.append) == Settings()
    assert problems == []


def test_a_wrong_key_or_type_is_reported_and_the_default_used(tmp_path: Path) -> None:
    wrong = {"inline_limit": "64M", "gate_wiat": 3, "gate_wait": 5, "aliases": {"a": 1}}
    settings, problems = loaded(tmp_path, json.dumps(wrong))
    assert (settings.inline_limit, settings.gate_wait) == (Settings().inline_limit, 5)
    assert settings.aliases == Settings().aliases
    assert sorted(p.partition(": ")[2].partition(":")[0] for p in problems) == ["aliases", "gate_wiat", "inline_limit"]


UNUSABLE: dict[str, Callable[[Path], object]] = {
    "broken": lambda file: file.write_text("{"),
    "nested": lambda file: file.write_text("[" * 100_000),
    "a list": lambda file: file.write_text("[]"),
    "no text": lambda file: file.write_bytes(b"\xff\xfe{}"),
    "a folder": Path.mkdir,
    "a pipe": lambda file: os.mkfifo(file),
    "huge": lambda file: file.write_text(" " * 2_000_000 + "{}"),
    "a link to itself": lambda file: file.symlink_to(file),
}


@pytest.mark.parametrize("kind", UNUSABLE)
def test_a_broken_settings_file_is_reported_once_and_the_defaults_used(tmp_path: Path, kind: str) -> None:
    UNUSABLE[kind](tmp_path / FILE_NAME)
    problems: list[str] = []
    for _ in range(3):
        settings = load(str(tmp_path), problems.append)
        assert settings == Settings()
        assert "ready OVAs are neither built nor read" in settings.unusable
    assert len(problems) == 1 and FILE_NAME in problems[0]


def test_downloads_are_off_and_limited_by_default() -> None:
    assert Settings().allowed_urls == ()
    assert Settings().fetch_limit > 0 and Settings().fetch_time > 0


def test_wrong_settings_of_downloads_are_reported_and_leave_them_off(tmp_path: Path) -> None:
    wrong = {"allowed_urls": "https://h.example/", "fetch_limit": "1G", "fetch_time": -1}
    settings, problems = loaded(tmp_path, json.dumps(wrong))
    assert settings == Settings()
    assert [problem.split(": ")[1] for problem in problems] == list(wrong)


# A user who writes the settings decides what runs as the service account.


@pytest.mark.parametrize(("mode", "believed"), [(0o600, True), (0o644, True), (0o664, True), (0o646, False)])
def test_a_file_that_everybody_may_write_is_not_believed(tmp_path: Path, mode: int, believed: bool) -> None:
    file = tmp_path / FILE_NAME
    file.touch()
    file.chmod(mode)
    settings, problems = loaded(tmp_path, '{"gate_wait": 5}')
    assert settings.gate_wait == (5 if believed else 60)
    assert len(problems) == (0 if believed else 1)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to others")
def test_a_file_of_somebody_else_is_not_believed(tmp_path: Path) -> None:
    file = tmp_path / FILE_NAME
    file.touch()
    os.chown(file, 65534, 65534)
    settings, problems = loaded(tmp_path, '{"rules_for_users": ["*"]}')
    assert settings.rules_for_users == ()
    assert "others than root and the service account may write it" in problems[0]
