"""Run inspect, set and verify over every .ovf and .ova below a directory, and print a table of what came of it.

The notes of `verify`, or of reading for a plain .ovf, are counted by kind.

`set` gives the first settable property of each file a value fit for its type; where all are fixed, the first one with
--force. The result is read back with lxml, which shares no code with ova_tools. Usage:

    python -m bench.ova_tools.corpus DIR [--list]
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from ova_tools import inspect
from ova_tools.descriptor import NAMESPACES
from ova_tools.edit import Change, edit
from ova_tools.errors import OvaError, PropertyError
from ova_tools.model import Property
from ova_tools.notes import Note
from ova_tools.package import Kind, Package, read_package
from ova_tools.properties import same_name
from ova_tools.store import store
from ova_tools.values import check_value
from ova_tools.verify import verify_members

CANDIDATES = (
    "edited", "7", "1", "0", "true", "false", "1.5", "10.9.8.7", "255.255.255.0", "e", "edited-value", "10.9.8.0",
    "small", "edited value of many characters", "2", "3", "5", "10", "100", "1000", "4096", "65535",
)  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """The result of one file: a row of the table, the reason, and the notes about it."""

    row: str
    why: str = ""
    notes: tuple[Note, ...] = ()


def fit_value(prop: Property) -> str | None:
    """Return a value that fits `prop` and differs from its present one; None if none is found."""
    choices: list[str] = re.findall(r'"((?:[^"\\]|\\.)*)"', prop.qualifiers) + re.findall(
        r"[\w.-]+", prop.qualifiers + prop.type
    )
    lengths = [int(n) for n in re.findall(r"\d{1,4}", prop.qualifiers)]
    for value in (*CANDIDATES, *choices, *("x" * n for n in lengths)):
        try:
            check_value(prop, value)
        except PropertyError as error:
            if "qualifiers cannot be read" in str(error):
                raise
            continue
        if value != prop.value:
            return value
    return None


def choose(package: Package) -> tuple[Property, bool] | None:
    """Return the first property that may be set, and whether it needs --force."""
    usable = [p for p in package.properties if len(same_name(package.properties, p)) == 1]
    for prop in usable:
        if prop.user_configurable:
            return prop, False
    return (usable[0], True) if usable else None


def lxml_value(data: bytes, index: int) -> str:
    """Return the values of the property at `index` as lxml reads them, line by line."""
    # recover: libxml2 refuses some namespace names that XML allows
    root = etree.fromstring(data, etree.XMLParser(resolve_entities=False, huge_tree=True, recover=True))
    keyed = [
        element
        for element in root.iter("{*}Property")
        if (parent := element.getparent()) is not None
        and etree.QName(parent).localname in ("ProductSection", "Section")
        and (not (name := etree.QName(element).namespace) or name in NAMESPACES)
        and attribute(element, "key")
    ]
    values = [attribute(element, "value") for element in (keyed[index], *keyed[index].iterfind("{*}Value"))]
    return "\n".join(value for value in values if value is not None)


def attribute(element: etree._Element, local: str) -> str | None:
    """Return the value of an attribute by its local name, whatever its namespace."""
    return next((str(v) for n, v in element.attrib.items() if etree.QName(n).localname == local), None)


def run_one(path: Path, work: Path) -> Outcome:
    """Inspect, set and verify one file; the source is never touched."""
    with read_package(path) as package:
        notes = package.notes
        if package.kind is Kind.OVA:
            notes = verify_members(package).notes
        inspect.report(package)
        list(inspect.lines(package))
        chosen = choose(package)
        if chosen is None:
            result = edit(package, [], spare=0)
            same = result.descriptor == package.descriptor.data
            return Outcome("nothing to set" if same else "CRASHED", "" if same else "changed without a change", notes)
        prop, force = chosen
        value = fit_value(prop)
        if value is None:
            return Outcome("nothing to set", f"no other value fits {prop.type} {prop.qualifiers}", notes)
        result = edit(package, [Change(prop, value)], allow_fixed=force, spare=0)
        target = work / path.name
        store(package, result, target)
        index = package.properties.index(prop)
        complete = package.kind is Kind.OVA
    with read_package(target) as after:
        if after.properties[index].value != value:
            return Outcome("CRASHED", "the value does not read back")
        read = lxml_value(after.descriptor.data, index)
        if value not in read.splitlines():
            return Outcome("CRASHED", f"lxml reads {read!r}, not {value!r}")
        if complete:
            try:
                verify_members(after)
            except OvaError as error:
                return Outcome("edited, verify complains" + (" (--force)" if force else ""), reason(error), notes)
    return Outcome("edited (--force)" if force else "edited", notes=notes)


def reason(error: OvaError) -> str:
    """Return the message without the parts that differ between files."""
    text = re.sub(r"'[^']*'|\b[0-9a-f]{16,}\b|\d+", "…", str(error))
    text = re.sub(r"\b(member|property|href|file|digest of) \S+", r"\1 …", text)
    text = re.sub(r"\S+[.](mf|ovf|cert|ova)\b", "…", text)
    return f"{type(error).__name__}: {text}"


def main() -> int:
    """Print the table; the exit status is 1 if anything crashed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--list", action="store_true", help="name every file")
    options = parser.parse_args()
    paths = sorted(p for p in options.directory.rglob("*") if p.suffix.lower() in (".ovf", ".ova") and p.is_file())
    rows: Counter[str] = Counter()
    reasons: defaultdict[str, Counter[str]] = defaultdict(Counter)
    kinds: Counter[str] = Counter()
    slowest = (0.0, "")
    for path in paths:
        work = Path(tempfile.mkdtemp())
        start = time.perf_counter()
        try:
            outcome = run_one(path, work)
        except OvaError as error:
            outcome = Outcome("refused", reason(error))
            if "\n" in str(error) or not str(error).isprintable():
                outcome = Outcome("CRASHED", "a message that is not one printable line")
            full = str(error)
        except Exception as error:
            outcome = Outcome("CRASHED", f"{type(error).__name__}: {error}")
        finally:
            shutil.rmtree(work)
        slowest = max(slowest, (time.perf_counter() - start, str(path)))
        rows[outcome.row] += 1
        kinds.update({each.kind.value for each in outcome.notes})
        if outcome.why:
            reasons[outcome.row][outcome.why] += 1
        if options.list or outcome.row == "CRASHED":
            print(f"{outcome.row:<28} {path}  {full if outcome.row == 'refused' else outcome.why}")
    print(f"\n{len(paths)} files below {options.directory}, slowest {slowest[0]:.3f} s ({slowest[1]})")
    for row in sorted(rows):
        print(f"{rows[row]:6}  {row}")
        for why, count in reasons[row].most_common():
            print(f"        {count:6}  {why}")
    print(f"{sum(kinds.values()):6}  notes, each kind counted once a file")
    for kind, count in sorted(kinds.items()):
        print(f"        {count:6}  {kind}")
    return 1 if rows["CRASHED"] else 0


if __name__ == "__main__":
    sys.exit(main())
