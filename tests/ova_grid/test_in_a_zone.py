"""`ova-grid` against an embedded zone: what users see of their grids, and what they save and restore."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest

from ova_grid.cli import main
from tests.support.appliances import SECTIONS, descriptor_of, ova
from tests.support.zones import MakePlace, Place

SECRET = (
    '<ovf:ProductSection ovf:class="login"><ovf:Info/><ovf:Property ovf:key="root" ovf:type="string" '
    'ovf:password="true" ovf:userConfigurable="true" ovf:value=""/></ovf:ProductSection>'
)


class Command:
    """The command, as a user of the zone of this test."""

    def __init__(self, place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.place, self._capsys, self._monkeypatch = place, capsys, monkeypatch
        self.environment, self.password = Path(place.zone.environment), "rods"

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        """Exit status, stdout, stderr."""
        self._monkeypatch.setenv("IRODS_ENVIRONMENT_FILE", str(self.environment))
        self._monkeypatch.setenv("IRODS_PASSWORD", self.password)
        self._capsys.readouterr()
        status = main(arguments)
        return (status, *self._capsys.readouterr())

    def sign_in(self, user: str, password: str, folder: Path) -> None:
        """From now on as another user."""
        settings = json.loads(self.environment.read_text())
        self.environment, self.password = folder / f"{user}.json", password
        self.environment.write_text(
            json.dumps({**settings, "irods_user_name": user, "irods_home": "", "irods_cwd": ""})
        )


@pytest.fixture
def place(make_place: MakePlace) -> Place:
    """Two machines on a grid that sets the domain; one refers to the other, one has a task."""
    place = make_place(package=ova(descriptor=descriptor_of(SECTIONS + SECRET)), components=2)
    client = place.client
    client.set(place.grid, "domainname", "kek.jp")
    client.set(place.components[0], "hostname", "sg00")
    client.set(place.components[1], "hostname", "${comp00:hostname}-b")
    client.make(f"{place.components[0]}/install")
    client.put(b"#!/bin/sh\necho hello\n", f"{place.components[0]}/install/10-hello.sh")
    return place


@pytest.fixture
def command(place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command, as the zone's administrator."""
    return Command(place, capsys, monkeypatch)


# ---- status ----------------------------------------------------------------------------------------------------------


def test_a_grid_is_a_line_for_each_machine_and_what_failed_comes_first(place: Place, command: Command) -> None:
    place.client.set(place.components[1], "mtu", "jumbo")
    status, out, _ = command("status", "grid01")
    lines = out.splitlines()
    assert status == 1
    assert lines[0].split()[:2] == ["comp01", "failed"]
    assert "'jumbo' does not fit" in lines[1]
    assert lines[2].split()[:2] == ["comp00", "ready"]
    assert lines[-1] == "2 machines: 1 failed, 1 ready"


def test_a_machine_shows_each_value_and_where_it_comes_from(place: Place, command: Command) -> None:
    place.client.set(place.components[1], "rack", "B7")
    status, out, _ = command("status", "--json", "grid01/comp01")
    found = json.loads(out)
    assert status == 0
    assert found["state"] == "ready"
    assert found["image"] == place.source
    values = {each["property"]: (each["value"], each["attribute"], each["collection"]) for each in found["properties"]}
    assert values == {
        "host.hostname": ("sg00-b", "hostname", place.components[1]),
        "host.domainname": ("kek.jp", "domainname", place.grid),
    }
    assert [each["written"] for each in found["properties"] if each["attribute"] == "hostname"] == [
        "${comp00:hostname}-b"
    ]
    assert found["unmatched"] == ["rack"]


def test_an_alias_and_units_are_followed(place: Place, command: Command) -> None:
    place.client.set(place.components[0], "ip_addr", "10.0.0.7")
    place.client.metadata(place.components[0]).add("dns", "10.0.0.1", "net.0")
    place.client.metadata(place.components[0]).add("dns", "10.0.0.2", "net.1")
    _, out, _ = command("status", "--json", "grid01/comp00")
    values = {each["property"]: each["value"] for each in json.loads(out)["properties"]}
    assert values["net.ipaddr.0"] == "10.0.0.7"
    assert values["net.dns.0"] == "10.0.0.1"
    assert values["net.dns.1"] == "10.0.0.2"


def test_a_password_is_shown_nowhere(place: Place, command: Command) -> None:
    place.client.set(place.components[0], "root", "s3cr3t-word")
    for arguments in (
        ("status", "grid01/comp00"),
        ("status", "--json", "grid01/comp00"),
        ("history", "grid01/comp00"),
        ("history", "--json", "grid01/comp00"),
        ("diff", "grid01/comp00", "grid01/comp01"),
        ("diff", "grid01/comp00", "--at", "1"),
    ):
        _, out, err = command(*arguments)
        assert "s3cr3t-word" not in out + err, arguments
    _, out, _ = command("status", "grid01/comp00")
    assert "login.root" in out


