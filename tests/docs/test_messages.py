"""docs/messages.md has every message of the rules: what a person may read must be explained somewhere."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = " ".join((ROOT / "docs" / "messages.md").read_text(encoding="utf-8").split())

# Texts that no person reads: queries, rule text, and what completes a message that is listed.
NOT_MESSAGES = re.compile(
    r"^(SELECT|INSERT|UPDATE|DELETE|CREATE|DROP|PRAGMA|ALTER|BEGIN|core\.|import core|RULE_EXEC_NAME|DATA_NAME)"
    r"|META_COLL|META_DATA| = :at|\blike '| AND | IN \(|^\d+s "
    r"|^a (number of|list of)|^an (object|absolute)|^\"refuse\"|^AVU ova_url of |^not a component$"
    r"|^(other AVUs, same content|still the same)$"
)


def literals(tree: ast.AST) -> Iterator[str]:
    """The string constants and f-strings of a module, with a zero byte for each value; no docstrings."""
    skipped: set[int] = set()
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(node, (ast.Module, ast.FunctionDef, ast.ClassDef)) and body and isinstance(body[0], ast.Expr):
            skipped.add(id(body[0].value))
        if isinstance(node, ast.JoinedStr):
            skipped.update(id(part) for part in node.values)
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "\0" for part in node.values)


def messages(file: Path) -> Iterator[str]:
    """The longest fixed part of each text that reads like a sentence."""
    for text in literals(ast.parse(file.read_text(encoding="utf-8"))):
        longest = max(text.split("\0"), key=len).strip(" :;,")
        if longest.count(" ") >= 2 and len(longest) >= 14 and not NOT_MESSAGES.search(text.replace("\0", "")):
            yield longest


@pytest.mark.parametrize(
    "file", sorted((ROOT / "rules" / "ova_rules").rglob("*.py")), ids=lambda file: str(file.relative_to(ROOT))
)
def test_every_message_is_explained(file: Path) -> None:
    missing = [text for text in messages(file) if " ".join(text.split()) not in DOCUMENT]
    assert missing == [], f"docs/messages.md says nothing of these texts of {file.name}"
