"""ova-admin against a running zone with the rules that it installed."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from irods.exception import iRODSException
from irods.rule import Rule

from ova_admin import recurring
from ova_admin.cli import main
from ova_admin.rule_text import run_python
from ova_grid.connection import User, connected, environment
from ova_rules import jobs
from ova_rules.settings import Settings
from ova_rules.state import note_tries
from tests.ova_admin.conftest import Server
from tests.support.appliances import ova, read
from tests.support.waiting import until

HOME = "/tempZone/home/rods"


@dataclass
class Admin:
    """The command, for the embedded zone of this test."""

    server: Server
    zone: Any
    capsys: pytest.CaptureFixture[str]

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        """Exit code, stdout, stderr."""
        self.capsys.readouterr()
        more = ["--environment", str(self.zone.environment)]
        code = main([*arguments, *more])
        return (code, *self.capsys.readouterr())

    def check(self) -> dict[str, tuple[str, str]]:
        """What `check` found: name -> (outcome, detail). This machine may have a PREP of its own."""
        places = ["--etc", str(self.server.etc), "--prefix", str(self.server.prefix), "--python", sys.executable]
        _, out, _ = self("check", *places, "--plugin", str(self.server.root / "none.so"), "--json")
        return {each["name"]: (each["outcome"], each["detail"]) for each in json.loads(out)}

    def person(self, name: str) -> Any:
        """An ordinary user's session."""
        self.zone.session().users.create(name, "rodsuser")
        self.zone.session().users.modify(name, "password", "secret")
        return self.zone.session(name, "secret")

    def without_rules(self, change: Callable[[Any], object], user: str = "rods", password: str = "rods") -> None:
        """A user changes something while the rules are not loaded."""
        rules, self.zone.rules = self.zone.rules, None
        self.zone.stop()
        self.zone.start()
        with self.zone.session(user, password) as session:
            change(session)
        self.zone.stop()
        self.zone.rules = rules
        self.zone.start()


@pytest.fixture
def admin(
    server: Server,
    irods_zone_factory: Callable[..., Any],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Admin]:
    """Rules installed beside a site's own core.py, zone running."""
    server.core("# the site's own rules\n")
    monkeypatch.setenv("IRODS_PASSWORD", "rods")
    (server.etc / "ova_rules.json").write_text(json.dumps({"state_directory": str(server.root / "state")}))
    server.install(configure_server=True)
    yield Admin(server, irods_zone_factory(server.etc / "core.py"), capsys)


def component(session: Any, path: str, source: str | None = None) -> str:
    """A component with a source of its own, as that user."""
    if source is None:
        source = f"{path.rpartition('/')[0]}/base.ova"
        with session.data_objects.open(source, "w") as stream:
            stream.write(ova())
    session.collections.create(path)
    session.collections.get(path).metadata.add("ova_url", source)
    return path


def facts(session: Any, path: str) -> dict[str, str]:
    return {avu.name: avu.value for avu in session.collections.get(path).metadata.items() if "::" in avu.name}


def test_check_is_content_with_what_was_installed(admin: Admin) -> None:
    seen = admin.check()
    not_ok = {name for name, (outcome, _) in seen.items() if outcome == "not ok"}
    assert not_ok == {"plugin"}  # the embedded zone emulates it
    assert seen["core.py"][1].endswith(str((admin.server.prefix / "current").resolve()))
    for name in ("configuration", "patterns", "order", "hooks", "rule-text gate", "proxy", "state folder"):
        assert seen[name][0] == "ok", name
    assert seen["delay server"][0] == "note"
    assert "demoResc: " in seen["vaults"][1]
    assert admin.zone.session().collections.get(HOME).subcollections == []


def test_every_run_of_check_has_the_same_requirements(admin: Admin) -> None:
    """Whatever is there or not: so two runs can be compared, and the count means something."""
    seen = [list(admin.check())]
    admin.server.uninstall()
    seen.append(list(admin.check()))
    admin.zone.stop()
    for name in ("server_config.json", "ova_rules.json"):
        (admin.server.etc / name).unlink()
    seen.append(list(admin.check()))
    places = ["--etc", str(admin.server.etc), "--plugin", "/none.so", "--no-connection"]
    code, out, _ = admin("check", *places)
    count = sum(int(part.split()[0]) for part in out.splitlines()[-1].split(", "))
    assert (code, [len(names) for names in seen]) == (1, [count] * 3)
    assert len({frozenset(names) for names in seen}) == 1
    assert "not applicable" in out.splitlines()[-1]