def test_a_value_cannot_steer_the_terminal(place: Place, command: Command) -> None:
    place.client.set(place.components[0], "hostname", "a\tb\u202e\u2028")
    _, out, _ = command("status", "grid01/comp00")
    assert "a\\tb\\u202e\\u2028" in out


def test_a_user_sees_what_that_user_may_read(place: Place, command: Command, tmp_path: Path) -> None:
    session = place.zone.session()
    session.users.create("bob", "rodsuser")
    session.users.modify("bob", "password", "secret")
    command.sign_in("bob", "secret", tmp_path)
    assert command("status", place.grid)[0] == 1
    assert "there is no component that you may read, here or below" in command("status", place.grid)[2]
    place.client.allow("read", place.components[0], "bob")
    status, out, _ = command("status", "--json", place.components[0])
    values = {each["property"]: (each["value"], each["withheld"]) for each in json.loads(out)["properties"]}
    assert status == 0
    assert values["host.hostname"] == ("sg00", "")
    assert values["host.domainname"] == (None, "you may not read the AVU that sets it")


def test_the_number_of_queries_is_that_of_a_grid_of_one(make_place: MakePlace, monkeypatch: pytest.MonkeyPatch) -> None:
    from ova_grid.components import all_components
    from ova_grid.export import _tasks_below

    place = make_place(components=3)
    session, asked = place.client.session, 0
    before = type(session).query

    def counted(*arguments: object) -> object:
        nonlocal asked
        asked += 1
        return before(*arguments)

    monkeypatch.setattr(type(session), "query", counted)
    assert len(all_components(session, [place.grid])) == 3
    assert asked == 2
    _tasks_below(session, place.grid)
    assert asked == 3


# ---- history, diff, graph --------------------------------------------------------------------------------------------


def test_the_history_says_what_each_state_changed_and_who_did_it(place: Place, command: Command) -> None:
    place.client.set(place.components[0], "hostname", "sg20")
    _, out, _ = command("history", "grid01/comp00")
    lines = out.splitlines()
    assert lines[0].endswith("rods#tempZone")
    assert lines[1:3] == ["    - hostname = sg00", "    + hostname = sg20"]
    _, out, _ = command("history", "--json", "grid01/comp00")
    latest = json.loads(out)[0]
    assert [each["value"] for each in latest["came"]] == ["sg20"]
    assert {each["collection"] for each in latest["values"]} == {"", place.grid}


def test_two_machines_differ_in_their_values(place: Place, command: Command) -> None:
    status, out, _ = command("diff", "grid01/comp00", "grid01/comp01")
    assert status == 1
    assert out.splitlines() == ["comp00: host.hostname: sg00 -> sg00-b"]
    assert command("diff", "grid01/comp00", "grid01/comp00")[:2] == (0, "")


def test_two_grids_are_compared_machine_by_machine(place: Place, command: Command) -> None:
    place.client.make(f"{place.home}/grid02")
    place.client.set(f"{place.home}/grid02", "ova_like", place.grid)
    place.component("grid02/comp02")
    place.client.set(f"{place.home}/grid02/comp00", "hostname", "other")
    status, out, _ = command("diff", "grid01", "grid02")
    assert status == 1
    assert "comp00: host.hostname: sg00 -> other" in out
    assert f"comp02: machine: nothing -> {place.home}/grid02/comp02" in out


def test_now_and_then(place: Place, command: Command) -> None:
    place.client.set(place.components[0], "hostname", "sg20")
    states = json.loads(command("history", "--json", "grid01/comp00")[1])
    then = next(each for each in states if any(value["value"] == "sg00" for value in each["values"]))
    for named in (str(then["number"]), then["fingerprint"][:10], then["time"]):
        assert "comp00: hostname: sg00 -> sg20" in command("diff", "grid01/comp00", "--at", named)[1]
    status, _, err = command("diff", "grid01/comp00", "--at", "nonsense")
    assert status == 2
    assert "its history has no state nonsense" in err


def test_the_graph_in_three_formats(place: Place, command: Command) -> None:
    assert command("graph", "grid01")[1].startswith("graph LR\n")
    assert command("graph", "grid01", "--format", "dot")[1].startswith("digraph ova {\n")
    found = json.loads(command("graph", "grid01", "--format", "json")[1])
    assert {"from": place.source, "to": place.components[0], "relation": "source"} in found["relations"]
    assert {"from": place.components[0], "to": place.components[1], "relation": "values"} in found["relations"]


# ---- export, import --------------------------------------------------------------------------------------------------


