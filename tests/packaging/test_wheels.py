"""The wheels on a machine without the clone: each command runs, and the rules that they install do the main job."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

from ova_admin.install import payload
from tests.ova_admin.conftest import CONFIG, snapshot

REPOSITORY = Path(__file__).resolve().parents[2]
DEMO = REPOSITORY / "demo" / "main_job.py"

pytestmark = pytest.mark.xdist_group("wheels")  # one environment for all


@dataclass
class Machine:
    """A folder outside the clone with a Python of its own, into which the two wheels were installed."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "venv" / "bin" / "python"

    def run(self, program: str | Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """A program of the environment (or another one, by its path), knowing nothing of the clone."""
        command = [str(self.python.parent / program), *map(str, arguments)]
        variables = {"PATH": os.defpath, "HOME": str(self.folder)}
        return subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=self.folder, env=variables)


def pip(*arguments: str | Path) -> None:
    """This environment's pip; what it needs is here, so no index is asked."""
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *map(str, arguments)]
    subprocess.run(command, check=True, timeout=120, stderr=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """The extra [admin] are the third-party packages of the environment that runs this. What is installed editable in
    it is not seen: only the site folder of an environment reads .pth files.
    """
    made = Machine(tmp_path_factory.mktemp("machine"))
    wheels = made.folder / "wheels"
    pip("wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", wheels, REPOSITORY, REPOSITORY / "zone")
    venv.create(made.folder / "venv", symlinks=True)
    pip("--python", made.python, "install", "--no-deps", "--no-index", *wheels.iterdir())
    (site_packages,) = (made.folder / "venv" / "lib").glob("python*/site-packages")
    folders = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (site_packages / "third_party.pth").write_text("".join(f"{folder}\n" for folder in sorted(folders)))
    return made


@pytest.mark.parametrize("command", ["ova", "ova-admin", "irods-zone"])
def test_every_command_is_there(machine: Machine, command: str) -> None:
    done = machine.run(command, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"usage: {command} ")


def test_the_command_needs_few_packages_and_brings_its_man_page(machine: Machine) -> None:
    """What `pipx install ova-tools` asks for: nothing of iRODS, nothing of the tests."""
    program = (
        "import importlib.metadata as m; print(*(r for r in m.requires('ova-tools') if 'extra' not in r), sep='\\n')"
    )
    needed = machine.run("python", "-c", program).stdout.split()
    page = machine.folder / "venv" / "share" / "man" / "man1" / "ova.1"

    assert {name.partition(">")[0].partition("<")[0] for name in needed} == {"cryptography", "rich", "shtab"}
    assert page.read_bytes() == (REPOSITORY / "docs" / "ova.1").read_bytes()


def test_what_is_imported_is_the_wheels(machine: Machine) -> None:
    names = ["ova_admin", "ova_grid", "ova_rules", "ova_tools", "irods_zone"]
    program = "import importlib, sys; print(*(importlib.import_module(n).__file__ for n in sys.argv[1:]), sep='\\n')"
    files = machine.run("python", "-c", program, *names).stdout.splitlines()
    assert len(files) == len(names)
    assert all(Path(file).is_relative_to(machine.folder / "venv") for file in files), files


def test_into_a_server_the_main_job_and_out_again(machine: Machine, tmp_path: Path) -> None:
    etc, prefix = tmp_path / "etc", tmp_path / "opt"
    etc.mkdir()
    (etc / "server_config.json").write_text(json.dumps(CONFIG, indent=4))
    places = ("--etc", etc, "--prefix", prefix, "--python", machine.python, "--plugin", tmp_path / "none.so")
    consent = (*places, "--yes", "--no-reload")
    before = snapshot(etc)

    done = machine.run("ova-admin", "install", *consent, "--configure-server", "--write-settings")
    assert done.returncode == 0, done.stdout + done.stderr
    version = (prefix / "current").resolve()
    installed = {file.relative_to(version) for file in version.rglob("*") if file.is_file() and file.suffix != ".pyc"}
    assert {str(file) for file in installed} == {str(file) for file in payload.collect().files}

    done = machine.run("ova-admin", "check", *places, "--no-connection", "--json")
    found = {each["name"]: each for each in json.loads(done.stdout)}
    assert [name for name, each in found.items() if each["outcome"] == "not ok"] == ["plugin"]  # no server is here
    assert found["core.py"]["detail"] == f"imports the rules of {version}"
    assert found["settings"]["detail"] == str(etc / "ova_rules.json")

    done = machine.run(prefix / "bin" / "ova-admin", "install", *consent)
    assert done.stdout == f"nothing to do: {version.name} is installed in {prefix}\n", done.stdout + done.stderr

    state = etc.with_name("state")
    written = (etc / "ova_rules.json").read_text()
    (etc / "ova_rules.json").write_text(json.dumps({**json.loads(written), "state_directory": str(state)}))
    done = machine.run("python", DEMO, etc / "core.py")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("Done: the ready OVA followed its metadata.\n")
    assert (state / "key").is_file()
    (etc / "ova_rules.json").write_text(written)

    done = machine.run(prefix / "bin" / "ova-admin", "uninstall", *consent)
    assert done.returncode == 0, done.stdout + done.stderr
    assert {name: each for name, each in snapshot(etc).items() if "__pycache__" not in name} == before
    assert sorted(entry.name for entry in prefix.iterdir()) == ["backups"]


def test_make_install_takes_the_clone_whatever_pip_left(machine: Machine, tmp_path: Path) -> None:
    """`pip install '.[downloads]'` in the clone's environment puts a copy there, which the next `make install` must not
    take for the clone.
    """
    clone, etc, prefix = tmp_path / "clone", tmp_path / "etc", tmp_path / "opt"
    for name in ("ova_admin", "ova_tools", "rules"):
        shutil.copytree(REPOSITORY / name, clone / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Makefile", "core.py", "pyproject.toml"):
        shutil.copy(REPOSITORY / name, clone)
    for name in ("ova_admin/places.py", "ova_tools/records.py", "rules/ova_rules/names.py", "core.py"):
        with (clone / name).open("a") as stream:
            stream.write("# newer than what pip installed\n")
    etc.mkdir()
    (etc / "server_config.json").write_text(json.dumps(CONFIG, indent=4))
    environment = machine.folder / "venv"
    (environment / ".admin").touch()  # made before, as by an earlier `make install`
    places = f"--etc {etc} --prefix {prefix} --python {machine.python} --yes --no-reload"
    command = ["make", "install", f"VENV={environment}", f"ARGS={places}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=clone)
    assert done.returncode == 0, done.stdout + done.stderr
    version = (prefix / "current").resolve()
    for name in ("ova_admin/places.py", "ova_tools/records.py", "rules/ova_rules/names.py", "core.py"):
        assert (version / name).read_bytes() == (clone / name).read_bytes(), name
