"""Facts stay true and readable: none is too long, no passing failure is kept as lasting, and names are free."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.appliances import ova
from tests.support.clients import PythonClient, Refused, ready_path
from tests.support.waiting import until
from tests.support.web_server import Resource, serving
from tests.support.zones import MakePlace, Place

LONGEST = 2700  # bytes of a value that a server reads
EMOJI = "\U0001f600"


def size_of_facts(client: PythonClient, component: str) -> int:
    """Bytes of the longest value of the component's AVUs that the server wrote."""
    return max(len(str(avu.value).encode()) for avu in client.metadata(component).items() if avu.name[:5] == "ova::")


# ---- length ----------------------------------------------------------------------------------------------------------

LETTERS = {"4 bytes": EMOJI, "3 bytes": "\u2603", "2 bytes": "\u00e9", "1 byte": "x", "combining": "e\u0301"}
MISTAKES: dict[str, Callable[[str], tuple[str, str]]] = {
    "reference to a collection": lambda text: ("hostname", "${" + text + ":x}"),
    "reference to an attribute": lambda text: ("hostname", "${comp:" + text + "}"),
    "reference without an end": lambda text: ("hostname", "${" + text + "}"),
    "source": lambda text: ("ova_url", text),
    "source with the ending": lambda text: ("ova_url", "/tempZone/" + text + ".ova"),
    "URL": lambda text: ("ova_url", "http://" + text),
    "value": lambda text: ("mtu", text),
    "unknown control": lambda text: ("ova_" + text, "x"),
    "attribute": lambda text: (text, "${nowhere:x}"),
}