def test_a_grid_comes_back_at_another_place_with_the_same_values(
    place: Place, command: Command, tmp_path: Path
) -> None:
    place.client.set(place.components[1], "domainname", f"${{{place.components[0]}:hostname}}.org")
    file = str(tmp_path / "grid.tar")
    status, out, _ = command("export", "grid01", "-o", file)
    assert status == 0
    assert out.splitlines()[1:] == [f"not saved: {place.source}"]
    assert Path(file).stat().st_mode & 0o777 == 0o600

    assert command("import", file, "grid09", "--dry-run")[0] == 0
    assert not place.client.session.collections.exists(f"{place.home}/grid09")
    assert command("import", file, "grid09")[0] == 0

    assert command("diff", "grid01", "grid09")[:2] == (0, "")
    assert place.status(f"{place.home}/grid09/comp01") == "ready"
    assert place.client.get(f"{place.home}/grid09/comp00/install/10-hello.sh") == b"#!/bin/sh\necho hello\n"
    values = place.client.metadata(f"{place.home}/grid09/comp01").get_all("domainname")
    assert [avu.value for avu in values] == [f"${{{place.home}/grid09/comp00:hostname}}.org"]


def test_each_machine_is_built_once(place: Place, command: Command, tmp_path: Path) -> None:
    file = str(tmp_path / "grid.tar")
    command("export", "grid01", "-o", file)
    command("import", file, "grid09")
    for name in ("comp00", "comp01"):
        assert len(json.loads(command("history", "--json", f"grid09/{name}")[1])) == 1


def test_a_grid_that_is_like_another_comes_back(place: Place, command: Command, tmp_path: Path) -> None:
    place.client.make(f"{place.home}/grid02")
    place.client.set(f"{place.home}/grid02", "ova_like", place.grid)
    place.client.set(f"{place.home}/grid02/comp00", "hostname", "other")
    file = str(tmp_path / "grid.tar")
    command("export", "grid02", "-o", file)
    assert command("import", file, "grid03")[0] == 0
    assert command("diff", "grid02", "grid03")[:2] == (0, "")
    urls = place.client.metadata(f"{place.home}/grid03/comp00").get_all("ova_url")
    assert [avu.value for avu in urls] == [f"${{{place.components[0]}:ova_url}}"]


def test_what_is_there_and_differs_is_not_touched(place: Place, command: Command, tmp_path: Path) -> None:
    file = str(tmp_path / "grid.tar")
    command("export", "grid01", "-o", file)
    assert command("import", file, "grid01")[0] == 0  # nothing to do
    place.client.set(place.components[0], "hostname", "later")
    place.client.put(b"later", f"{place.components[0]}/install/10-hello.sh")
    status, _, err = command("import", file, "grid01")
    assert status == 1
    assert f"AVU hostname of {place.components[0]}" in err
    assert f"{place.components[0]}/install/10-hello.sh" in err
    assert place.client.facts(place.components[0])["ova::status"] == "ready"
    assert command("import", file, "grid01", "--replace")[0] == 0
    assert [avu.value for avu in place.client.metadata(place.components[0]).get_all("hostname")] == ["sg00"]
    assert place.client.get(f"{place.components[0]}/install/10-hello.sh") == b"#!/bin/sh\necho hello\n"


def test_a_missing_image_is_named(place: Place, command: Command, tmp_path: Path) -> None:
    file = str(tmp_path / "grid.tar")
    command("export", "grid01", "-o", file)
    place.client.remove(place.grid)
    place.client.unlink(place.source)
    status, out, _ = command("import", file, "grid01")
    assert status == 0
    assert f"missing: {place.source}" in out
    place.client.put(ova(), place.source)
    assert place.status(place.components[0]) == "ready"


def test_the_same_grid_gives_the_same_file(place: Place, command: Command, tmp_path: Path) -> None:
    for name in ("a.tar", "b.tar"):
        command("export", "grid01", "-o", str(tmp_path / name))
    assert (tmp_path / "a.tar").read_bytes() == (tmp_path / "b.tar").read_bytes()
    with tarfile.open(tmp_path / "a.tar") as tar:
        assert tar.getnames() == ["grid.json", "objects/000000"]
    status, _, err = command("export", "grid01", "-o", str(tmp_path / "a.tar"))
    assert status == 1
    assert "is there already" in err


# ---- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [("status", "nowhere"), ("history", "grid01"), ("export", "nowhere", "-o", "x")])
def test_a_path_that_is_none_is_one_line(command: Command, arguments: tuple[str, ...], tmp_path: Path) -> None:
    status, out, err = command(*[str(tmp_path / each) if each == "x" else each for each in arguments])
    assert status == 1
    assert out == ""
    assert len(err.splitlines()) == 1
    assert "that you may read" in err
    assert not list(tmp_path.glob("*x*"))


def test_a_wrong_password_is_one_line(command: Command) -> None:
    command.password = "wrong"
    status, _, err = command("status", "grid01")
    assert status == 1
    assert "rods#tempZone cannot sign in" in err
    assert len(err.splitlines()) == 1
