"""Seeds: the disc beside the ready OVA that hands a machine its values and tasks, made and guarded like it."""

from __future__ import annotations

import json
import subprocess
from base64 import b64decode
from dataclasses import dataclass
from email import message_from_bytes
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pycdlib
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from irods.exception import iRODSException

from tests.acceptance.conftest import Site
from tests.acceptance.people import MakePerson, Person
from tests.support.appliances import ova
from tests.support.clients import PythonClient, Refused

OE = "{http://schemas.dmtf.org/ovf/environment/1}"
ENGINE = ("tasks/run", "tasks/values.sh", "tasks/values.json")
SCRIPT = b"#!/bin/sh\n"


@dataclass
class Disc:
    """A seed as a reader sees it: its label and files."""

    label: str
    files: dict[str, bytes]

    @property
    def properties(self) -> dict[str, str]:
        """The properties of the machine itself in ovf-env.xml."""
        section = ElementTree.fromstring(self.files["ovf-env.xml"]).find(f"{OE}PropertySection")
        assert section is not None
        return {each.attrib[f"{OE}key"]: each.attrib[f"{OE}value"] for each in section}

    @property
    def ethernet(self) -> dict[str, Any]:
        """What the network configuration for cloud-init says of the one interface."""
        (found,) = json.loads(b64decode(self.properties["network-config"]))["network"]["config"]
        return dict(found)

    @property
    def tasks(self) -> dict[str, bytes]:
        """The tasks on it by their names, without what belongs to the engine."""
        return {name: data for name, data in self.files.items() if name.startswith("tasks/") and name not in ENGINE}


def disc_of(data: bytes) -> Disc:
    iso = pycdlib.PyCdlib()
    iso.open_fp(BytesIO(data))
    files = {}
    for folder, _, names in iso.walk(rr_path="/"):
        for name in names:
            out, path = BytesIO(), f"{folder.rstrip('/')}/{name}"
            iso.get_file_from_iso_fp(out, rr_path=path)
            files[path[1:]] = out.getvalue()
    label = iso.pvd.volume_identifier.decode().rstrip()
    iso.close()
    return Disc(label, files)


def read(client: PythonClient, path: str) -> Disc:
    return disc_of(client.get(path))


@pytest.fixture
def seed(component: str, client: PythonClient) -> str:
    """The path of the seed of grid01/comp01."""
    client.set(component, "ova_forms", "seed")
    return f"{component}/comp01.iso"


# ---- values ----------------------------------------------------------------------------------------------------------


def test_the_seed_follows_the_avus(site: Site, component: str, seed: str, client: PythonClient) -> None:
    client.set(component, "hostname", "sg12")
    client.set(component, "ip_addr", "10.91.14.12")
    client.set(f"{site.home}/grid01", "netmask", "255.255.255.0")
    client.set(f"{site.home}/grid01", "gateway", "10.91.14.1")
    disc = read(client, seed)
    assert disc.label == "OVF ENV"
    assert disc.properties["host.hostname"] == disc.properties["hostname"] == "sg12"
    assert disc.ethernet["subnets"] == [{"type": "static", "address": "10.91.14.12/24", "gateway": "10.91.14.1"}]
    client.set(component, "hostname", "sg13")
    assert read(client, seed).properties["hostname"] == "sg13"
    assert client.ready(component).values["host.hostname"] == "sg13"


# What an AVU of a component may hold: no control characters but those of text, nothing that refers to anything.
_TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=["C"], include_characters="\t\n"), min_size=1, max_size=60
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=20)
@given(
    values=st.dictionaries(st.integers(0, 5), _TEXT.filter(lambda text: "$" not in text and text.strip()), min_size=1)
)
def test_what_is_set_is_what_the_machine_is_told(
    values: dict[int, str], component: str, seed: str, client: PythonClient
) -> None:
    for number, value in values.items():
        client.set(component, f"value {number}", value)
    properties = read(client, seed).properties
    assert {number: properties[f"value {number}"] for number in values} == values


