"""`ova deploy --to openstack`: images with a real Glance, where it is installed; servers with what Nova answers.

Glance is Debian's, without Keystone, with SQLite and files. Nova cannot run alone, so its answers are those of its API
reference.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import socket
import subprocess
import time
import urllib.request
from base64 import b64decode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from ova_tools.cli import main
from ova_tools.clouds.glance import document
from ova_tools.libvirt.machine import Machine, MachineDisk
from ova_tools.libvirt.terms import Nic

_PROGRAMS = ("glance-api", "glance-manage", "qemu-img", "qemu-io")
_MISSING = [name for name in _PROGRAMS if shutil.which(name) is None]
_MISSING += [] if importlib.util.find_spec("openstack") else ["openstacksdk"]
_WHY = f"not installed here: {', '.join(_MISSING)} (glance-api, qemu-utils; pip install openstacksdk)"
pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(_MISSING), reason=_WHY)]

_GLANCE = """\
[DEFAULT]
bind_host = 127.0.0.1
bind_port = {port}
workers = 0
enabled_backends = fs:file
[database]
connection = sqlite:///{folder}/glance.sqlite
[paste_deploy]
flavor =
config_file = /etc/glance/glance-api-paste.ini
[glance_store]
default_backend = fs
[fs]
filesystem_store_datadir = {folder}/images
[oslo_policy]
enforce_new_defaults = false
"""


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture(scope="module")
def glance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Glance."""
    folder, port = tmp_path_factory.mktemp("glance"), free_port()
    (folder / "images").mkdir()
    configuration = folder / "glance.conf"
    configuration.write_text(_GLANCE.format(port=port, folder=folder), encoding="utf-8")
    command = ["--config-file", str(configuration)]
    subprocess.run(["glance-manage", *command, "db_sync"], check=True, capture_output=True)
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(["glance-api", *command], stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 60
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert server.poll() is None and time.monotonic() < deadline, (folder / "log").read_text()[-2000:]
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(30)


class Nova(ThreadingHTTPServer):
    """What Nova answers, as far as it is asked: flavors, and servers that are active at once."""

    def __init__(self) -> None:
        self.servers: list[dict[str, Any]] = []
        self.asked: list[dict[str, Any]] = []
        super().__init__(("127.0.0.1", 0), _Answers)
        Thread(target=self.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v2.1"


class _Answers(BaseHTTPRequestHandler):
    server: Nova

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self, status: int, content: object) -> None:
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self) -> None:
        path = self.path.partition("?")[0].rstrip("/")
        if path.endswith("/v2.1"):
            links = [{"rel": "self", "href": f"{self.server.address}/"}]
            version = {"id": "v2.1", "status": "CURRENT", "version": "2.93", "min_version": "2.1", "links": links}
            self._answer(200, {"version": version})
        elif path.endswith("/flavors/detail"):
            flavors = [("small", 1, 512, 1), ("right", 2, 2048, 10), ("large", 8, 16384, 80)]
            found = [{"id": n, "name": n, "vcpus": c, "ram": r, "disk": d, "links": []} for n, c, r, d in flavors]
            self._answer(200, {"flavors": found})
        elif path.endswith("/servers/detail"):
            self._answer(200, {"servers": self.server.servers})
        elif "/servers/" in path:
            number = path.rpartition("/")[2]
            self._answer(200, {"server": next(each for each in self.server.servers if each["id"] == number)})
        else:
            self._answer(404, {})

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(asked)
        if "rebuild" in asked:
            self.server.servers[0].update(metadata=asked["rebuild"]["metadata"])
            self._answer(202, {"server": self.server.servers[0]})
            return
        wanted = asked["server"]
        made = {"id": "s1", "name": wanted["name"], "status": "ACTIVE", "metadata": wanted["metadata"], "links": []}
        self.server.servers.append(made)
        self._answer(202, {"server": made})


@pytest.fixture
def nova() -> Iterator[Nova]:
    found = Nova()
    yield found
    found.shutdown()
    found.server_close()


