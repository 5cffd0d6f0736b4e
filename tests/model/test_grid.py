"""Random sequences of operations of two users on a small grid: they then read what the model computes.

After each step both read every ready OVA. Each must be the package that the model computes, or be refused with a reason
that the model names. `OVA_MODEL_EXAMPLES=500 pytest tests/model` tries more, from another start each time.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from tests.model.operations import Operation
from tests.model.sequences import OPENINGS, operations
from tests.model.world import World
from tests.support.zones import rule_folder

EXAMPLES = int(os.environ.get("OVA_MODEL_EXAMPLES", "0"))


@pytest.mark.timeout(0 if EXAMPLES else 300)
@pytest.mark.parametrize("opening", OPENINGS)
@settings(
    max_examples=EXAMPLES or 2,
    derandomize=not EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
    phases=(Phase.generate, Phase.shrink),
)
@given(steps=st.lists(operations, min_size=4, max_size=9))
def test_what_is_read_is_what_the_model_computes(
    irods_zone_factory: Callable[..., Any],
    tmp_path_factory: pytest.TempPathFactory,
    opening: str,
    steps: list[Operation],
) -> None:
    zone = irods_zone_factory(rule_folder(tmp_path_factory.mktemp("model"), gate_wait=0))
    try:
        world = World(zone, "w")
        world.check()
        for step in (*OPENINGS[opening], *steps):
            if world.do(step):
                world.check()
        for outcome in sorted(world.outcomes):
            event(outcome)
    finally:
        zone.close()