def test_the_identity_stays_and_its_mac_is_a_fact(site: Site, component: str, seed: str, client: PythonClient) -> None:
    client.set(component, "ip_addr", "10.91.14.12/24")
    before, facts = read(client, seed), site.facts()
    assert facts["ova::mac"] == before.ethernet["mac_address"]
    assert facts["ova::form"] == "comp01.iso"
    client.set(component, "hostname", "other")
    assert read(client, seed).properties["instance-id"] == before.properties["instance-id"]
    assert site.facts()["ova::mac"] == facts["ova::mac"]


def test_an_address_without_a_mask_is_said_and_not_guessed(
    site: Site, component: str, seed: str, client: PythonClient
) -> None:
    client.set(component, "ip_addr", "10.91.14.12")
    facts = site.facts()
    assert facts["ova::status"] == "ready"
    assert "net.ipaddr.0: the address has no netmask or prefix" in facts["ova::note"]
    assert "network-config" not in read(client, seed).properties


@pytest.mark.parametrize(
    ("attribute", "value", "why"),
    [
        ("ip_addr", "10.91.14.300", "'10.91.14.300' is no IP address"),
        ("hostname", "no host", "'no host' is no host name"),
        ("mac", "52:54:00:12:34", "is no MAC address of one interface"),
        ("mac", "53:54:00:12:34:56", "is no MAC address of one interface"),
        ("netmask", "255.0.255.0", "is no netmask or prefix length"),
    ],
)
def test_what_cannot_be_meant_fails_in_one_line_and_the_last_seed_stays(
    site: Site, component: str, seed: str, client: PythonClient, attribute: str, value: str, why: str
) -> None:
    client.set(component, "ip_addr", "10.91.14.12")
    client.set(component, "netmask", "24")
    before = site.session.data_objects.get(seed).replicas[0].modify_time
    client.set(component, attribute, value)
    assert site.facts()["ova::status"] == "failed"
    assert why in site.facts()["ova::message"]
    with pytest.raises(Refused, match="is no"):
        client.get(seed)
    assert site.session.data_objects.get(seed).replicas[0].modify_time == before


def test_a_mac_twice_in_a_grid_is_refused(site: Site, component: str, seed: str, client: PythonClient) -> None:
    other = client.component(f"{site.home}/grid01/comp02", site.source, ova_forms="seed")
    for each in (component, other):
        client.set(each, "ip_addr", "10.91.14.12/24")
    client.set(component, "mac", "52:54:00:12:34:56")
    client.set(other, "mac", "52:54:00:12:34:56")
    assert f"the MAC 52:54:00:12:34:56 is that of {component} too" in site.facts(other)["ova::message"]
    client.set(other, "mac", "52:54:00:12:34:57")
    assert site.facts(other)["ova::status"] == "ready"


# ---- kinds -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "label", "file"),
    [
        ("seed:ovf", "OVF ENV", "ovf-env.xml"),
        ("seed:nocloud", "cidata", "meta-data"),
        ("seed:configdrive", "config-2", "openstack/latest/meta_data.json"),
    ],
)
def test_each_kind_is_found_by_its_label(
    component: str, client: PythonClient, form: str, label: str, file: str
) -> None:
    client.set(component, "hostname", "sg12")
    client.set(component, "ova_forms", form)
    disc = read(client, f"{component}/comp01.iso")
    assert disc.label == label
    assert b"sg12" in disc.files[file]


def test_an_unknown_form_is_refused_with_the_list(component: str, client: PythonClient) -> None:
    with pytest.raises(Refused, match=r"sede is no form; seed, .* are; did you mean seed"):
        client.set(component, "ova_forms", "sede")
    with pytest.raises(Refused, match="one disc is one kind of seed"):
        client.set(component, "ova_forms", "seed:ovf seed:nocloud")


