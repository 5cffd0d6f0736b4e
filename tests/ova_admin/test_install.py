"""Installs into a server's folder and uninstalls: no file of the site is touched, and everything is restored."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from types import ModuleType

import pytest

from ova_admin.check import settings as check_settings
from ova_admin.check.finding import Outcome
from ova_admin.cli import main
from ova_admin.errors import AdminError
from ova_admin.install import change, payload, trial, versions
from ova_admin.install.versions import compile_folder
from ova_admin.interpreter import Interpreter
from ova_rules import settings
from tests.ova_admin.conftest import Server, snapshot

REPOSITORY = Path(__file__).resolve().parents[2]
THIS = Interpreter(Path(sys.executable), sys.version_info[:2])
HOOK = "acPostProcForObjRename"
SITE = f"""import irods_types
said = []

def {HOOK}(rule_args, callback, rei):
    said.append(("theirs", list(rule_args), isinstance(irods_types, object)))
    return 7

def own_rule(rule_args, callback, rei):
    return __file__
"""


def no_core(server: Server) -> None:
    pass


def own_core(server: Server) -> None:
    server.core(SITE).chmod(0o640)


def own_core_without_line_end(server: Server) -> None:
    server.core(SITE.rstrip("\n"))


def link_to_own_core(server: Server) -> None:
    (server.root / "site").mkdir()
    (server.root / "site" / "core.py").write_text(SITE)
    (server.etc / "core.py").symlink_to("../site/core.py")


def link_to_our_clone(server: Server) -> None:
    (server.etc / "core.py").symlink_to(REPOSITORY / "core.py")


SITES: list[Callable[[Server], None]] = [
    no_core, own_core, own_core_without_line_end, link_to_own_core, link_to_our_clone,
]  # fmt: skip


@pytest.mark.parametrize("site", SITES)
def test_uninstall_leaves_the_folder_as_it_was(server: Server, site: Callable[[Server], None]) -> None:
    site(server)
    before = snapshot(server.etc)
    assert server.install(configure_server=True, write_settings=True)
    assert snapshot(server.etc) != before
    assert server.uninstall()
    assert snapshot(server.etc) == before
    assert not (server.prefix / "current").exists()


@pytest.mark.parametrize("site", SITES)
def test_installing_twice_changes_nothing(server: Server, site: Callable[[Server], None]) -> None:
    site(server)
    server.install(configure_server=True)
    before = snapshot(server.root)
    server.said.clear()
    assert server.install(configure_server=True)
    assert snapshot(server.root) == before
    assert server.said == [f"nothing to do: {versions.current_name(server.prefix)} is installed in {server.prefix}"]


def loaded(server: Server) -> ModuleType:
    """core.py as an agent would import it, in this process."""
    import importlib.util

    spec = importlib.util.spec_from_file_location("core", server.etc / "core.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("site", [own_core, link_to_own_core])
def test_the_sites_hooks_run_after_ours(
    server: Server, site: Callable[[Server], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "irods_types", ModuleType("irods_types"))
    monkeypatch.setattr(sys, "path", list(sys.path))
    site(server)
    server.install()
    from ova_rules import agent, hooks

    order: list[str] = []
    answers = [agent.CONTINUE]

    def ours(rule_args: list[object], callback: object, rei: object) -> int:
        order.append("ours")
        return answers[0]

    monkeypatch.setitem(hooks.RULES, HOOK, ours)
    monkeypatch.setattr(agent, "settings_directory", "")
    core = loaded(server)
    assert getattr(core, HOOK)(["/a", "/b"], None, None) == 7
    assert order == ["ours"]
    assert core.said == [("theirs", ["/a", "/b"], True)]
    answers[0] = -818000
    assert getattr(core, HOOK)(["/a", "/b"], None, None) == -818000
    assert len(core.said) == 1  # what we deny they are not asked
    assert agent.settings_directory == str(server.etc)


def test_a_linked_core_keeps_its_place(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "irods_types", ModuleType("irods_types"))
    monkeypatch.setattr(sys, "path", list(sys.path))
    link_to_own_core(server)
    server.install()
    where = Path(loaded(server).own_rule([], None, None))
    assert where.parent == server.etc
    assert where.resolve() == server.root / "site" / "core.py"


def test_hooks_that_the_site_makes_on_demand_run_too(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    server.core(
        f"def __getattr__(name):\n    if name == {HOOK!r}:\n        return lambda *a: 9\n"
        "    raise AttributeError(name)\n"
    )
    server.install()
    from ova_rules import agent, hooks

    monkeypatch.setitem(hooks.RULES, HOOK, lambda *arguments: agent.CONTINUE)
    assert getattr(loaded(server), HOOK)([], None, None) == 9


def test_the_installed_rules_are_those_of_core_py(server: Server) -> None:
    """Whoever links core.py and whoever installs the block gets the same hooks and jobs."""
    server.install()
    names = "print(sorted(n for n in vars(core) if n.startswith(('ac', 'pep_', 'ova_'))))"
    program = "import sys; sys.path.insert(0, {!r}); import core; " + names
    ask = [THIS.run(program.format(str(folder))).stdout for folder in (server.etc, REPOSITORY)]
    assert ask[0] == ask[1] != "[]\n"


def test_without_its_folder_the_zone_goes_on_and_rule_text_stays_closed(server: Server) -> None:
    server.core("def acPostProcForDelete(rule_args, callback, rei):\n    return 7\n")
    server.install()
    (server.prefix / "current").unlink()
    program = f"""
