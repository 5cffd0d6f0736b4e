"""No user's work costs others: counted in queries and calls, never by a clock. Jobs end, and none is left behind."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from irods.meta import AVUOperation, iRODSMeta
from irods_zone.trace import CALL, QUERY

from tests.support.appliances import ova, read, tar_of
from tests.support.clients import PythonClient
from tests.support.waiting import until
from tests.support.zones import MakePlace, Place

MANY = 7  # hostile things of each kind, against FEW: what they cost others must not grow
FEW = 1
POINTERS = "SELECT COLL_NAME, META_COLL_ATTR_NAME, META_COLL_ATTR_VALUE WHERE"


class User(PythonClient):
    """An ordinary user of a place."""

    def __init__(self, place: Place, name: str) -> None:
        place.client.session.users.create(name, "rodsuser")
        place.client.session.users.modify(name, "password", "secret")
        super().__init__(place.zone.session(name, "secret"))
        self.home = f"/{place.zone.zone}/home/{name}"

    def add_many(self, collection: str, *avus: tuple[str, str]) -> None:
        """AVUs, all at once."""
        self.metadata(collection).apply_atomic_operations(
            *(AVUOperation("add", iRODSMeta(attribute, value)) for attribute, value in avus)
        )


@pytest.fixture
def place(request: pytest.FixtureRequest, make_place: MakePlace) -> Place:
    """A zone that counts; a parameter is Python text that runs behind its rules."""
    return make_place(getattr(request, "param", ""), trace=True)


@pytest.fixture
def victor(place: Place) -> User:
    """He has a grid, a source, and a collection with a value; all may read them."""
    made = User(place, "victor")
    made.put(ova(), f"{made.home}/base.ova")
    made.component(f"{made.home}/grid/comp", f"{made.home}/base.ova")
    made.make(f"{made.home}/public")
    made.set(f"{made.home}/public", "ntp", "10.0.0.1")
    made.allow("read", made.home, "public", recursive=True)
    made.allow("inherit", made.home, recursive=True)
    return made


@pytest.fixture
def mallory(place: Place) -> User:
    """Who makes things that look at victor's."""
    made = User(place, "mallory")
    made.allow("read", made.home, "public")
    made.allow("inherit", made.home)
    return made


# ---- what mallory makes ----------------------------------------------------------------------------------------------


def _likes(mallory: User, victor: User, number: int) -> None:
    mallory.make(f"{mallory.home}/like{number}")
    mallory.set(f"{mallory.home}/like{number}", "ova_like", f"{victor.home}/grid")


def _likes_in_a_row(mallory: User, victor: User, number: int) -> None:
    before = f"{mallory.home}/row{number - 1}" if number else f"{victor.home}/grid"
    mallory.make(f"{mallory.home}/row{number}")
    mallory.set(f"{mallory.home}/row{number}", "ova_like", before)


def _dependents(mallory: User, victor: User, number: int) -> None:
    path = mallory.component(f"{mallory.home}/dep{number}", f"{victor.home}/base.ova")
    mallory.set(path, "hostname", f"${{{victor.home}/public:ntp}}")
    mallory.set(path, "domainname", f"${{{victor.home}/grid/comp:hostname}}")


def _chained(mallory: User, victor: User, number: int) -> None:
    mallory.component(f"{mallory.home}/chained{number}", f"{victor.home}/grid/comp/comp.ova")


def _bombs(mallory: User, victor: User, number: int) -> None:
    path = mallory.component(f"{mallory.home}/bomb{number}", f"{victor.home}/base.ova")
    name = path.rpartition("/")[2]
    levels = [(f"a{level}", f"${{{name}:a{level + 1}}}" * 10) for level in range(8)]
    mallory.add_many(path, *levels, ("a8", f"${{{victor.home}/public:ntp}}"), ("hostname", f"${{{name}:a0}}"))


def _chains_of_references(mallory: User, victor: User, number: int) -> None:
    path = mallory.component(f"{mallory.home}/deep{number}", f"{victor.home}/base.ova")
    name = path.rpartition("/")[2]
    levels = [(f"a{level}", f"${{{name}:a{level + 1}}}") for level in range(80)]
    mallory.add_many(path, *levels, ("a80", f"${{{victor.home}/public:ntp}}"), ("hostname", f"${{{name}:a0}}"))


