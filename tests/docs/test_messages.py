"""docs/messages.md matches the texts of the rules: no message without a row, no row without a message.

A row's first cell is the message, with *words in italics* for the variable parts; an f-string is a message, too, with
expressions for these parts. A message may consist of several texts (`AVU … of …`, `: …`), so a row is right if the
texts that fit into it cover all its words.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from ova_rules.settings import SETTINGS

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "rules" / "ova_rules"
DOCUMENT = ROOT / "docs" / "messages.md"

ANY = "\0"  # for what differs, in texts and in rows
IDENTIFIER = re.compile(r"[a-z]+(?:_+[a-z]+)+|ova::\w+")  # an AVU or a setting: the code may have it in a value

# Texts that are no messages: purposes of settings (docs/operations.md), queries, rule text, parts of a message.
SETTING_TEXTS = {setting.text for setting in SETTINGS.values()}
NO_MESSAGE = re.compile(
    r"^(SELECT|INSERT|UPDATE|DELETE|CREATE|DROP|PRAGMA|ALTER|BEGIN|core\.|import core|RULE_EXEC_NAME|DATA_NAME)"
    r"|META_COLL|META_DATA| = :at|\blike '| AND | IN \(|^\d+s "
    r"|^an? (number|list|object|absolute)|^\"owners\", \"refuse\"|^AVU ova_url of |^not a component$|^unix file system$"
    r"|^(other AVUs, same content|still the same|defaults are used|URL prefixes and address ranges)$"
)


def texts_of(file: Path) -> Iterator[str]:
    """The string constants and f-strings of a module, with ANY for each expression; no docstrings."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    skipped: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            skipped.add(id(node.value))  # a docstring
        if isinstance(node, ast.JoinedStr):
            skipped.update(id(part) for part in node.values)
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else ANY for part in node.values)


def messages(file: Path) -> Iterator[str]:
    """The texts that read like a sentence."""
    for text in texts_of(file):
        longest = max(text.split(ANY), key=len).strip(" :;,")
        sentence = longest.count(" ") >= 2 and len(longest) >= 14 and text not in SETTING_TEXTS
        if sentence and not NO_MESSAGE.search(text.replace(ANY, "")):
            yield text


def rows() -> list[str]:
    """The messages that the document lists."""
    lines = DOCUMENT.read_text(encoding="utf-8").splitlines()
    cells = [line.split(" | ")[0].removeprefix("| ") for line in lines if line.startswith("| ")]
    return [re.sub(r"\*[^*]+\*", ANY, cell) for cell in cells if cell not in ("message", "---")]


@cache
def pattern(text: str) -> re.Pattern[str]:
    """What a text fits: its fixed parts, each a group, in order."""
    return re.compile(".*?".join(f"({re.escape(part)})" for part in text.strip().split(ANY)))


@cache
def parts() -> tuple[str, ...]:
    """All texts that a message may be put together from."""
    files = [*RULES.rglob("*.py"), *(ROOT / "ova_tools").rglob("*.py")]
    found = {text for file in files for text in texts_of(file)}
    return tuple(text for text in sorted(found) if " " in text and len(re.findall("[A-Za-z]", text)) >= 4)


def left_over(row: str) -> str:
    """The words of a row that come from no text."""
    covered = bytearray(len(row))
    for found in [*IDENTIFIER.finditer(row), *(pattern(text).search(row) for text in parts())]:
        for group in range(len(found.groups()) + 1) if found else ():
            if found and (group or not found.groups()):
                covered[found.start(group) : found.end(group)] = b"\1" * (found.end(group) - found.start(group))
    return " ".join("".join(c for c, done in zip(row, covered) if not done and (c.isalnum() or c == " ")).split())


@pytest.mark.parametrize("file", sorted(RULES.rglob("*.py")), ids=lambda file: str(file.relative_to(ROOT)))
def test_every_message_is_explained(file: Path) -> None:
    missing = [text for text in messages(file) if not any(pattern(text).search(row) for row in rows())]
    assert missing == [], f"docs/messages.md says nothing of these texts of {file.name}"


@pytest.mark.parametrize("row", rows())
def test_every_row_has_a_text_in_the_code(row: str) -> None:
    assert left_over(row) == "", f"no text of the rules makes this message of docs/messages.md: {row}"