@pytest.fixture(autouse=True)
def cloud(tmp_path: Path, glance: str, nova: Nova, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cloud `ours` in clouds.yaml."""
    ours = {"auth_type": "none", "image_endpoint_override": glance, "compute_endpoint_override": nova.address}
    (tmp_path / "clouds.json").write_text(json.dumps({"clouds": {"ours": ours}}))
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(tmp_path / "clouds.json"))


def put_machine(folder: Path, name: str, *, content: str, user_data: bytes = b"#cloud-config\n") -> Path:
    """What `ova_forms openstack` makes of a component."""
    place = folder / name
    place.mkdir(parents=True, exist_ok=True)
    disk = place / f"{name}.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", disk, "64M"], check=True)
    subprocess.run(
        ["qemu-io", "-f", "qcow2", "-c", f"write -P {sum(content.encode()) % 256} 1M 4M", disk],
        check=True,
        capture_output=True,
    )
    disks = (MachineDisk("sda", "scsi", "f", "vmdk", 64 << 20, "virtio-scsi"),)
    machine = Machine(name, 2, 1, 1 << 30, "efi", True, (Nic("", "net", "virtio"),), True, (), disks)
    (place / f"{name}.image.json").write_text(document(machine, f"{folder.name}-{name}", content, disk.name))
    (place / f"{name}.user-data").write_bytes(user_data)
    return place / f"{name}.image.json"


def images(glance: str, content: str) -> list[dict[str, Any]]:
    with urllib.request.urlopen(f"{glance}/v2/images?ova_disk={content}") as answer:
        return list(json.load(answer)["images"])


def deploy(folder: Path, *options: str) -> int:
    return main(["deploy", str(folder), "--to", "openstack", "--cloud", "ours", *options])


def test_glance_takes_the_image_with_its_properties_once(
    tmp_path: Path, glance: str, capsys: pytest.CaptureFixture[str]
) -> None:
    grid = tmp_path / "grid01"
    for name in ("sg12", "sg13"):
        put_machine(grid, name, content="once")
    assert deploy(grid, "--images-only", "--dry-run") == 0
    assert capsys.readouterr().out.splitlines()[0] == "grid01-sg12: would be: image uploaded"
    assert images(glance, "once") == []
    assert deploy(grid, "--images-only") == 0
    assert capsys.readouterr().out.splitlines() == ["grid01-sg12: image uploaded", "grid01-sg13: unchanged"]
    (image,) = images(glance, "once")
    wanted = json.loads((grid / "sg12/sg12.image.json").read_text())
    assert {name: image[name] for name in wanted} == wanted
    assert (image["status"], image["visibility"]) == ("active", "private")
    with urllib.request.urlopen(f"{glance}/v2/images/{image['id']}/file") as answer:
        assert answer.read() == (grid / "sg12/sg12.qcow2").read_bytes()


def test_a_disk_that_leads_to_another_file_is_not_uploaded(
    tmp_path: Path, glance: str, capsys: pytest.CaptureFixture[str]
) -> None:
    put_machine(tmp_path / "grid01", "sg12", content="backed")
    command = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", "/etc/passwd"]
    subprocess.run([*command, str(tmp_path / "grid01/sg12/sg12.qcow2")], check=True)
    assert deploy(tmp_path / "grid01", "--images-only") == 1
    assert "has a backing file" in capsys.readouterr().err
    assert images(glance, "backed") == []


def test_a_document_that_the_server_does_not_write(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = put_machine(tmp_path / "grid01", "sg12", content="other")
    path.write_text(json.dumps({**json.loads(path.read_text()), "visibility": "public"}))
    assert deploy(tmp_path / "grid01", "--images-only") == 1
    assert "it has 'visibility', which the server does not write" in capsys.readouterr().err


def test_a_server_is_made_with_the_values_of_its_component(
    tmp_path: Path, nova: Nova, capsys: pytest.CaptureFixture[str]
) -> None:
    grid = tmp_path / "grid01"
    put_machine(grid, "sg12", content="served")
    assert deploy(grid) == 0
    assert capsys.readouterr().out == "grid01-sg12: image uploaded; server made\n"
    (asked,) = nova.asked
    server = asked["server"]
    assert (server["name"], server["flavorRef"], server["config_drive"]) == ("grid01-sg12", "right", True)
    assert b64decode(server["user_data"]) == b"#cloud-config\n"
    assert deploy(grid) == 0
    assert capsys.readouterr().out == "grid01-sg12: unchanged\n"

    put_machine(grid, "sg12", content="served", user_data=b"#cloud-config\n{}\n")  # an AVU changed
    assert deploy(grid) == 1
    assert "its server has other values or another image; --replace-disks" in capsys.readouterr().err
    assert len(nova.asked) == 1
    assert deploy(grid, "--replace-disks") == 0
    assert capsys.readouterr().out == "grid01-sg12: server rebuilt\n"
    assert b64decode(nova.asked[1]["rebuild"]["user_data"]) == b"#cloud-config\n{}\n"


def test_a_server_of_that_name_that_is_not_ours_is_never_touched(
    tmp_path: Path, glance: str, nova: Nova, capsys: pytest.CaptureFixture[str]
) -> None:
    nova.servers.append({"id": "other", "name": "grid01-sg12", "status": "ACTIVE", "metadata": {}, "links": []})
    put_machine(tmp_path / "grid01", "sg12", content="not ours")
    assert deploy(tmp_path / "grid01", "--replace-disks") == 1
    assert "OpenStack has another server of that name, which stays as it is" in capsys.readouterr().err
    assert nova.asked == [] and images(glance, "not%20ours") == []


def test_a_cloud_that_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    put_machine(tmp_path / "grid01", "sg12", content="away")
    away = {"auth_type": "none", "image_endpoint_override": f"http://127.0.0.1:{free_port()}"}
    (tmp_path / "away.json").write_text(json.dumps({"clouds": {"ours": away}}))
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(tmp_path / "away.json"))
    assert deploy(tmp_path / "grid01", "--images-only") == 1
    assert "ova: grid01-sg12: OpenStack: " in capsys.readouterr().err
    assert main(["deploy", str(tmp_path / "grid01"), "--to", "openstack", "--cloud", "none"]) == 1
    assert "OpenStack: Cloud none was not found" in capsys.readouterr().err
