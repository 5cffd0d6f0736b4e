"""The marked block in core.py: its removal restores exactly the same bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ova_admin.errors import AdminError
from ova_admin.install import block

SITES = [b"", b"x = 1", b"x = 1\n", b"x = 1\r\n", b"\n\n", b"# -*- coding: latin-1 -*-\nx = '\xe9'\n", b"x = 1\n\n\n"]


@pytest.mark.parametrize("site", SITES)
def test_taking_the_block_out_gives_the_file_back(site: bytes) -> None:
    made = block.add(site, "/opt/ova-tools/current", "/etc/irods")
    assert made.startswith(site)
    assert block.is_in(made)
    assert block.is_last(made)
    assert block.remove(made) == site


@given(st.binary(max_size=60).filter(lambda site: b">>>" not in site and b"<<<" not in site))
def test_whatever_the_file_holds(site: bytes) -> None:
    assert block.remove(block.add(site, "/opt/a 'b'", '/etc/"c"')) == site


@pytest.mark.parametrize("site", SITES)
def test_adding_it_twice_is_adding_it_once(site: bytes) -> None:
    once = block.add(site, "/opt/ova-tools/current", "/etc/irods")
    assert block.add(once, "/opt/ova-tools/current", "/etc/irods") == once


def test_another_prefix_replaces_the_block() -> None:
    made = block.add(block.add(b"x = 1", "/opt/a/current", "/etc/irods"), "/opt/b/current", "/etc/irods")
    assert made == block.add(b"x = 1", "/opt/b/current", "/etc/irods")


def test_code_below_the_block_is_noticed_and_kept() -> None:
    made = block.add(b"x = 1\n", "/opt/a/current", "/etc/irods") + b"def acPostProcForDelete(a, c, r): return 0\n"
    assert not block.is_last(made)
    assert block.remove(made) == b"x = 1\ndef acPostProcForDelete(a, c, r): return 0\n"


@pytest.mark.parametrize("damage", [block.BEGIN, block.END])
def test_damaged_marks_are_refused(damage: bytes) -> None:
    made = block.add(b"x = 1\n", "/opt/a/current", "/etc/irods").replace(damage, b"#")
    with pytest.raises(AdminError, match="by hand"):
        block.remove(made)
