"""The files of a disc for each of its readers. Pure. One disc is one kind: cloud-init takes the first that it knows.

    ovf           label "OVF ENV":  ovf-env.xml                        cloud-init, cloudbase-init, whoever knows DSP0243
    nocloud       label "cidata":   meta-data, user-data, network-config             cloud-init
    configdrive   label "config-2": openstack/latest/{meta_data.json,user_data,…}    cloud-init, cloudbase-init

ovf-env.xml and the tasks are on each of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum

from ova_tools.seed import network
from ova_tools.seed.environment import environment
from ova_tools.seed.machine import Machine
from ova_tools.seed.tasks import DiscFile, in_memory


class Kind(Enum):
    """The kinds of a seed; the value is what `ova_forms` calls it."""

    OVF = "ovf"
    NOCLOUD = "nocloud"
    CONFIGDRIVE = "configdrive"

    @property
    def label(self) -> str:
        """The volume's label, by which readers find the disc."""
        return {Kind.OVF: "OVF ENV", Kind.NOCLOUD: "cidata", Kind.CONFIGDRIVE: "config-2"}[self]


def layout(
    kind: Kind,
    system: str,
    properties: Mapping[str, str],
    siblings: Mapping[str, Mapping[str, str]],
    machine: Machine,
    instance_id: str,
    text: bytes,
    tasks: Sequence[DiscFile],
) -> list[DiscFile]:
    """All files of the disc of one virtual system. text: its user data. Raises SeedError."""
    files = [in_memory("ovf-env.xml", environment(system, properties, siblings, machine, instance_id, text))]
    if kind is Kind.NOCLOUD:
        files += _nocloud(machine, instance_id, text)
    elif kind is Kind.CONFIGDRIVE:
        files += _configdrive(machine, instance_id, text)
    return [*files, *tasks]


def _nocloud(machine: Machine, instance_id: str, text: bytes) -> list[DiscFile]:
    meta: dict[str, object] = {"instance-id": instance_id}
    if machine.host_name:
        meta["local-hostname"] = machine.full_name
    if machine.public_keys:
        meta["public-keys"] = list(machine.public_keys)
    files = [in_memory("meta-data", network.text(meta).encode()), in_memory("user-data", text)]
    config = network.cloud_init(machine)
    return files if config is None else [*files, in_memory("network-config", network.text(config).encode())]


def _configdrive(machine: Machine, instance_id: str, text: bytes) -> list[DiscFile]:
    import uuid

    meta: dict[str, object] = {"uuid": str(uuid.uuid5(uuid.NAMESPACE_URL, f"ova-seed:{instance_id}"))}
    if machine.host_name:
        meta.update(hostname=machine.full_name, name=machine.host_name)
    if machine.public_keys:
        meta["public_keys"] = {f"key{number}": key for number, key in enumerate(machine.public_keys)}
    place = "openstack/latest"
    files = [
        in_memory(f"{place}/meta_data.json", network.text(meta).encode()),
        in_memory(f"{place}/user_data", text),
    ]
    data = network.openstack(machine)
    return files if data is None else [*files, in_memory(f"{place}/network_data.json", network.text(data).encode())]
