"""The documents are right: their links work, and the example of the README passes."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from irods_zone import cli

PROJECT = Path(__file__).parents[1]
DOCUMENTS = [PROJECT / "README.md", *sorted((PROJECT / "docs").glob("*.md"))]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_to_files(document: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text(encoding="utf-8"))
    assert [link for link in links if not (document.parent / link).exists()] == []


def test_the_example_of_the_readme_passes(tmp_path: Path) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", (PROJECT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "test_example.py").write_text(example)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_example.py"],
        cwd=tmp_path, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_every_option_is_described() -> None:
    text = (PROJECT / "docs/running.md").read_text(encoding="utf-8")
    options = {
        option for action in cli.parser()._actions for option in action.option_strings if option.startswith("--")
    }
    assert {option for option in options if f"`{option}" not in text} == {"--help"}
