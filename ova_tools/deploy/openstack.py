"""Machines on an OpenStack: the image of each disk, once, and a server with its values as user data.

An image is known again by the hash of its bytes, which Glance itself has computed: its properties are only a hint,
since anybody may have written them. A server is ours if its metadata say so; another one of that name is never touched.
Source: OpenStack, Image service API v2, Compute API; openstacksdk.
"""

from __future__ import annotations

import hashlib
import json
import os
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ova_tools import qemu_img
from ova_tools.clouds.glance import CONTENT, FILE, NUMBERS, PROPERTIES, TEXTS_OF_NUMBERS
from ova_tools.deploy.copies import digest_of
from ova_tools.deploy.folders import found_in
from ova_tools.errors import DeployError, one_line
from ova_tools.package import open_regular
from ova_tools.records import dataclass

if TYPE_CHECKING:
    from io import FileIO

Report = Callable[[int], None]
ENDING = ".image.json"
_MOST_DOCUMENT, _MOST_USER_DATA = 64 * 1024, 48 * 1024  # Nova takes 65,535 characters in base64
_USER_DATA = "ova_user_data"
_WAIT_SECONDS = 600
_DIGESTS = ("sha512", "sha256")  # of those that Glance may be set to


@dataclass(frozen=True)
class Machine:
    """A machine to be deployed: Glance's document of its image, the image's file, and its user data."""

    name: str
    document: dict[str, Any]
    disk: Path
    user_data: bytes

    @property
    def content(self) -> str:
        """A hash of what the disk follows from."""
        return str(self.document[CONTENT])

    @property
    def metadata(self) -> dict[str, str]:
        """What a server of this machine is known by."""
        return {CONTENT: self.content, _USER_DATA: hashlib.sha256(self.user_data).hexdigest()}


@dataclass(frozen=True)
class Wanted:
    """What the user says of servers. flavor: "" for the smallest that fits; networks: by name, none for Nova's choice.

    images_only: no servers are made. replace: servers that are there are rebuilt, and lose what they wrote.
    """

    flavor: str
    networks: tuple[str, ...]
    images_only: bool
    replace: bool


def machines_in(folders: Sequence[Path]) -> tuple[list[Machine], list[str]]:
    """Return the machines at or below these folders, by name, and what is wrong with others, in one line each.

    Raises DeployError where there is none in a folder.
    """
    none = "has no image document; the server makes them where ova_forms says openstack"
    return found_in(folders, ENDING, _machine, none)


def _machine(path: Path) -> Machine:
    try:
        document = json.loads(_read(path, _MOST_DOCUMENT))
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict) or not isinstance(document.get("name"), str) or not document.get(CONTENT):
        raise DeployError("it is no image document of the server")
    for name, value in document.items():
        if name not in PROPERTIES:
            raise DeployError(f"it has {name!r:.80}, which the server does not write")
        if name in NUMBERS and not (isinstance(value, int) and 0 <= value < 1 << 40):
            raise DeployError(f"its {name} is no number")
        if name in TEXTS_OF_NUMBERS and not (isinstance(value, str) and value.isascii() and value.isdigit()):
            raise DeployError(f"its {name} is no number")
    if not set(document) >= {*NUMBERS, *TEXTS_OF_NUMBERS, FILE}:
        raise DeployError("it is no image document of the server")
    disk = path.parent / str(document[FILE]).rpartition("/")[2]
    if disk.is_symlink() or not disk.is_file():
        raise DeployError("its disk is not beside it; get the whole collection again (iget -r)")
    user_data = path.parent / f"{path.name[: -len(ENDING)]}.user-data"
    return Machine(document["name"], document, disk, _read(user_data, _MOST_USER_DATA))


def _read(path: Path, most: int) -> bytes:
    with open_regular(str(path), path.name, follow=False) as stream:
        data = stream.read(most + 1)
    if len(data) > most:
        raise DeployError(f"{path.name} has more than {most} bytes")
    return data


def connect(cloud: str) -> Any:
    """A connection to the cloud of that name in clouds.yaml, "" for the one of the environment. Raises DeployError."""
    try:
        import openstack
    except ImportError:
        raise DeployError("openstacksdk is not installed here (pip install 'ova-tools[openstack]')") from None
    with _told():
        return openstack.connect(cloud=cloud or None)


@contextmanager
def _told() -> Iterator[None]:
    """Turns what the cloud refuses, or does not answer, into DeployError."""
    from keystoneauth1.exceptions import ClientException
    from openstack.exceptions import SDKException
    from requests import RequestException

    try:
        yield
    except (ClientException, SDKException, RequestException) as error:
        raise DeployError(one_line(f"OpenStack: {error}")) from error