import json, sys; sys.path.insert(0, {str(server.etc)!r})
import core
class Callback:
    def writeLine(self, where, text): print(where, *(json.loads(text)[key][:30] for key in ("ova", "in", "error")))
class Thing: pass
rei = Thing(); rei.uoic = rei.uoip = Thing(); rei.uoic.authInfo = Thing()
for rei.uoic.authInfo.authFlag in (3, 5):
    print(core.pep_api_exec_my_rule_pre([], Callback(), rei))
    print(core.pep_api_exec_rule_expression_pre([], Callback(), rei))
print(core.acPostProcForDelete([], None, None))
"""
    words = "serverLog fault core.py the rules could not be loaded,"
    refused, allowed = [words, "-830000"], [words, "5000000"]
    assert THIS.run(program).stdout.splitlines() == [*refused, *refused, *allowed, *allowed, "7"]


def test_a_core_that_would_not_work_is_not_put_in_place(server: Server) -> None:
    server.core("import sys\nsys.modules['ova_rules'] = None  # something is in the way\n")
    before = snapshot(server.etc)
    with pytest.raises(AdminError, match="does not work"):
        server.install(configure_server=True)
    assert snapshot(server.etc) == before
    assert versions.current_name(server.prefix) is None


def test_a_core_that_only_works_inside_the_server_is_no_hindrance(server: Server) -> None:
    server.core("import only_in_the_server\n")
    assert server.install()
    assert any("could not be tried" in line for line in server.said)


def test_nothing_is_done_without_consent(server: Server) -> None:
    own_core(server)
    before = snapshot(server.root)
    assert not server.install(agree=lambda: False, configure_server=True, write_settings=True)
    assert snapshot(server.root) == before
    assert any(line.startswith("---") and "ova-tools" in line for line in server.said)


def test_secrets_are_not_shown(server: Server) -> None:
    (server.etc / "server_config.json").write_text(
        json.dumps(json.loads((server.etc / "server_config.json").read_text()))
    )
    server.install(configure_server=True)
    assert "SECRET" not in "\n".join(server.said)
    assert '"password": "…"' in "\n".join(server.said)


def test_an_edit_of_the_site_after_installing_survives(server: Server) -> None:
    own_core(server)
    server.install(configure_server=True)
    core, config = server.etc / "core.py", server.etc / "server_config.json"
    core.write_text("# new\n" + core.read_text())
    config.write_text(config.read_text().replace('sleep_time_in_seconds": 30', 'sleep_time_in_seconds": 5'))
    server.uninstall()
    assert core.read_text() == "# new\n" + SITE
    assert config.read_text().count("python") == 0
    assert json.loads(config.read_text())["advanced_settings"] == {"delay_server_sleep_time_in_seconds": 5}


@pytest.mark.parametrize("umask", [0o022, 0o002, 0o077, 0])
@pytest.mark.parametrize("site", SITES)
def test_the_settings_that_are_written_please_the_rules_and_check(
    server: Server, site: Callable[[Server], None], umask: int
) -> None:
    site(server)
    before = os.umask(umask)
    try:
        server.install(write_settings=True)
    finally:
        os.umask(before)
    problems: list[str] = []
    assert settings.load(str(server.etc), problems.append) == settings.Settings()
    assert problems == []
    found = {finding.name: finding for finding in check_settings.findings(server.places)}
    assert {finding.outcome for finding in found.values()} <= {Outcome.OK, Outcome.NOT_APPLICABLE}, found
    assert [found[name].outcome for name in ("settings", "settings' owner")] == [Outcome.OK, Outcome.OK]


@pytest.mark.parametrize("key", settings.SETTINGS)
def test_each_default_is_written_as_a_right_value(key: str) -> None:
    setting = settings.SETTINGS[key]
    written = json.loads(settings.defaults_text())[key]
    assert setting.kind.converted(written) == getattr(settings.Settings(), key)


def test_settings_that_were_edited_stay(server: Server) -> None:
    server.install(write_settings=True)
    (server.etc / "ova_rules.json").write_text('{"gate_wait": 5}')
    server.uninstall()
    assert (server.etc / "ova_rules.json").read_text() == '{"gate_wait": 5}'
    assert any("so it stays" in line for line in server.said)


def test_settings_that_are_there_are_not_written_over(server: Server) -> None:
    (server.etc / "ova_rules.json").write_text('{"gate_wait": 5}')
    before = snapshot(server.etc)
    server.install(write_settings=True)
    server.uninstall()
    assert snapshot(server.etc) == before


def test_an_upgrade_switches_and_keeps_the_version_before(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    server.install()
    first = versions.current_name(server.prefix)
    core = (server.etc / "core.py").read_bytes()
    names = []
    for number in (1, 2):
        note = server.root / f"note{number}.py"
        note.write_text(f"# {number}\n")
        whole = payload.collect()
        newer = payload.Payload({**whole.files, PurePosixPath("rules/note.py"): note}, whole.version)
        with monkeypatch.context() as patched:
            patched.setattr(payload, "collect", lambda newer=newer: newer)
            assert server.install()
        names.append(versions.current_name(server.prefix))
    assert len({first, *names}) == 3
    assert (server.etc / "core.py").read_bytes() == core
    kept = {entry.name for entry in (server.prefix / "versions").iterdir()}
    assert kept == set(names)


def test_a_file_changed_by_hand_is_put_right(server: Server) -> None:
    server.install()
    hooks = server.prefix / "current" / "rules" / "ova_rules" / "hooks.py"
    hooks.write_text("broken")
    assert server.install()
    assert hooks.read_bytes() == (REPOSITORY / "rules" / "ova_rules" / "hooks.py").read_bytes()


def test_what_is_installed_is_compiled_and_nobody_elses(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "compile_folder", compile_folder)
    os.umask(0o077)
    server.install()
    folder = server.prefix / "current"
    assert list(
        (folder / "rules" / "ova_rules" / "__pycache__").glob(f"hooks.*{sys.version_info[0]}{sys.version_info[1]}*.pyc")
    )
    for path in (folder.resolve()).rglob("*"):
        assert path.stat().st_mode & 0o777 in ((0o755,) if path.is_dir() else (0o644,)), path


def test_the_installed_command_runs_by_itself(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(payload, "_NEEDED", ("python-irodsclient", "rich"))
    server.install()
    done = subprocess.run(
        [str(server.prefix / "bin" / "ova-admin"), "--help"], capture_output=True, text=True, cwd="/", env={}
    )
    assert done.returncode == 0
    assert "uninstall" in done.stdout


def test_a_prefix_of_somebody_else_is_refused(server: Server) -> None:
    server.prefix.mkdir()
    (server.prefix / "things").write_text("")
    before = snapshot(server.root)
    with pytest.raises(AdminError, match="holds other things"):
        server.install()
    assert snapshot(server.root) == before


def test_a_file_that_changed_after_it_was_shown_is_left_alone(server: Server) -> None:
    own_core(server)

    def agree() -> bool:
        server.core("x = 1\n")
        return True

    with pytest.raises(AdminError, match="changed meanwhile"):
        server.install(agree=agree)
    assert (server.etc / "core.py").read_text() == "x = 1\n"


def test_the_backups_are_private_and_whole(server: Server) -> None:
    own_core(server)
    config = (server.etc / "server_config.json").read_bytes()
    server.install(configure_server=True)
    server.uninstall()
    backups = server.prefix / "backups"
    assert backups.stat().st_mode & 0o777 == 0o700
    kept = [path for path in backups.rglob("*") if path.is_file()]
    assert {path.read_bytes() for path in kept} >= {SITE.encode(), config}
    assert all(path.stat().st_mode & 0o077 == 0 for path in kept)


def test_a_link_to_nowhere_is_refused(server: Server) -> None:
    (server.etc / "core.py").symlink_to("nowhere.py")
    with pytest.raises(AdminError, match="which is not there"):
        server.install()


def test_a_trial_sees_what_stands_in_for_our_hooks(server: Server) -> None:
    server.install()
    core = server.etc / "core.py"
    core.write_text(core.read_text() + f"def {HOOK}(rule_args, callback, rei):\n    return 0\n")
    seen = trial.of_file(server.places, THIS, core)
    assert (seen.error, seen.replaced, seen.gate) == ("", (HOOK,), True)
    assert seen.folder == str((server.prefix / "current").resolve())


def test_without_a_terminal_consent_must_be_said(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    places = ["--etc", str(server.etc), "--prefix", str(server.prefix), "--python", sys.executable]
    read, write = os.pipe()
    os.close(write)
    saved = os.dup(0)
    os.dup2(read, 0)
    try:
        assert main(["install", *places]) == 1
    finally:
        os.dup2(saved, 0)
        os.close(saved)
        os.close(read)
    assert "--yes" in capsys.readouterr().err
    assert main(["install", *places, "--dry-run"]) == 0
    assert not server.prefix.exists()
    assert main(["install", *places, "--yes", "--no-reload"]) == 0
    assert main(["uninstall", *places, "--yes", "--no-reload"]) == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to others")
def test_owners_come_back_and_the_trial_is_not_run_as_root(server: Server) -> None:
    with tempfile.TemporaryDirectory() as folder:  # pytest's own cannot be entered by others
        Path(folder).chmod(0o755)
        shutil.copytree(server.root, folder, dirs_exist_ok=True)
        _owned_by_nobody(Server(Path(folder)))


def _owned_by_nobody(server: Server) -> None:
    core = server.core(f"import os\nif os.getuid() == 0:\n    open({str(server.root / 'root')!r}, 'w')\n")
    for path in (server.etc, core, server.etc / "server_config.json"):
        os.chown(path, 65534, 65534)
    before = snapshot(server.etc)
    server.install(configure_server=True)
    assert (server.etc / "server_config.json").stat().st_uid == 65534
    assert not (server.root / "root").exists()
    server.uninstall()
    assert snapshot(server.etc) == before


def test_a_change_keeps_mode_and_says_what_it_is(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("one\n")
    file.chmod(0o604)
    made = change.Change(file, change.read(file), change.Entry(b"two\n"))
    assert made.diff().splitlines()[2:] == ["@@ -1 +1 @@", "-one", "+two"]
    change.apply(made)
    assert file.read_text() == "two\n"
    assert file.stat().st_mode & 0o777 == 0o604