def test_no_message_is_longer_than_a_server_reads(make_place: MakePlace) -> None:
    """Whatever the value in it, up to the longest that can be set; a right value heals."""
    place = make_place()
    for mistake, avu in MISTAKES.items():
        for letter in (EMOJI, "x"):
            comp = place.component(f"{mistake}/comp")
            for bytes_ in (1100, 2600):
                attribute, value = avu(letter * (bytes_ // len(letter.encode())))
                place.client.set(comp, attribute, value)
                assert size_of_facts(place.client, comp) <= LONGEST, (mistake, letter, bytes_)
                place.client.metadata(comp).remove(attribute, value)
            place.client.set(comp, "ova_url", place.source)
            place.client.set(comp, "hostname", "right")
            assert place.client.ready(comp).values["host.hostname"] == "right", (mistake, letter)
            place.client.remove(comp)


def test_no_history_is_longer_than_a_server_reads(make_place: MakePlace) -> None:
    place = make_place(components=1)
    [comp] = place.components
    for letter in LETTERS.values():
        for number in range(3):
            place.client.set(comp, f"note{number}", letter * (2600 // len(letter.encode())))
        assert size_of_facts(place.client, comp) <= LONGEST, letter
    assert place.client.ready(comp).whole


# ---- what passes -----------------------------------------------------------------------------------------------------

UNREADABLE = """
import errno, os
from ova_tools import package

real_open = os.open

def refused_open(path, *arguments, **keywords):
    if os.path.exists({flag!r}) and str(path).endswith("/base.ova"):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    return real_open(path, *arguments, **keywords)

class Os:
    def __getattr__(self, name):
        return refused_open if name == "open" else getattr(os, name)

package.os = Os()
"""
FULL = """
import errno, os
from ova_tools import write

real_write = write.write

def full(*arguments, **keywords):
    if os.path.exists({flag!r}):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return real_write(*arguments, **keywords)

write.write = full
"""


@pytest.mark.parametrize("first", [True, False], ids=["first build", "rebuild"])
@pytest.mark.parametrize(
    ("behind", "words"),
    [(UNREADABLE, "Permission denied"), (FULL, "No space left")],
    ids=["EACCES", "ENOSPC"],
)
def test_what_passes_is_said_and_is_not_lasting(
    first: bool, behind: str, words: str, make_place: MakePlace, tmp_path: Path
) -> None:
    flag = tmp_path / "flag"
    place = make_place(behind.format(flag=str(flag)))
    comp = f"{place.home}/comp"
    if not first:
        place.component("comp")
    flag.touch()
    client = place.client
    client.make(comp)
    client.set(comp, "hostname", "new")
    client.set(comp, "ova_url", place.source)
    for _ in range(2):
        facts = client.facts(comp)
        assert facts["ova::status"] == "failed"
        assert words in facts["ova::message"]
        assert "vault" not in facts["ova::message"]
        with pytest.raises(Refused, match=words):
            client.get(ready_path(comp))
    reader = PythonClient(place.zone.session())

    flag.unlink()
    assert reader.ready(comp).values["host.hostname"] == "new"
    assert client.facts(comp)["ova::status"] == "ready"
    assert "ova::message" not in client.facts(comp)


def test_reconcile_finds_what_has_passed(make_place: MakePlace, tmp_path: Path) -> None:
    from ova_admin.reconcile import stale

    flag = tmp_path / "flag"
    place = make_place(UNREADABLE.format(flag=str(flag)), components=1)
    flag.touch()
    place.client.set(place.components[0], "hostname", "new")
    assert place.status(place.components[0]) == "failed"
    flag.unlink()
    assert [order.path for order in stale(place.client.session)] == place.components


# ---- the clock -------------------------------------------------------------------------------------------------------


def test_history_holds_the_latest_states_whatever_the_clock_says(make_place: MakePlace, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    place = make_place(f"""
import os, time
if os.path.exists({str(flag)!r}):
    real, back = time.time_ns, int(open({str(flag)!r}).read())
    time.time_ns = lambda: real() - back * 10**9
    time.time = lambda: time.time_ns() / 1e9
""")
    comp = place.component("comp")
    for number in range(12):
        place.client.set(comp, "hostname", f"before{number}")
    for days in (2, 400):
        flag.write_text(str(days * 24 * 3600))
        client = PythonClient(place.zone.session())
        for number in range(3):
            client.set(comp, "hostname", f"after{days}-{number}")
            assert place.client.ready(comp).values["host.hostname"] == f"after{days}-{number}"
    states = [str(avu.value) for avu in place.client.metadata(comp).get_all("ova::history")]
    hosts = {re.findall(r'"hostname","([^"]*)"', state)[0] for state in states}
    assert hosts == {f"before{number}" for number in range(8, 12)} | {
        f"after{days}-{number}" for days in (2, 400) for number in range(3)
    }
    [present] = [state for state in states if "after400-1" in state]
    place.client.set(comp, "ova_restore", present.split(" ")[1])
    assert place.client.ready(comp).values["host.hostname"] == "after400-1"


# ---- names -----------------------------------------------------------------------------------------------------------

# Each with one that a pattern for it would find, too.
NAMES = {
    "it's 100%": "it's 100x",
    "a_b": "aXb",
    "quo'te": "quo_te",
    'double"quote': "double_quote",
    "per%cent": "per-and-cent",
    "caf\u00e9": "cafe",
    EMOJI: "_",
    "$HOME": "_HOME",
    "${x:y}": "_{x:y}",
    "semi;colon": "semi_colon",
    "UPPER": "upper",
    "a.b": "a-b",
    "[ab]": "a",
    " leading": "leading",
}


def test_a_grid_of_any_name_is_itself_and_no_other(make_place: MakePlace) -> None:
    place = make_place()
    for name, alike in NAMES.items():
        values = {name: "of the one", alike: "of the other"}
        for grid, value in values.items():
            place.component(f"{grid}/comp")
            place.client.set(f"{place.home}/{grid}", "domainname", value)
        for grid, value in reversed(values.items()):
            comp = f"{place.home}/{grid}/comp"
            for change in (("ova_url", "../../base.ova"), ("hostname", "host"), ("ova_url", place.source)):
                place.client.set(comp, *change)
                assert place.status(comp) == "ready", (grid, place.client.facts(comp))
                assert place.client.ready(comp).values["host.domainname"] == value, grid
        if "}" not in name:
            reader = place.component("reader", hostname=f"${{{place.home}/{name}:domainname}}")
            assert place.client.ready(reader).values["host.hostname"] == "of the one", name


@pytest.mark.parametrize("letter", ["x", "\u00e9", "\u2603", EMOJI])
def test_names_are_as_long_as_the_file_system_has_them(letter: str, make_place: MakePlace) -> None:
    place = make_place()
    width = len(letter.encode())
    for length in (230, 236, 240, 248, 251):
        name = letter * (length // width)
        name += "x" * (length - len(name.encode()))
        comp = place.component(f"grid/{name}")
        assert place.status(comp) == "ready", (length, place.client.facts(comp))
        for value in ("short", "l" * 2000, "short"):
            place.client.set(comp, "hostname", value)
            assert place.client.ready(comp).values["host.hostname"] == value, length
    for length in (252, 255):
        comp = f"{place.home}/grid/{'x' * length}"
        place.client.component(comp, place.source)
        assert place.status(comp) in ("failed", "")
    assert '"ova": "fault"' not in place.zone.log_text()


# ---- sources by reference --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("inherited", [False, True])
def test_a_url_that_a_reference_stands_for_is_downloaded(inherited: bool, make_place: MakePlace) -> None:
    with serving() as server:
        server.resources["/public/base.ova"] = Resource(ova(b"from afar" * 3000), etag='"1"')
        place: Place = make_place(allowed_urls=[server.url("/public"), "127.0.0.1/32"])
        holder = f"{place.home}/grid" if inherited else f"{place.home}/grid/cfg"
        place.client.make(f"{place.home}/grid/cfg")
        place.client.set(holder, "image", server.url("/public/base.ova"))
        comp = place.client.component(f"{place.home}/grid/comp", "${cfg:image}")
        until(lambda: place.status(comp) == "ready", "it is ready")
        until(lambda: not place.client.jobs(), "the delay queue is empty")
        assert place.client.ready(comp).members["disk1.vmdk"] == b"from afar" * 3000

        server.resources["/public/other.ova"] = Resource(ova(b"another" * 3000), etag='"1"')
        place.client.set(holder, "image", server.url("/public/other.ova"))
        until(lambda: place.status(comp) == "ready", "it is ready again")
        assert place.client.ready(comp).members["disk1.vmdk"] == b"another" * 3000