def _broken_packages(mallory: User, victor: User, number: int) -> None:
    mallory.make(f"{mallory.home}/images{number}")
    mallory.set(f"{mallory.home}/images{number}", "ova_images", "yes")
    header = bytearray(tar_of({"pax": b"18 path=disk1.vmdk\njunk" + b"junk" * 100})[:1024])
    header[156:157] = b"x"
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header[:512])
    broken = f"{mallory.home}/images{number}/broken.ova"
    mallory.put(bytes(header) + ova(), broken)
    mallory.component(f"{mallory.home}/broken{number}", broken)


HOSTILE: dict[str, Callable[[User, User, int], None]] = {
    "likes": _likes,
    "likes in a row": _likes_in_a_row,
    "dependents": _dependents,
    "chained": _chained,
    "reference bombs": _bombs,
    "chains of references": _chains_of_references,
    "broken packages": _broken_packages,
}


def _set_on_grid(victor: User, number: int) -> None:
    victor.set(f"{victor.home}/grid", "domainname", f"d{number}")


def _set_on_component(victor: User, number: int) -> None:
    victor.set(f"{victor.home}/grid/comp", "hostname", f"h{number}")


def _set_on_public(victor: User, number: int) -> None:
    victor.set(f"{victor.home}/public", "ntp", f"10.0.1.{number}")


def _new_component(victor: User, number: int) -> None:
    victor.component(f"{victor.home}/grid/new", f"{victor.home}/base.ova")


def _remove_it(victor: User, number: int) -> None:
    victor.remove(f"{victor.home}/grid/new")


def _put(victor: User, number: int) -> None:
    victor.put(ova(b"%04d" % number * 5000), f"{victor.home}/base.ova")


def _read(victor: User, number: int) -> None:
    assert victor.ready(f"{victor.home}/grid/comp").whole


def _rename(victor: User, number: int) -> None:
    victor.session.collections.move(f"{victor.home}/public", f"{victor.home}/moved")
    victor.session.collections.move(f"{victor.home}/moved", f"{victor.home}/public")


COMMANDS: tuple[Callable[[User, int], None], ...] = (
    _set_on_grid, _set_on_component, _set_on_public, _new_component, _remove_it, _put, _read, _rename,
)  # fmt: skip


def wait_for_jobs(place: Place) -> None:
    until(lambda: not place.client.jobs(), "the delay queue is empty")


def costs(place: Place, victor: User, round_: int) -> dict[str, dict[str, int]]:
    """Queries, their pages, and calls that each of victor's commands makes in his own agents."""
    found = {}
    for command in COMMANDS:
        before = len(place.zone.trace())
        command(victor, round_)
        events = [event for event in place.zone.trace()[before:] if not event.job and event.user == "victor"]
        queries = [event for event in events if event.kind == QUERY]
        calls = [event for event in events if event.kind == CALL and event.name != "writeLine"]
        found[command.__name__] = {"queries": len(queries), "pages": sum(e.pages for e in queries), "calls": len(calls)}
        wait_for_jobs(place)
    return found


def test_what_a_user_makes_costs_no_other_a_query(place: Place, victor: User, mallory: User) -> None:
    found = []
    for start, end in ((0, FEW), (FEW, MANY)):
        for number in range(start, end):
            for make in HOSTILE.values():
                make(mallory, victor, number)
        wait_for_jobs(place)
        costs(place, victor, start)  # what is new is seen by everybody
        found.append(costs(place, victor, end))

    few, many = found
    assert many == few
    assert all(each["queries"] for each in few.values())
    assert '"ova": "fault"' not in place.zone.log_text()
    assert victor.ready(f"{victor.home}/grid/comp").members["disk1.vmdk"] == b"%04d" % MANY * 5000


