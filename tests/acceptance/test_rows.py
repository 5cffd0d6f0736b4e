"""Queries of the rules, run in an agent: they give the wanted number of rows and leave no statement open."""

from __future__ import annotations

import json

import pytest
from irods.meta import AVUOperation, iRODSMeta

from ova_admin.rule_text import run_python
from tests.acceptance.conftest import Site

COUNT = 600  # more than two of the server's pages
STATEMENTS = 50  # that one agent can have open


@pytest.mark.parametrize("most", [None, 1, 256, 257, COUNT - 1, COUNT, 1000])
def test_as_many_rows_as_are_wanted_and_each_once(most: int | None, site: Site) -> None:
    place = f"{site.home}/place"
    site.session.collections.create(place)
    avus = (AVUOperation("add", iRODSMeta("n", str(number))) for number in range(COUNT))
    site.session.collections.get(place).metadata.apply_atomic_operations(*avus)
    columns = ["META_COLL_ATTR_NAME", "META_COLL_ATTR_VALUE"]
    asked = f"callback, {columns!r}, \"COLL_NAME = '{place}'\", {most}"

    text = run_python(
        site.session,
        "import json\n"
        "from ova_rules.catalog.rows import select\n"
        f"for _ in range({STATEMENTS + 10}):\n"
        f"    found = select({asked})\n"
        "callback.writeLine('stdout', json.dumps(found))",
    )

    found = json.loads(text)
    assert len(found) == min(COUNT, most or COUNT)
    assert len({value for _, value in found}) == len(found)
    assert {name for name, _ in found} == {"n"}
