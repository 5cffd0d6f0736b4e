"""The seeds of a package: which values a machine is told, and what is said of the others."""

from __future__ import annotations

import io
from pathlib import Path
from xml.etree import ElementTree

from ova_tools.package import read_archive
from ova_tools.seed.layouts import Kind
from ova_tools.seed.roles import Roles, Value
from ova_tools.seed.seeds import Seed, seeds
from ova_tools.seed.tasks import Task
from tests.support import REPOSITORY
from tests.support.appliances import descriptor_of, ova

TASK = Task("config", 0, "10.sh", 10, lambda: io.BytesIO(b"#!/bin/sh\n"))


def seed(values: dict[str, str], *further: Value, tasks: tuple[Task, ...] = ()) -> Seed:
    with read_archive(REPOSITORY / "demo/sample.ova") as package:
        by_key = {prop.key: prop for prop in package.properties}
        known = {by_key[key]: value for key, value in values.items()}
        (found,) = seeds(package, known, further, Kind.OVF, Roles(), "z-1", tasks)
        return found


def test_a_property_that_is_set_is_stronger_than_a_value_that_none_takes_and_that_than_a_default() -> None:
    assert seed({"hostname": "set"}, Value("vmname", "further")).machine.host_name == "set"
    assert seed({}, Value("vmname", "further")).machine.host_name == "further"
    assert seed({}).machine.host_name == "myhost"


def test_an_image_without_properties_is_configured_by_plain_values(tmp_path: Path) -> None:
    path = tmp_path / "plain.ova"
    path.write_bytes(ova(descriptor=descriptor_of("")))
    with read_archive(path) as package:
        (found,) = seeds(package, {}, [Value("hostname", "sg12"), Value("ip", "10.0.0.7/24")], Kind.OVF, Roles(), "z-1")
    assert found.machine.host_name == "sg12"
    root = ElementTree.parse(next(file for file in found.files if file.path == "ovf-env.xml").open()).getroot()
    keys = [each.attrib["{http://schemas.dmtf.org/ovf/environment/1}key"] for each in root[0]]
    assert {"hostname", "ip", "instance-id"} <= set(keys)


def test_what_cloud_init_does_not_read_is_said_unless_tasks_can() -> None:
    values = Value("CE_HOST", "ce"), Value("hostname", "sg12")
    assert seed({"mtu": "9000"}, *values).notes == (
        "cloud-init does not read CE_HOST, com.ibm.vsae.2_1.network-interface.mtu; ovf-env.xml has them",
    )
    assert seed({"mtu": "9000"}, *values, tasks=(TASK,)).notes == ()


def test_the_values_of_the_tasks_have_full_names_and_keys_that_are_the_only_ones() -> None:
    found = seed({"hostname": "sg12"}, Value("CE_HOST", "ce"), tasks=(TASK,))
    text = next(file for file in found.files if file.path == "tasks/values.sh").open().read().decode()
    for line in ("OVA_CE_HOST='ce'", "OVA_hostname='sg12'", "OVA_com_ibm_vsae_2_1_system_host_hostname='sg12'"):
        assert f"{line}; export" in text