@pytest.mark.parametrize("place", ["from ova_rules.catalog import access\naccess._FEW = 2\n"], indirect=True)
def test_beyond_a_few_what_others_build_is_not_read_and_ones_own_is_built(
    place: Place, victor: User, mallory: User
) -> None:
    own = victor.component(f"{victor.home}/own", f"{victor.home}/base.ova", hostname=f"${{{victor.home}/public:ntp}}")
    victor.make(f"{victor.home}/alike")
    victor.set(f"{victor.home}/alike", "ova_like", f"{victor.home}/grid")
    looked_at = []
    for start, end in ((0, FEW + 2), (FEW + 2, MANY)):
        for number in range(start, end):
            _dependents(mallory, victor, number)
            _likes(mallory, victor, number)
        wait_for_jobs(place)
        before = len(place.zone.trace())
        victor.set(f"{victor.home}/public", "ntp", f"ntp{end}")
        victor.set(f"{victor.home}/grid", "domainname", f"d{end}")
        events = [event for event in place.zone.trace()[before:] if not event.job and event.user == "victor"]
        looked_at.append(sum(event.rows for event in events if event.kind == QUERY and event.text.startswith(POINTERS)))
        assert victor.facts(own)["ova::status"] == "ready"
        for path, attribute, value in (
            (own, "hostname", f"ntp{end}"),
            (f"{victor.home}/alike/comp", "domainname", f"d{end}"),
        ):
            file = victor.session.data_objects.get(f"{path}/{path.rpartition('/')[2]}.ova").replicas[0].path
            assert read(Path(file).read_bytes()).values[f"host.{attribute}"] == value
    few, many = looked_at
    assert many == few


def test_what_is_wrong_with_one_stops_no_other(place: Place, victor: User, mallory: User) -> None:
    """One source, more components than one command builds; the hostile ones come first, whoever looks."""
    for make in HOSTILE.values():
        make(mallory, victor, 0)
    comps = [victor.component(f"{victor.home}/zgrid/c{number:02}", f"{victor.home}/base.ova") for number in range(20)]
    victor.put(ova(b"second" * 4000), f"{victor.home}/base.ova")
    wait_for_jobs(place)
    for comp in comps:
        file = place.client.session.data_objects.get(f"{comp}/{comp.rpartition('/')[2]}.ova").replicas[0].path
        assert read(Path(file).read_bytes()).members["disk1.vmdk"] == b"second" * 4000, comp
    from ova_admin.reconcile import stale

    assert not {order.path for order in stale(place.client.session)}.intersection(comps)
    assert '"ova": "fault"' not in place.zone.log_text()


def test_references_that_grow_are_cut_off_with_a_line_that_names_them(
    place: Place, victor: User, mallory: User
) -> None:
    _bombs(mallory, victor, 0)
    _chains_of_references(mallory, victor, 0)
    wait_for_jobs(place)
    for name, words in (("bomb0", "cannot be resolved"), ("deep0", "references lead from one to the next")):
        facts = mallory.facts(f"{mallory.home}/{name}")
        assert facts["ova::status"] == "failed"
        assert facts["ova::message"].startswith("AVU hostname of ") and words in facts["ova::message"]
    mallory.set(f"{mallory.home}/bomb0", "hostname", "${bomb0:a5}${bomb0:a5}" * 60)  # of its own too large
    assert "its references make more than" in mallory.facts(f"{mallory.home}/bomb0")["ova::message"]
    assert max(event.pages for event in place.zone.trace() if event.kind == QUERY) < 10


# ---- jobs ------------------------------------------------------------------------------------------------------------


def test_overlapping_changes_of_a_grid_leave_no_jobs(make_place: MakePlace) -> None:
    place = make_place(components=12, inline_components=2)
    most = 0
    for number in range(8):
        for session in range(2):
            place.client.set(place.grid, ("domainname", "hostname")[session], f"value{number}")
            most = max(most, len(place.client.jobs()))
    wait_for_jobs(place)
    assert most <= 4, "one that runs, one that waits, and some that have just ended"
    for component in place.components:
        values = place.client.ready(component).values
        assert (values["host.domainname"], values["host.hostname"]) == ("value7", "value7")


