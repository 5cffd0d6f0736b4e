"""The documents are consistent: links work, each sentence is on one line, tables match the code."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from ova_rules.settings import SETTINGS

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
DECISIONS = sorted((DOCS / "decisions").glob("0*.md"))
DOCUMENTS = [*ROOT.glob("*.md"), *DOCS.rglob("*.md")]

LINK = re.compile(r"\]\(([^)\s]+)\)")
NEXT_SENTENCE = re.compile(r"[\w`)\]*\"][.?!] +[A-Z`*\[$]")


def prose(path: Path) -> list[str]:
    """The lines outside of code blocks, tables and headings, without the marks of lists."""
    lines, fenced = [], False
    for line in path.read_text(encoding="utf-8").splitlines():
        fenced ^= line.startswith("```")
        if not fenced and not line.startswith(("```", "    ", "|", "#")):
            lines.append(re.sub(r"^\s*(?:[-*]|\d+\.)\s+", "", line))
    return lines


def anchors(path: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    heads = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    wrong = []
    for link in LINK.findall(path.read_text(encoding="utf-8")):
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        if "://" not in link and (not target.exists() or (anchor and anchor not in anchors(target))):
            wrong.append(link)
    assert wrong == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_one_sentence_stands_in_a_line(path: Path) -> None:
    assert [line for line in prose(path) if NEXT_SENTENCE.search(line)] == []


def test_the_map_has_each_document() -> None:
    linked = set(LINK.findall((DOCS / "README.md").read_text(encoding="utf-8")))

    assert {path.name for path in DOCS.glob("*.md")} - linked == {"README.md"}


def test_each_decision_is_listed_and_has_its_parts() -> None:
    listed = LINK.findall((DOCS / "decisions" / "README.md").read_text(encoding="utf-8"))

    assert listed == [path.name for path in DECISIONS]
    for number, path in enumerate(DECISIONS, 1):
        text = path.read_text(encoding="utf-8")
        assert text.startswith(f"# {number}. ")
        assert re.search(r"^- Status: accepted\b.*\n- Date: \d{4}-\d\d-\d\d$", text, re.MULTILINE), path.name
        assert re.findall(r"^## (.*)$", text, re.MULTILINE) == ["Options", "Decision", "Consequences"], path.name


def test_the_settings_are_those_of_the_code() -> None:
    rows = [f"| `{each.key}` | `{json.dumps(each.default)}` | {each.text} |" for each in SETTINGS.values()]
    table = "\n".join(["| key | default | meaning |", "| --- | --- | --- |", *rows])

    assert table in (DOCS / "operations.md").read_text(encoding="utf-8")