def test_without_the_control_there_is_no_seed_any_more(component: str, seed: str, client: PythonClient) -> None:
    assert client.session.data_objects.exists(seed)
    client.metadata(component).remove("ova_forms", "seed")
    assert not client.session.data_objects.exists(seed)


# ---- what is a user's own --------------------------------------------------------------------------------------------


def test_a_disc_of_a_user_is_never_touched(site: Site, component: str, client: PythonClient) -> None:
    path = f"{component}/comp01.iso"
    client.put(b"a user's own disc", path)
    client.set(component, "hostname", "sg12")
    assert client.get(path) == b"a user's own disc"
    client.set(component, "ova_forms", "seed")
    assert "was not made by the server" in site.facts()["ova::message"]
    assert client.get(path) == b"a user's own disc"
    site.session.data_objects.move(path, f"{component}/mine.iso")
    client.set(component, "hostname", "sg13")
    assert read(client, path).properties["hostname"] == "sg13"


def test_nobody_writes_a_seed(seed: str, client: PythonClient) -> None:
    with pytest.raises(iRODSException, match="is made by the server"):
        client.put(b"x", seed)


# ---- tasks -----------------------------------------------------------------------------------------------------------


def test_tasks_of_the_grid_come_before_those_of_the_machine(
    site: Site, component: str, seed: str, client: PythonClient
) -> None:
    grid = f"{site.home}/grid01"
    for path in (f"{grid}/install/50-base.sh", f"{component}/install/10-own.sh", f"{component}/config/10-slurm.sh"):
        client.make(path.rpartition("/")[0])
        client.put(SCRIPT, path)
    install = sorted(name for name in read(client, seed).tasks if "/install/" in name)
    assert [name.rpartition("/")[2] for name in install] == ["50-base.sh", "10-own.sh"]
    tasks = sorted(avu.value for avu in client.metadata(component).get_all("ova::tasks"))
    assert tasks == [f"{component}/config/10-slurm.sh", f"{component}/install/10-own.sh", f"{grid}/install/50-base.sh"]


def test_every_change_of_a_task_is_an_event(site: Site, component: str, seed: str, client: PythonClient) -> None:
    folder = f"{component}/config"
    seen = [site.facts()["ova::fingerprint"]]

    def on_disc() -> dict[str, bytes]:
        facts = site.facts()
        assert facts["ova::status"] == "ready"
        assert facts["ova::fingerprint"] not in seen, "no event was heard before the read"
        seen[:] = [facts["ova::fingerprint"]]
        return {name.rpartition("/")[2]: data for name, data in read(client, seed).tasks.items()}

    client.make(folder)
    client.put(b"#!/bin/sh\necho 1\n", f"{folder}/a.sh")
    assert on_disc() == {"a.sh": b"#!/bin/sh\necho 1\n"}
    client.put(b"#!/bin/sh\necho 2\n", f"{folder}/a.sh")
    assert on_disc() == {"a.sh": b"#!/bin/sh\necho 2\n"}
    site.session.data_objects.move(f"{folder}/a.sh", f"{folder}/b.sh")
    assert list(on_disc()) == ["b.sh"]
    client.make(f"{folder}/files")
    client.put(b"data", f"{folder}/files/motd")
    assert sorted(on_disc()) == ["b.sh", "motd"]
    site.session.collections.move(folder, f"{component}/reset")
    assert sorted(on_disc()) == ["b.sh", "motd"]
    client.unlink(f"{component}/reset/b.sh")
    assert list(on_disc()) == ["motd"]
    client.remove(f"{component}/reset")
    assert on_disc() == {}


def test_a_task_of_the_grid_is_an_event_too(site: Site, component: str, seed: str, client: PythonClient) -> None:
    client.make(f"{site.home}/grid01/config")
    before = site.facts()["ova::fingerprint"]
    client.put(SCRIPT, f"{site.home}/grid01/config/a.sh")
    assert site.facts()["ova::fingerprint"] != before
    assert site.facts()["ova::status"] == "ready"