def deploy(cloud: Any, machine: Machine, wanted: Wanted, report: Report) -> list[str]:
    """Upload a machine's image unless it is there, and make its server. Returns what was done, in words.

    `report` is called with the bytes uploaded since the last call. Raises DeployError.
    """
    done = []
    with _told():
        server = None if wanted.images_only else _server(cloud, machine)
        image = _image(cloud, machine)
        if image is None:
            image = _uploaded(cloud, machine, report)
            done.append("image uploaded")
        if wanted.images_only:
            return done or ["unchanged"]
        user_data = b64encode(machine.user_data).decode()
        if server is None:
            _create(cloud, machine, wanted, image.id, user_data)
            return [*done, "server made"]
        if all((server.metadata or {}).get(name) == value for name, value in machine.metadata.items()):
            return done or ["unchanged"]
        if not wanted.replace:
            raise DeployError(
                "its server has other values or another image; --replace-disks rebuilds it, without its data"
            )
        server = cloud.compute.rebuild_server(
            server, image=image.id, name=machine.name, user_data=user_data, metadata=machine.metadata
        )
        cloud.compute.wait_for_server(server, wait=_WAIT_SECONDS)
        return [*done, "server rebuilt"]


def is_uploaded(cloud: Any, machine: Machine) -> bool:
    """Whether the image is there. Raises DeployError."""
    with _told():
        return _image(cloud, machine) is not None


def _image(cloud: Any, machine: Machine) -> Any:
    """The image of that disk; None if there is none with the same bytes, whatever its properties say."""
    digest = ""
    for image in cloud.image.images(**{CONTENT: machine.content, "visibility": "private", "status": "active"}):
        if image.hash_algo in _DIGESTS:
            digest = digest or digest_of(machine.disk, image.hash_algo)
            if image.hash_value == digest:
                return image
    return None


def _uploaded(cloud: Any, machine: Machine, report: Report) -> Any:
    from openstack.image.v2.image import Image

    with open_regular(str(machine.disk), machine.disk.name, follow=False) as stream:
        qemu_img.examine(stream.fileno(), machine.disk.name, "qcow2")
        image = Image.new(**machine.document, visibility="private").create(cloud.image)
        try:
            answer = image.upload(cloud.image, data=_Reader(stream, report))
            if answer.status_code >= 400:
                raise DeployError(f"OpenStack: the image is refused: {answer.text[:200]}")
        except BaseException:
            cloud.image.delete_image(image.id, ignore_missing=True)  # else a part of an image would stay
            raise
    return image


class _Reader:
    """A file that says how much of it was read."""

    def __init__(self, stream: FileIO | Any, report: Report) -> None:
        self._stream, self._report = stream, report

    def read(self, size: int = -1) -> bytes:
        """As of a file."""
        data: bytes = self._stream.read(size)
        self._report(len(data))
        return data

    def __len__(self) -> int:
        return os.fstat(self._stream.fileno()).st_size


def _server(cloud: Any, machine: Machine) -> Any:
    """The machine's server, None if there is none. Raises DeployError for another one of that name."""
    found = [each for each in cloud.compute.servers(name=f"^{machine.name}$") if each.name == machine.name]
    if not found:
        return None
    if len(found) > 1 or _USER_DATA not in (found[0].metadata or {}):
        raise DeployError("OpenStack has another server of that name, which stays as it is")
    return found[0]


def _create(cloud: Any, machine: Machine, wanted: Wanted, image: str, user_data: str) -> None:
    networks: Any = "auto"
    if wanted.networks:
        networks = [{"uuid": cloud.network.find_network(name, ignore_missing=False).id} for name in wanted.networks]
    server = cloud.compute.create_server(
        name=machine.name,
        image_id=image,
        flavor_id=_flavor(cloud, machine, wanted.flavor),
        networks=networks,
        user_data=user_data,
        config_drive=True,
        metadata=machine.metadata,
    )
    cloud.compute.wait_for_server(server, wait=_WAIT_SECONDS)


def _flavor(cloud: Any, machine: Machine, name: str) -> str:
    """The flavor of that name, or the smallest that has what the image asks for."""
    document = machine.document
    if name:
        return str(cloud.compute.find_flavor(name, ignore_missing=False).id)
    processors = int(document.get("hw_cpu_cores", 1)) * int(document.get("hw_cpu_sockets", 1))
    fitting = [
        each
        for each in cloud.compute.flavors()
        if each.vcpus >= processors and each.ram >= document["min_ram"] and each.disk >= document["min_disk"]
    ]
    if not fitting:
        text = f"{processors} processors, {document['min_ram']} MiB and {document['min_disk']} GiB"
        raise DeployError(f"OpenStack has no flavor with {text}; --flavor names one")
    return str(min(fitting, key=lambda each: (each.vcpus, each.ram, each.disk)).id)