def test_check_says_what_is_wrong(admin: Admin) -> None:
    admin.server.uninstall()
    settings = admin.server.etc / "ova_rules.json"
    settings.write_text('{"gate_wait": "long", "rules_for_users": ["*"]}')
    settings.chmod(0o664)
    seen = admin.check()
    assert {name for name, (outcome, _) in seen.items() if outcome == "not ok"} == {
        "plugin", "configuration", "core.py", "settings", "settings' owner", "rules for users", "hooks",
        "rule-text gate", "servers",
    }  # fmt: skip
    assert "gate_wait" in seen["settings"][1]
    code, out, _ = admin("check", "--etc", str(admin.server.etc), "--prefix", str(admin.server.prefix))
    assert code == 1
    assert "-> run `ova-admin install`" in out


def test_a_zone_that_cannot_be_reached_is_one_line(admin: Admin) -> None:
    admin.zone.stop()
    code, out, err = admin("status")
    assert (code, out) == (1, "")
    assert err.startswith("ova-admin: 127.0.0.1:")
    assert "cannot sign in" in err
    assert len(err.splitlines()) == 1


def test_a_wrong_password_is_one_line(admin: Admin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IRODS_PASSWORD", "wrong-secret")
    code, _, err = admin("status")
    assert code == 1
    assert "rods#tempZone cannot sign in" in err
    assert "wrong-secret" not in err


def test_status_lists_what_the_facts_say(admin: Admin) -> None:
    session = admin.zone.session()
    good = component(session, f"{HOME}/grid01/comp01".replace("/grid01", ""))
    bad = component(session, f"{HOME}/comp02", f"{HOME}/none.ova")
    code, out, _ = admin("status", "--json")
    rows = {row["path"]: row for row in json.loads(out)}
    assert code == 0
    assert set(rows) == {good, bad}
    assert (rows[good]["state"], rows[good]["source"]) == ("ready", f"{HOME}/base.ova")
    assert 0 <= rows[good]["age_seconds"] < 60
    assert rows[good]["owner"] == "rods#tempZone"
    assert (rows[bad]["state"], rows[bad]["age_seconds"]) == ("failed", None)
    assert "does not exist" in rows[bad]["message"]
    assert [row["path"] for row in json.loads(admin("status", bad, "--json")[1])] == [bad]
    assert json.loads(admin("status", f"{HOME}/comp", "--json")[1]) == []
    assert [row["path"] for row in json.loads(admin("status", bad, good, "--json")[1])] == [good, bad]
    table = admin("status")[1]
    assert "2 components: " in table
    assert "failed" in table


def test_status_in_a_pipe_is_a_line_for_each(admin: Admin) -> None:
    long = f"{HOME}/{'/'.join(['a rather long name of a grid'] * 6)}/comp01"
    session = admin.zone.session()
    session.collections.create(long.rpartition("/")[0])
    component(session, long, f"{HOME}/none.ova")
    title, line, last = admin("status")[1].splitlines()
    assert title.split("\t") == ["PATH", "STATE", "AGE", "SOURCE", "MESSAGE"]
    assert line.split("\t")[:2] == [long, "failed"]
    assert last == "1 components: 1 failed"


def test_a_check_that_was_given_up_is_listed(admin: Admin) -> None:
    """An image that no check ends well: its agent is ended each time, here by the queue's last try."""
    session = admin.zone.session()
    image = f"{HOME}/images/base.ova"
    session.collections.create(f"{HOME}/images")
    with session.data_objects.open(image, "w") as stream:
        stream.write(ova())
    state = str(admin.server.root / "state")
    jobs.begin(Settings(state_directory=state), jobs.CHECK, image)
    note_tries(state, f"{jobs.CHECK} {image}", jobs.MOST_TRIES)
    run_python(session, f"import core; core.ova_job({jobs.CHECK!r}, {image.encode().hex()!r}, callback, rei)")
    rows = json.loads(admin("status", "--json")[1])
    assert [(row["kind"], row["path"], row["state"]) for row in rows] == [("image", image, "given up")]
    assert rows[0]["message"].startswith("given up after 6 tries")
    assert admin("status", f"{HOME}/images")[1].splitlines()[1].startswith(f"{image}\tgiven up\t")
    assert json.loads(admin("status", f"{HOME}/image", "--json")[1]) == []


def test_a_component_that_the_rules_never_saw_is_listed(admin: Admin) -> None:
    admin.without_rules(lambda session: component(session, f"{HOME}/comp01", f"{HOME}/base.ova"))
    assert json.loads(admin("status", "--json")[1])[0]["state"] == "unknown"


def test_rebuild_is_done_as_the_owner(admin: Admin) -> None:
    alice = admin.person("alice")
    path = component(alice, "/tempZone/home/alice/comp01")
    before = facts(alice, path)["ova::fingerprint"], next(iter(_versions(alice, path)))
    code, out, err = admin("rebuild", path)
    assert (code, out) == (0, "1 ready, 0 not\n"), err
    assert facts(alice, path)["ova::fingerprint"] == before[0]
    assert next(iter(_versions(alice, path))) != before[1]
    ready = alice.data_objects.get(f"{path}/comp01.ova")
    assert ready.owner_name == "alice"


def _versions(session: Any, path: str) -> list[str]:
    """Which file the ready OVA is, as its facts note it."""
    items = session.collections.get(path).metadata.get_all("ova::build")
    return [json.loads(avu.value)["version"] for avu in items]


def test_rebuild_lends_no_rights(admin: Admin) -> None:
    """The administrator may read the source; the owner may not, so it is not built."""
    rods, alice = admin.zone.session(), admin.person("alice")
    with rods.data_objects.open(f"{HOME}/secret.ova", "w") as stream:
        stream.write(ova())
    path = component(alice, "/tempZone/home/alice/comp01", f"{HOME}/secret.ova")
    code, out, err = admin("rebuild", path)
    assert (code, out) == (1, "0 ready, 1 not\n")
    assert "alice may not read it" in err
    assert not rods.data_objects.exists(f"{path}/comp01.ova")


def test_rebuild_wants_components(admin: Admin) -> None:
    code, _, err = admin("rebuild", HOME)
    assert (code, err) == (1, f"ova-admin: {HOME}: is no component (a collection with the AVU ova_url)\n")
    with pytest.raises(SystemExit):
        admin("rebuild")


def test_rebuild_all(admin: Admin) -> None:
    component(admin.person("alice"), "/tempZone/home/alice/comp01")
    component(admin.person("bob"), "/tempZone/home/bob/comp01")
    assert admin("rebuild", "--all")[:2] == (0, "2 ready, 0 not\n")


def test_reconcile_finds_what_no_hook_saw(admin: Admin) -> None:
    alice = admin.person("alice")
    path = component(alice, "/tempZone/home/alice/comp01")
    component(alice, "/tempZone/home/alice/comp02", "/tempZone/home/alice/base.ova")

    def change(session: Any) -> None:
        session.collections.get(path).metadata.add("hostname", "sg12")

    admin.without_rules(change, "alice", "secret")
    code, out, _ = admin("reconcile", "--dry-run")
    assert code == 0
    assert out.splitlines()[0].startswith(f"{path}: ")
    assert "(alice#tempZone)" in out
    assert out.splitlines()[-1] == "1 out of date"
    assert admin("reconcile")[:2] == (0, "1 ready, 0 not\n")
    assert admin("reconcile")[:2] == (0, "0 out of date\n")
    alice = admin.zone.session("alice", "secret")
    with alice.data_objects.open(f"{path}/comp01.ova", "r") as stream:
        assert read(stream.read()).values["host.hostname"] == "sg12"


def test_only_administrators_may_ask(admin: Admin, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    admin.person("alice")
    settings = {**json.loads(admin.zone.environment.read_text()), "irods_user_name": "alice"}
    file = tmp_path / "alice.json"
    file.write_text(json.dumps(settings))
    monkeypatch.setenv("IRODS_PASSWORD", "secret")
    admin.capsys.readouterr()
    assert main(["reconcile", "--environment", str(file)]) == 1
    assert "the rule text was refused or failed" in admin.capsys.readouterr().err


def set_admin_command(admin: Admin) -> None:
    """A command with which the server can reconcile."""
    command = admin.server.root / "ova-admin"
    command.write_text(
        "#!/bin/sh\n"
        f'IRODS_PASSWORD=rods exec {sys.executable} -m ova_admin "$@" --environment {admin.zone.environment}\n'
    )
    command.chmod(0o755)
    settings = admin.server.etc / "ova_rules.json"
    settings.write_text(json.dumps({**json.loads(settings.read_text()), "admin_command": str(command)}))


def test_without_the_setting_the_job_is_refused_in_one_line(admin: Admin) -> None:
    code, out, err = admin("reconcile", "--every", "1h")
    assert (code, out) == (1, "")
    assert len(err.splitlines()) == 1
    assert "the setting admin_command is missing" in err and "set admin_command to" in err
    with connected(environment(admin.zone.environment)) as session:
        assert recurring.jobs(session) == []


def test_a_job_whose_command_went_away_is_seen(admin: Admin) -> None:
    set_admin_command(admin)
    assert admin.check()["recurring job"][0] == "not applicable"
    assert admin("reconcile", "--every", "1h")[0] == 0
    until(lambda: '"reconcile"' in admin.zone.log_text(), "the job ran")
    assert admin.check()["recurring job"] == ("ok", "runs every 1h")
    (admin.server.root / "ova-admin").unlink()
    outcome, detail = admin.check()["recurring job"]
    assert (outcome, "No such file" in detail) == ("not ok", True)
    with connected(environment(admin.zone.environment)) as session:
        recurring.stop(session)
        condition = "<INST_NAME>irods_rule_engine_plugin-python-instance</INST_NAME><PLUSET>1s</PLUSET>"
        run_python(session, f"callback.delayExec({condition!r}, {recurring.JOB!r}, '')")
    until(lambda: '"ova": "fault", "in": "recurring reconcile"' in admin.zone.log_text(), "the log says it")


def test_asking_twice_gives_one_job(admin: Admin) -> None:
    set_admin_command(admin)
    chosen = environment(admin.zone.environment)
    assert admin("reconcile", "--every", "1h")[1] == "runs every 1h\n"
    assert admin("reconcile", "--every", "1h")[1] == "runs every 1h, as before\n"
    with connected(chosen) as session:
        assert [job.frequency for job in recurring.jobs(session)] == ["1h REPEAT FOR EVER"]
    assert admin("reconcile", "--every", "2h")[1] == "runs every 2h\n"
    with connected(chosen) as session:
        assert [job.frequency for job in recurring.jobs(session)] == ["2h REPEAT FOR EVER"]
    assert admin("reconcile", "--stop")[1] == "stopped\n"
    assert admin("reconcile", "--stop")[1] == "it was not running\n"
    assert admin("reconcile", "--every", "5s")[0] == 1


def test_the_job_reconciles(admin: Admin) -> None:
    set_admin_command(admin)
    alice = admin.person("alice")
    path = component(alice, "/tempZone/home/alice/comp01")
    admin.without_rules(lambda user: user.collections.get(path).metadata.add("hostname", "sg12"), "alice", "secret")
    assert admin("reconcile", "--every", "1h")[0] == 0
    until(lambda: '"reconcile"' in admin.zone.log_text(), "the job said how it went")
    assert '"said": "1 ready, 0 not"' in admin.zone.log_text()
    assert admin("reconcile", "--dry-run")[1] == "0 out of date\n"


# ---- the rule-text hole ----------------------------------------------------------------------------------------------

QUEUE_PYTHON = """hole {{
    delayExec("<INST_NAME>irods_rule_engine_plugin-python-instance</INST_NAME><PLUSET>1s</PLUSET>",
              "import os; open('{}', 'w').write(str(os.getuid()))", "");
}}
"""


def queue_python(session: Any, file: Path) -> None:
    """What any user can do where PREP is: rule language that queues Python."""
    text = io.StringIO(QUEUE_PYTHON.format(file))
    language = "irods_rule_engine_plugin-irods_rule_language-instance"
    Rule(session, rule_file=text, instance_name=language).execute(session_cleanup=False, acceptable_errors=())


def test_without_our_gate_any_user_runs_python_as_the_service_account(admin: Admin) -> None:
    alice = admin.person("alice")
    admin.server.uninstall()
    proof = admin.server.root / "proof"
    queue_python(alice, proof)
    until(lambda: proof.exists() and proof.read_text() == str(os.getuid()), "alice's Python ran as the service account")
    assert admin.check()["rule-text gate"][0] == "not ok"


def test_with_our_gate_nobody_does(admin: Admin) -> None:
    alice = admin.person("alice")
    proof = admin.server.root / "proof"
    with pytest.raises(iRODSException, match="only administrators may run rule text"):
        queue_python(alice, proof)
    assert recurring_queue(admin) == []
    assert not proof.exists()


def recurring_queue(admin: Admin) -> list[object]:
    from irods.models import RuleExec

    return list(admin.zone.session().query(RuleExec.id).get_results())


def test_a_user_is_who_acts(admin: Admin) -> None:
    admin.person("alice")
    with connected(environment(admin.zone.environment), User("alice", "tempZone")) as session:
        session.collections.create("/tempZone/home/alice/made")
        assert session.collections.get("/tempZone/home/alice/made").owner_name == "alice"
        assert not session.collections.exists(f"{HOME}/nothing")
