"""Requests that are well-formed but make no sense: each gets an error, and none an unexpected one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from irods_zone.api.calls import CALLS
from irods_zone.protocol.errors import ProtocolError
from irods_zone.protocol.packing import Packing, default, pack
from irods_zone.pytest_plugin import EmbeddedZone
from irods_zone.raw_client import RawClient

HOME = "/tempZone/home/rods"
SERVED = sorted(number for number, api in CALLS.items() if api.input and number != 626)
TEXTS = st.one_of(
    st.sampled_from(["", "/", HOME, f"{HOME}/o", f"{HOME}/none", "/tempZone", "add", "set", "rm", "-d", "-C", "-u",
                     "own", "rods", "demoResc", "1", "-1", "99999999999", "user", "modify", "password", "'", "%",
                     "\U0001f600",
                     "a" * 300, "//", f"{HOME}/../x", "= '1'", "between '1' '2'", "null"]),
    st.text(max_size=12).filter(lambda text: "\0" not in text and text.isprintable()),
)  # fmt: skip
NUMBERS = st.sampled_from([-(2**31), -1, 0, 1, 2, 3, 11, 12, 26, 500, 577, 578, 2**31 - 1])
KEYS = ["forceFlag", "recursiveOpr", "resc_hier", "replicaToken", "destRescName", "rescName", "replNum", "verifyChksum",
        "dataIncluded", "irodsAdmin", "irodsRmTrash", "age", "copies", "filePath", "rsyncMode", "rsyncDestPath", "zone",
        "collectionMtime", "replStatus", "dataModify", "dataSize", "all", "instance_name", "metadataIncluded",
        "aclIncluded"]  # fmt: skip
TOUCH = ["no_create", "replica_number", "leaf_resource_name", "seconds_since_epoch", "reference"]
KEYWORDS = st.dictionaries(st.sampled_from(KEYS), TEXTS, max_size=4)
PATHS = st.one_of(
    st.sampled_from(
        [HOME, f"{HOME}/o", f"{HOME}/c", f"{HOME}/new", f"{HOME}/c/new", "/tempZone", "/", "/tempZone/trash"]
    ),
    TEXTS,
)
ANYTHING = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS, st.lists(NUMBERS, max_size=2))
OPERATION = st.fixed_dictionaries(
    {},
    optional={
        "operation": st.one_of(st.sampled_from(["add", "remove"]), ANYTHING),
        "attribute": st.one_of(TEXTS, ANYTHING),
        "value": st.one_of(TEXTS, ANYTHING),
        "units": st.one_of(TEXTS, ANYTHING),
        "entity_name": st.one_of(st.just("rods"), ANYTHING),
        "acl": st.one_of(st.sampled_from(["read", "own"]), ANYTHING),
    },
)
JSON = st.one_of(
    ANYTHING,
    st.fixed_dictionaries(
        {},
        optional={
            "fd": NUMBERS,
            "logical_path": st.one_of(PATHS, ANYTHING),
            "entity_name": st.one_of(PATHS, ANYTHING),
            "entity_type": st.one_of(st.sampled_from(["collection", "data_object", "user", "resource"]), ANYTHING),
            "operations": st.one_of(st.lists(OPERATION, max_size=3), ANYTHING),
            "options": st.one_of(st.dictionaries(st.sampled_from(TOUCH), ANYTHING, max_size=3), ANYTHING),
            "admin_mode": ANYTHING,
            "update_size": st.booleans(),
            "compute_checksum": st.booleans(),
        },
    ),
)


def _fill(draw: st.DrawFn, key: str, value: Any) -> Any:
    if key.startswith("KeyValPair_PI"):
        return draw(KEYWORDS)
    if key.startswith("InxIvalPair_PI"):
        return draw(st.lists(st.tuples(st.sampled_from([401, 403, 501, 600, 202, 9999, -1]), NUMBERS), max_size=3))
    if key.startswith("InxValPair_PI"):
        return draw(st.lists(st.tuples(st.sampled_from([401, 403, 501, 600, 9999]), TEXTS), max_size=3))
    if isinstance(value, dict):
        return {inner: _fill(draw, inner, old) for inner, old in value.items()}
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return draw(PATHS if key in ("objPath", "collName") else TEXTS) if isinstance(value, str) else value
    if isinstance(value, int):
        return draw(NUMBERS)
    return value


@st.composite
def requests(draw: st.DrawFn) -> tuple[int, dict[str, Any], bytes]:
    number = draw(st.sampled_from(SERVED))
    structure = CALLS[number].input
    assert structure
    if structure == "BinBytesBuf_PI":
        raw = json.dumps(draw(JSON)).encode()
        return number, {"buflen": len(raw), "buf": raw}, b""
    record = {key: _fill(draw, key, value) for key, value in default(structure).items()}
    for key in record:
        if key.startswith("arg") or key in ("accessLevel", "userName", "path", "sql"):
            record[key] = draw(st.one_of(TEXTS, PATHS))
    try:
        pack(structure, record, Packing.NATIVE)
    except ProtocolError:
        reject()  # a text that does not fit its field
    return number, record, draw(st.binary(max_size=20))


@pytest.fixture
def client(irods_zone: EmbeddedZone) -> RawClient:
    made = irods_zone.raw_client(option="fuzz")
    made.call(681, {"collName": f"{HOME}/c", "KeyValPair_PI": {}})
    made.call(606, {"objPath": f"{HOME}/o", "KeyValPair_PI": {"dataIncluded": ""}}, b"text")
    return made


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(request=requests())
def test_no_request_meets_an_unexpected_error(
    irods_zone: EmbeddedZone, client: RawClient, request: tuple[int, dict[str, Any], bytes]
) -> None:
    number, record, data = request
    before = len(irods_zone.log_text())
    reply = client.call(number, record, data)
    if number == 606 and reply.output:  # a transfer has begun
        client.call(626, {"myInt": -1})
    assert "Traceback" not in irods_zone.log_text()[before:]