def test_a_nearer_task_takes_the_place_of_one_of_the_same_name(
    site: Site, component: str, seed: str, client: PythonClient
) -> None:
    for folder, text in ((f"{site.home}/grid01/config", b"#!/bin/sh\n# grid\n"), (f"{component}/config", SCRIPT)):
        client.make(folder)
        client.put(text, f"{folder}/10.sh")
    assert list(read(client, seed).tasks.values()) == [SCRIPT]


def test_tasks_of_a_prototype_count(site: Site, component: str, seed: str, client: PythonClient) -> None:
    client.make(f"{component}/install")
    client.put(b"#!/bin/sh\n# of the prototype\n", f"{component}/install/10.sh")
    client.make(f"{site.home}/grid02")
    client.set(f"{site.home}/grid02", "ova_like", f"{site.home}/grid01")
    other = f"{site.home}/grid02/comp01/comp01.iso"
    assert list(read(client, other).tasks.values()) == [b"#!/bin/sh\n# of the prototype\n"]
    client.put(b"#!/bin/sh\n# newer\n", f"{component}/install/10.sh")
    assert list(read(client, other).tasks.values()) == [b"#!/bin/sh\n# newer\n"]


@pytest.mark.parametrize(
    ("name", "why"),
    [("x" * 65, "a disc carries 64"), ("a;b.sh", "carries no such name"), ("tab\tname", "carries no such name")],
)
def test_a_task_that_no_disc_carries_is_said(
    site: Site, component: str, seed: str, client: PythonClient, name: str, why: str
) -> None:
    client.make(f"{component}/config")
    client.put(SCRIPT, f"{component}/config/{name}")
    assert why in site.facts()["ova::message"]
    client.unlink(f"{component}/config/{name}")
    assert site.facts()["ova::status"] == "ready"


def test_names_that_differ_in_case_only_are_said(site: Site, component: str, seed: str, client: PythonClient) -> None:
    client.make(f"{component}/config")
    for name in ("A b'c\".sh", "a B'C\".sh"):
        client.put(SCRIPT, f"{component}/config/{name}")
    assert "differ in case only" in site.facts()["ova::message"]


def test_the_engine_on_the_disc_runs_its_tasks(component: str, seed: str, client: PythonClient, tmp_path: Path) -> None:
    client.set(component, "hostname", "sg12")
    client.make(f"{component}/config")
    client.put(b'#!/bin/sh\necho "$OVA_hostname" >"$OUT"\n', f"{component}/config/10 name.sh")
    for name, data in read(client, seed).files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    environment = {"OVA_TASKS_STATE": f"{tmp_path}/state", "OVA_TASKS_LOG": f"{tmp_path}/log", "OUT": f"{tmp_path}/out"}
    subprocess.run(["sh", f"{tmp_path}/tasks/run"], env=environment, check=True)
    assert (tmp_path / "out").read_text() == "sg12\n"


# ---- rights ----------------------------------------------------------------------------------------------------------


def test_a_user_may_have_the_seed_alone(
    site: Site, component: str, seed: str, client: PythonClient, person: Person
) -> None:
    client.set(component, "hostname", "sg12")
    for path in (f"{site.home}/grid01", component, seed):
        client.allow("read", path, person.name)
    assert read(person.client, seed).properties["hostname"] == "sg12"
    with pytest.raises((Refused, iRODSException)):
        person.client.get(f"{component}/comp01.ova")


def test_who_may_not_read_the_grid_gets_no_seed_of_it(
    site: Site, component: str, seed: str, client: PythonClient, person: Person
) -> None:
    client.set(f"{site.home}/grid01", "domainname", "secret.example.org")
    for path in (component, seed):
        client.allow("own", path, person.name)
    with pytest.raises(Refused, match="may not read the AVUs of"):
        person.client.get(seed)