FAILING = """
import os
from ova_rules import jobs
from ova_rules.errors import ComponentError
from ova_rules.events import queued

def failing(catalog, settings, path):
    if not os.path.exists({flag!r}):
        return real[kind](catalog, settings, path)
    with open({log!r}, "a") as stream:
        stream.write(path + chr(10))
    how = open({flag!r}).read()
    if how == "dies":
        os._exit(9)
    raise RuntimeError("S3CRET fault") if how == "raises" else ComponentError("the disk is full", lasting=False)

kind, real = "build", dict(queued._JOBS)
queued._JOBS["build"] = failing

"""
REASONS = {
    "raises": "a fault, which the server log tells",
    "fails": "the disk is full",
    "dies": "its agent died, or was ended",
}


def run_job(place: Place, kind: str, path: str) -> None:
    """What the delay server runs, in an agent of its own; how it ends is not told."""
    from ova_admin.errors import AdminError
    from ova_admin.rule_text import run_python

    session = place.zone.session(connection_timeout=20)
    with contextlib.suppress(AdminError):
        run_python(session, f"import core\ncore.ova_job({kind!r}, {path.encode().hex()!r}, callback, rei)")
    session.cleanup()


@pytest.mark.parametrize("how", REASONS)
def test_a_job_that_does_not_end_well_is_given_up_and_says_so(how: str, make_place: MakePlace, tmp_path: Path) -> None:
    """Until something changes: then it begins anew."""
    from ova_rules.jobs import MOST_TRIES

    assert MOST_TRIES <= 10, "a few"
    flag, log = tmp_path / "flag", tmp_path / "tries"
    place = make_place(FAILING.format(flag=str(flag), log=str(log)), components=1)
    [component] = place.components
    flag.write_text(how)
    for _ in range(MOST_TRIES + (how == "dies")):
        run_job(place, "build", component)

    assert len(log.read_text().splitlines()) == MOST_TRIES
    facts = place.client.facts(component)
    assert facts["ova::status"] == "failed"
    assert facts["ova::message"] == f"given up after {MOST_TRIES} tries, until something changes: {REASONS[how]}"

    log.unlink()
    flag.unlink()
    place.client.set(component, "hostname", "changed")
    assert place.status(component) == "ready"
    assert place.client.ready(component).values["host.hostname"] == "changed"


def test_the_delay_queue_tries_a_job_so_often_and_no_more(make_place: MakePlace, tmp_path: Path) -> None:
    from ova_rules.jobs import MOST_TRIES

    flag, log = tmp_path / "flag", tmp_path / "tries"
    soon = (
        f"\nfrom ova_rules.catalog import writes\nwrites._BACK_OFF = '0s REPEAT UNTIL SUCCESS OR {MOST_TRIES} TIMES'\n"
    )
    place = make_place(FAILING.format(flag=str(flag), log=str(log)) + soon, inline_limit=1000)
    flag.write_text("raises")
    component = place.component("comp")
    wait_for_jobs(place)
    assert Counter(log.read_text().splitlines()) == {component: MOST_TRIES}
    assert f"given up after {MOST_TRIES} tries" in place.client.facts(component)["ova::message"]
    flag.unlink()
    place.client.set(component, "hostname", "changed")
    wait_for_jobs(place)
    assert place.status(component) == "ready"


def test_a_job_of_one_who_may_not_write_there_is_no_fault(place: Place, victor: User, mallory: User) -> None:
    """What it could not do is said once, and whoever may does it."""
    comp = f"{victor.home}/grid/comp"
    for kind in ("build", "change", "like", "check", "fetch"):
        before = len(place.zone.log_text())
        run_job(place, kind, comp)
        log = place.zone.log_text()[before:]
        assert '"ova": "fault"' not in log, kind
        assert log.count("may not") <= 1, kind
    assert victor.facts(comp)["ova::status"] == "ready"


def test_nothing_of_the_queue_is_needed_for_what_one_did_oneself(place: Place, victor: User, mallory: User) -> None:
    """Hostile jobs that never end take the places of the queue; what is built at once does not wait for them."""
    for number in range(FEW):
        _broken_packages(mallory, victor, number)
    victor.set(f"{victor.home}/grid/comp", "hostname", "mine")
    assert victor.facts(f"{victor.home}/grid/comp")["ova::status"] == "ready"
    wait_for_jobs(place)
    for number in range(FEW):
        facts = mallory.facts(f"{mallory.home}/broken{number}")
        assert facts["ova::status"] == "failed"
