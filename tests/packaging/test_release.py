"""The tools of a release: the notes from the changelog, and workflows that run what they name."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
CHANGELOG = """# Changelog

## 0.3.0 — unreleased

- new

## 0.2.0 — 2026-02-01

### Added

- two

## 0.2 — 2026-01-01

- old
"""


def notes(version: str) -> subprocess.CompletedProcess[str]:
    command = [str(REPOSITORY / ".ci" / "release-notes"), version]
    return subprocess.run(command, input=CHANGELOG, capture_output=True, text=True, timeout=60)


def test_the_notes_are_the_section_of_the_version() -> None:
    done = notes("0.2.0")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "\n### Added\n\n- two\n\n"


@pytest.mark.parametrize(
    ("version", "error"),
    [
        ("0.3.0", "release-notes: 0.3.0 is unreleased; write its date\n"),
        ("0.4.0", "release-notes: the changelog has no section ## 0.4.0\n"),
        ("0.2.", "release-notes: the changelog has no section ## 0.2.\n"),
    ],
)
def test_without_a_dated_section_there_is_no_release(version: str, error: str) -> None:
    done = notes(version)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", error)


@pytest.mark.parametrize(
    "file", sorted((REPOSITORY / ".github" / "workflows").glob("*.yml")), ids=lambda file: file.name
)
def test_actions_are_pinned_by_commit(file: Path) -> None:
    used = re.findall(r"uses: (.*)", file.read_text(encoding="utf-8"))
    assert used
    for action in used:
        assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40}  # v\d+\.\d+\.\d+", action), action


@pytest.mark.parametrize("script", ["run", "release-notes", "check-wheels"])
def test_scripts_can_be_read(script: str) -> None:
    assert subprocess.run(["bash", "-n", str(REPOSITORY / ".ci" / script)], timeout=60).returncode == 0