def test_who_may_not_read_a_task_gets_no_seed_with_it(
    site: Site, component: str, seed: str, client: PythonClient, person: Person
) -> None:
    client.make(f"{component}/install")
    client.put(b"#!/bin/sh\n# secret\n", f"{component}/install/10.sh")
    for path in (f"{site.home}/grid01", component, f"{component}/install", seed):
        client.allow("read", path, person.name)
    with pytest.raises(Refused, match="may not read"):
        person.client.get(seed)
    client.allow("read", f"{component}/install/10.sh", person.name)
    assert len(read(person.client, seed).tasks) == 1


def test_a_builder_who_does_not_see_a_task_makes_no_seed_without_it(
    site: Site, component: str, seed: str, client: PythonClient, person: Person
) -> None:
    client.make(f"{component}/install")
    client.put(b"#!/bin/sh\n# secret\n", f"{component}/install/10.sh")
    for path in (f"{site.home}/images", site.source, f"{site.home}/grid01"):
        client.allow("read", path, person.name)
    for path in (component, seed, f"{component}/comp01.ova"):
        client.allow("own", path, person.name)
    person.client.set(component, "hostname", "sg12")
    assert "may not read" in site.facts()["ova::message"]
    assert len(read(client, seed).tasks) == 1  # as one who may


def test_nobody_brings_tasks_here_that_they_may_not_read(make_person: MakePerson) -> None:
    victim, mallory = make_person(), make_person()
    grid = f"{victim.home}/grid"
    victim.client.make(f"{grid}/install")
    victim.client.put(b"#!/bin/sh\n# secret\n", f"{grid}/install/10.sh")
    victim.client.make(f"{grid}/open")
    victim.grants("own", f"{grid}/open", mallory.name)
    victim.grants("read", grid, mallory.name)
    mallory.client.put(ova(), f"{mallory.home}/base.ova")
    for path in (mallory.home, f"{mallory.home}/base.ova"):
        mallory.grants("read", path, victim.name)
    trap = mallory.client.component(f"{grid}/open/trap", f"{mallory.home}/base.ova", ova_forms="seed")
    mallory.grants("own", trap, victim.name, recursive=True)
    victim.client.set(grid, "domainname", "example.org")
    for reader in (mallory, victim):
        disc = read(reader.client, f"{trap}/trap.iso")
        assert disc.properties["host.domainname"] == "example.org"
        assert disc.tasks == {}


def test_user_data_and_keys_are_objects_or_avus(site: Site, component: str, seed: str, client: PythonClient) -> None:
    client.make(f"{component}/config")
    client.put(b"#cloud-config\npackages: [munge]\n", f"{component}/config/user-data")
    client.put(b"ssh-ed25519 AAAA alice\n", f"{component}/config/public-keys")
    disc = read(client, seed)
    assert disc.tasks == {}
    assert disc.properties["public-keys"] == "ssh-ed25519 AAAA alice"
    parts = [part.get_content_type() for part in message_from_bytes(b64decode(disc.properties["user-data"])).walk()]
    assert parts == ["multipart/mixed", "text/cloud-config", "text/cloud-config"]
    client.put(b"\xff\xfe", f"{component}/config/user-data")
    assert "config/user-data is no text in UTF-8" in site.facts()["ova::message"]


def test_a_renamed_component_has_its_seed_under_its_new_name(
    site: Site, component: str, seed: str, client: PythonClient
) -> None:
    client.set(component, "hostname", "sg12")
    assert read(client, seed).properties["hostname"] == "sg12"
    renamed = f"{site.home}/grid01/comp77"
    client.session.collections.move(component, renamed)
    assert read(client, f"{renamed}/comp77.iso").properties["hostname"] == "sg12"
    found = {each.name for each in client.session.collections.get(renamed).data_objects}
    assert found == {"comp77.ova", "comp77.iso"}
