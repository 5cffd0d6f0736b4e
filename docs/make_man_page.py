"""Prints the man page of `ova`, made from its parser: `make man` writes it to docs/ova.1.

Must never depend on the width of a terminal or on how a version of argparse lays out its help.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from ova_tools.cli import make_parser

EXIT_STATUS = (
    ("0", "done; of diff: the same"),
    ("1", "refused, with one line on stderr; of diff: different"),
    ("2", "wrong usage; of diff: also trouble"),
)


def page(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Yield the lines of the page, in the man macros of roff."""
    (commands,) = (each for each in parser._actions if isinstance(each, argparse._SubParsersAction))
    yield '.TH OVA 1 "" "ova-tools" "User Commands"'
    yield ".SH NAME"
    first = (parser.description or "").rstrip(".")
    yield escaped(f"ova - {first[0].lower()}{first[1:]}")
    yield ".SH SYNOPSIS"
    yield ".B ova"
    yield escaped("[--help] [--version] COMMAND ...")
    yield ".SH COMMANDS"
    for name, command in commands.choices.items():
        yield from of_command(name, command)
    yield ".SH EXIT STATUS"
    for status, meaning in EXIT_STATUS:
        yield from (".TP", f".B {status}", escaped(meaning))
    yield ".SH SEE ALSO"
    yield escaped("DSP0243, Open Virtualization Format Specification, of the DMTF.")


def of_command(name: str, command: argparse.ArgumentParser) -> Iterator[str]:
    """Yield the part about one command: what it does, its arguments, examples."""
    actions = [each for each in command._actions if "--help" not in each.option_strings]
    words = ["ova", name]
    for action in actions:
        if not action.option_strings:
            words.append(f"{action.metavar} ..." if action.nargs in ("*", "+") else str(action.metavar))
    if any(action.option_strings for action in actions):
        words.append("[OPTION ...]")
    line = escaped(" ".join(words))
    yield f'.SS "{line}"'
    for number, paragraph in enumerate((command.description or "").split("\n\n")):
        if number:
            yield ".PP"
        yield from map(escaped, paragraph.splitlines())
    for action in actions:
        yield ".TP"
        yield f".B {escaped(spelt(action))}"
        yield escaped(action.help or "")
    yield ".PP"
    yield "Examples:"
    yield from (".PP", ".nf", ".RS")
    yield from (escaped(line.strip()) for line in (command.epilog or "").splitlines()[1:])
    yield from (".RE", ".fi")


def spelt(action: argparse.Action) -> str:
    """Return an argument as it is typed."""
    if not action.option_strings:
        return str(action.metavar)
    value = "" if action.nargs == 0 else f" {action.metavar or '|'.join(map(str, action.choices or ()))}"
    return ", ".join(action.option_strings) + value


def escaped(text: str) -> str:
    """Return `text` so that roff shows it as it is."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace('"', "\\(dq")
    return f"\\&{text}" if text.startswith((".", "'")) else text


if __name__ == "__main__":
    print("\n".join(page(make_parser())))
