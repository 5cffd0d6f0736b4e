"""Whoever writes the settings decides what runs as the service account, so not everybody's file is believed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ova_rules.settings import FILE_NAME, load


@pytest.mark.parametrize(("mode", "believed"), [(0o600, True), (0o644, True), (0o664, True), (0o646, False)])
def test_a_file_that_everybody_may_write_is_not_believed(tmp_path: Path, mode: int, believed: bool) -> None:
    file = tmp_path / FILE_NAME
    file.write_text('{"gate_wait": 5}')
    file.chmod(mode)
    problems: list[str] = []
    assert load(str(tmp_path), problems.append).gate_wait == (5 if believed else 60)
    assert len(problems) == (0 if believed else 1)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to others")
def test_a_file_of_somebody_else_is_not_believed(tmp_path: Path) -> None:
    file = tmp_path / FILE_NAME
    file.write_text('{"rules_for_users": ["*"]}')
    os.chown(file, 65534, 65534)
    problems: list[str] = []
    assert load(str(tmp_path), problems.append).rules_for_users == ()
    assert "others than root and the service account may write it" in problems[0]
