"""Images: checked once per version, and not removed by accident while components use them."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from typing import Any

import pytest
from irods.exception import iRODSException
from irods.meta import AVUOperation, iRODSMeta
from irods.models import DataObject

from tests.acceptance.clients import PythonClient, Refused, told
from tests.acceptance.conftest import Site
from tests.acceptance.people import Person
from tests.appliances import descriptor_of, manifest_of, ova, tar_of

MakePerson = Callable[[], Person]
Avus = list[tuple[str, str, str]]


def avus(session: Any, path: str, attribute: str = "") -> Avus:
    """The AVUs of a data object, sorted; of one attribute, or the facts."""
    found = session.data_objects.get(path).metadata.items()
    wanted = [a for a in found if (a.name == attribute if attribute else a.name.startswith("ova::"))]
    return sorted((a.name, a.value, a.units or "") for a in wanted)


def until(condition: Callable[[], Any], seconds: float = 60.0) -> Any:
    """What `condition` returns as soon as it is true; queued jobs run meanwhile."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def package(session: Any, path: str) -> str:
    """`ova::package` of an object, '' if there is none."""
    found = avus(session, path, "ova::package")
    assert len(found) < 2
    return found[0][1] if found else ""


def set_object(session: Any, path: str, attribute: str, value: str, units: str | None = None) -> None:
    """`imeta set -d`; raises Refused."""
    with told():
        session.metadata.set(DataObject, path, iRODSMeta(attribute, value, units))


@pytest.fixture
def images(site: Site, client: PythonClient) -> str:
    """A collection of images."""
    path = f"{site.home}/images"
    client.make(path)
    client.set(path, "ova_images", "yes")
    return path


# ---- checks ----------------------------------------------------------------------------------------------------------


def test_an_image_that_is_put_is_checked(site: Site, client: PythonClient, images: str) -> None:
    client.make(f"{images}/deeper")
    path = f"{images}/deeper/base.ova"
    client.put(ova(), path)
    assert until(lambda: package(site.session, path)) == "valid"
    assert [(value, units) for _, value, units in avus(site.session, path, "ova::property")] == [
        ("host.domainname", "string"),
        ("host.hostname", "string myhost"),
        ("host.mtu", "uint16 1500"),
        ("net.dns.0", "string"),
        ("net.dns.1", "string"),
        ("net.ipaddr.0", "string 0.0.0.0"),
    ]


WRONG = {
    "no tar": (b"this is no tar archive" * 50, "is neither a tar archive"),
    "empty": (b"", "is empty"),
    "a descriptor": (descriptor_of(), "is an OVF descriptor without its files"),
    "cut short": (ova()[:7000], "truncated"),
    "wrong digest": (ova(manifest=b"SHA256(disk1.vmdk)= " + b"0" * 64 + b"\n"), "disk1.vmdk"),
    "no disk": (tar_of({"vm.ovf": descriptor_of()}), "disk1.vmdk is not in the package"),
    "no descriptor": (tar_of({"a.txt": b"a"}), "no descriptor"),
    "a DTD": (ova(descriptor=descriptor_of(head="<!DOCTYPE a [<!ENTITY b 'c'>]>")), "DTD"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_image_says_why(name: str, site: Site, client: PythonClient, images: str) -> None:
    data, reason = WRONG[name]
    client.put(data, f"{images}/wrong.ova")
    found = until(lambda: package(site.session, f"{images}/wrong.ova"))
    assert reason in found
    assert "\n" not in found
    assert site.session.data_objects.get(f"{images}/wrong.ova").replicas[0].path not in found
    assert avus(site.session, f"{images}/wrong.ova", "ova::property") == []
    assert client.get(f"{images}/wrong.ova") == data  # it harms nobody


def test_a_new_version_is_checked_anew(site: Site, client: PythonClient, images: str) -> None:
    path = f"{images}/base.ova"
    client.put(b"not yet", path)
    until(lambda: package(site.session, path))
    client.put(ova(), path)
    assert until(lambda: package(site.session, path) == "valid")
    client.put(b"no more", path)
    until(lambda: package(site.session, path) not in ("", "valid"))
    assert avus(site.session, path, "ova::property") == []


def test_a_collection_that_becomes_one_of_images_is_checked(site: Site, client: PythonClient) -> None:
    client.make(f"{site.home}/later/deep")
    names = ("later/a.ova", "later/deep/b.OVA", "later/c.txt", "later.ova")
    for name in names:
        client.put(ova() if name != "later/a.ova" else b"wrong" * 999, f"{site.home}/{name}")
    client.set(f"{site.home}/later", "ova_images", "yes")
    assert until(lambda: package(site.session, f"{site.home}/later/deep/b.OVA")) == "valid"
    assert "neither" in until(lambda: package(site.session, f"{site.home}/later/a.ova"))
    assert [avus(site.session, f"{site.home}/{name}") for name in names[2:]] == [[], []]


def test_an_image_that_is_moved_there_is_checked(site: Site, client: PythonClient, images: str) -> None:
    client.put(ova(), f"{site.home}/new.ova")
    assert avus(site.session, f"{site.home}/new.ova") == []
    site.session.data_objects.move(f"{site.home}/new.ova", f"{images}/new.ova")
    assert until(lambda: package(site.session, f"{images}/new.ova")) == "valid"


def test_passwords_are_not_shown_and_long_defaults_are_cut(site: Site, client: PythonClient, images: str) -> None:
    sections = (
        '<ovf:ProductSection ovf:class="a"><ovf:Info/>'
        '<ovf:Property ovf:key="pw" ovf:type="string" ovf:password="true" ovf:userConfigurable="true"'
        ' ovf:value="S3CRET"/>'
        f'<ovf:Property ovf:key="long" ovf:type="string" ovf:userConfigurable="true" ovf:value="{"ä" * 300}"/>'
        '<ovf:Property ovf:key="fixed" ovf:type="string" ovf:value="x"/>'
        "</ovf:ProductSection>"
    )
    client.put(ova(descriptor=descriptor_of(sections)), f"{images}/a.ova")
    assert until(lambda: package(site.session, f"{images}/a.ova")) == "valid"
    found = {value: units for _, value, units in avus(site.session, f"{images}/a.ova", "ova::property")}
    assert found["a.pw"] == "string (password)"
    assert found["a.long"].startswith("string äää") and 246 <= len(found["a.long"].encode()) <= 250
    assert "a.fixed" not in found


def test_a_signed_image_whose_manifest_was_changed_is_told(site: Site, client: PythonClient, images: str) -> None:
    text, disk = descriptor_of(), b"disk" * 100
    manifest = manifest_of({"vm.ovf": text, "disk1.vmdk": disk})
    certificate = b"SHA256(vm.mf)= " + hashlib.sha256(b"x").hexdigest().encode() + b"\n-----BEGIN CERTIFICATE-----\n"
    data = tar_of({"vm.ovf": text, "vm.mf": manifest, "vm.cert": certificate, "disk1.vmdk": disk})
    client.put(data, f"{images}/signed.ova")
    assert "vm.cert" in until(lambda: package(site.session, f"{images}/signed.ova"))


def test_the_source_of_a_component_has_the_facts_too(site: Site, component: str, client: PythonClient) -> None:
    """Without any collection of images: the builder verified it and leaves what it found."""
    assert package(site.session, site.source) == "valid"
    assert ("ova::property", "host.hostname", "string myhost") in avus(site.session, site.source)
    client.put(b"no longer one" * 99, site.source)
    assert "neither" in until(
        lambda: package(site.session, site.source) != "valid" and package(site.session, site.source)
    )


def test_facts_of_an_image_are_the_servers(site: Site, component: str) -> None:
    with pytest.raises(Refused, match="facts that the server writes"):
        set_object(site.session, site.source, "ova::package", "valid")
    metadata = site.session.data_objects.get(site.source).metadata
    with pytest.raises(iRODSException):
        metadata.apply_atomic_operations(AVUOperation("add", iRODSMeta("ova::used_by", "x")))
    assert package(site.session, site.source) == "valid"


def test_a_verdict_that_was_copied_is_not_believed(site: Site, component: str, client: PythonClient) -> None:
    """`imeta cp` takes facts past the hooks; the seal fits one version of one object."""
    wrong = f"{site.home}/wrong.ova"
    client.put(ova(manifest=b"SHA256(disk1.vmdk)= " + b"0" * 64 + b"\n"), wrong)
    site.session.metadata.copy(DataObject, DataObject, site.source, wrong)
    assert package(site.session, wrong) == "valid"
    client.set(component, "ova_url", wrong)
    assert until(lambda: site.facts()["ova::status"] == "failed")
    assert "disk1.vmdk" in site.facts()["ova::message"]


# ---- in use ----------------------------------------------------------------------------------------------------------


def used_by(site: Site, path: str) -> list[str]:
    """`ova::used_by` of an image."""
    return [value for _, value, _ in avus(site.session, path, "ova::used_by")]


def test_an_image_says_which_components_use_it(site: Site, component: str, client: PythonClient) -> None:
    other, second = f"{site.home}/images/other.ova", f"{site.home}/grid01/comp02"
    client.put(ova(), other)
    client.make(second)
    client.set(second, "ova_url", "../../images/base.ova")
    assert used_by(site, site.source) == [component, second]
    client.set(component, "ova_url", other)
    assert used_by(site, site.source) == [second]
    assert used_by(site, other) == [component]
    site.session.collections.move(second, f"{site.home}/grid01/comp03")
    assert used_by(site, site.source) == [f"{site.home}/grid01/comp03"]
    site.session.collections.remove(f"{site.home}/grid01/comp03", recurse=True, force=True)
    assert used_by(site, site.source) == []


@pytest.mark.parametrize("force", [True, False])
def test_an_image_in_use_is_not_removed(site: Site, component: str, client: PythonClient, force: bool) -> None:
    second = f"{site.home}/grid01/comp02"
    client.make(second)
    client.set(second, "ova_url", site.source)
    with pytest.raises(Refused, match=rf"base.ova is the source of {component} and {second}"), told():
        site.session.data_objects.unlink(site.source, force=force)
    with pytest.raises(Refused, match=rf"/images holds .*base.ova, which is the source of {component} and"), told():
        site.session.collections.remove(f"{site.home}/images", recurse=True, force=force)
    assert site.session.data_objects.exists(site.source)
    client.put(ova(b"another"), f"{site.home}/images/unused.ova")
    site.session.data_objects.unlink(f"{site.home}/images/unused.ova", force=force)


@pytest.mark.parametrize("how", ["switched", "no component any more", "removed", "in the trash", "moved away"])
def test_one_that_is_no_longer_in_use_may_be_removed(
    how: str, site: Site, component: str, client: PythonClient
) -> None:
    other = f"{site.home}/images/other.ova"
    if how == "switched":
        client.put(ova(), other)
        client.set(component, "ova_url", other)
    elif how == "no component any more":
        site.session.collections.get(component).metadata.remove("ova_url", site.source)
    elif how == "removed":
        site.session.collections.remove(component, recurse=True, force=True)
    elif how == "in the trash":
        site.session.collections.remove(component, recurse=True, force=False)
    else:
        site.session.data_objects.move(site.source, other)
        site.session.data_objects.unlink(other, force=True)
        return
    site.session.data_objects.unlink(site.source, force=True)
    assert not site.session.data_objects.exists(site.source)


def test_a_component_that_comes_back_from_the_trash_uses_its_image_again(
    site: Site, component: str, client: PythonClient
) -> None:
    site.session.collections.remove(component, recurse=True, force=False)
    trash = site.home.replace("/home/", "/trash/home/", 1) + "/grid01/comp01"
    site.session.collections.move(trash, component)
    with pytest.raises(Refused, match="is the source of"), told():
        site.session.data_objects.unlink(site.source, force=True)


def test_a_collection_that_holds_image_and_users_may_be_removed(site: Site, component: str) -> None:
    site.session.collections.remove(site.home, recurse=True, force=True)
    assert not site.session.collections.exists(site.home)
    site.session.collections.create(site.home)


def test_a_ready_ova_that_another_component_uses_is_kept(site: Site, component: str, client: PythonClient) -> None:
    chained = f"{site.home}/grid01/chained"
    client.make(chained)
    client.set(chained, "ova_url", site.ready)
    assert until(lambda: site.facts(chained)["ova::status"] == "ready")
    with pytest.raises(Refused, match=rf"comp01.ova is the source of {chained}"), told():
        site.session.data_objects.unlink(site.ready, force=True)


def test_who_may_only_read_it_keeps_it_from_being_removed(site: Site, make_person: MakePerson) -> None:
    """The owner learns that somebody uses it, and how many, but not what he may not see."""
    alice, bob = make_person(), make_person()
    image = f"{alice.home}/base.ova"
    alice.client.put(ova(), image)
    alice.grants("read", alice.home, bob.name)
    alice.grants("read", image, bob.name)
    for name in ("one", "two"):
        bob.client.make(f"{bob.home}/{name}")
        bob.client.set(f"{bob.home}/{name}", "ova_url", image)
        assert bob.facts(f"{bob.home}/{name}")["ova::status"] == "ready"
    alice.client.make(f"{alice.home}/mine")
    alice.client.set(f"{alice.home}/mine", "ova_url", image)
    assert [value for _, value, _ in avus(alice.client.session, image, "ova::used_by")] == [f"{alice.home}/mine"]
    with pytest.raises(Refused) as refused, told():
        alice.client.session.data_objects.unlink(image, force=True)
    assert f"is the source of {alice.home}/mine and 2 components that you may not see" in str(refused.value)
    assert bob.name not in str(refused.value)
    bob.grants("read", f"{bob.home}/two", alice.name)
    bob.grants("read", bob.home, alice.name)
    both = ", ".join(sorted([f"{alice.home}/mine", f"{bob.home}/two"]))
    with pytest.raises(Refused, match=f"{both} and 1 component that you may not see"), told():
        alice.client.session.data_objects.unlink(image, force=True)
    for name in ("one", "two"):
        bob.client.session.collections.remove(f"{bob.home}/{name}", recurse=True, force=True)
    alice.client.session.collections.remove(f"{alice.home}/mine", recurse=True, force=True)
    alice.client.session.data_objects.unlink(image, force=True)


def test_one_who_stops_using_it_unseen_does_not_keep_it(make_person: MakePerson) -> None:
    alice, bob = make_person(), make_person()
    image, comp = f"{alice.home}/base.ova", f"{bob.home}/comp"
    alice.client.put(ova(), image)
    alice.grants("read", alice.home, bob.name)
    alice.grants("read", image, bob.name)
    bob.client.make(comp)
    bob.client.set(comp, "ova_url", image)
    with pytest.raises(Refused, match="is the source of 1 component that you may not see"), told():
        alice.client.session.data_objects.unlink(image, force=True)
    bob.client.session.collections.get(comp).metadata.remove("ova_url", image)
    alice.client.session.data_objects.unlink(image, force=True)


def test_a_component_that_cannot_be_built_for_another_reason_keeps_its_image(site: Site, client: PythonClient) -> None:
    client.put(ova(), f"{site.home}/base.ova")
    client.make(site.component)
    client.set(site.component, "mtu", "12")
    client.set(site.component, "ova_url", f"{site.home}/base.ova")
    assert site.facts()["ova::status"] == "failed"
    with pytest.raises(Refused, match="is the source of"), told():
        site.session.data_objects.unlink(f"{site.home}/base.ova", force=True)


def test_one_who_may_not_read_an_image_does_not_keep_it(make_person: MakePerson) -> None:
    alice, mallory = make_person(), make_person()
    alice.client.put(ova(), f"{alice.home}/private.ova")
    mallory.client.make(f"{mallory.home}/trap")
    mallory.client.set(f"{mallory.home}/trap", "ova_url", f"{alice.home}/private.ova")
    alice.client.session.data_objects.unlink(f"{alice.home}/private.ova", force=True)


def test_an_administrator_releases_an_image(site: Site, person: Person) -> None:
    image, comp = f"{person.home}/base.ova", f"{person.home}/comp"
    person.client.put(ova(), image)
    person.client.make(comp)
    person.client.set(comp, "ova_url", image)
    session = person.client.session
    with pytest.raises(Refused, match="for administrators"):
        set_object(session, image, "ova_release", "yes")
    with pytest.raises(iRODSException):
        operation = AVUOperation("add", iRODSMeta("ova_release", "yes"))
        session.data_objects.get(image).metadata.apply_atomic_operations(operation)
    person.grants("own", image, site.session.username)
    person.grants("own", person.home, site.session.username)
    set_object(site.session, image, "ova_release", "yes")
    assert avus(site.session, image, "ova::released_by")[0][1].startswith(site.session.username)
    session.data_objects.unlink(image, force=True)
    assert not session.data_objects.exists(image)


def test_a_release_that_was_copied_counts_nothing(site: Site, make_person: MakePerson) -> None:
    """`imeta cp`, also of what an administrator set elsewhere."""
    alice = make_person()
    image, other = f"{alice.home}/base.ova", f"{alice.home}/released.ova"
    for path in (image, other):
        alice.client.put(ova(), path)
        alice.grants("own", path, site.session.username)
    alice.grants("own", alice.home, site.session.username)
    alice.client.make(f"{alice.home}/comp")
    alice.client.set(f"{alice.home}/comp", "ova_url", image)
    set_object(site.session, other, "ova_release", "yes")
    alice.client.session.metadata.copy(DataObject, DataObject, other, image)
    assert avus(alice.client.session, image, "ova_release")
    with pytest.raises(Refused, match="is the source of"), told():
        alice.client.session.data_objects.unlink(image, force=True)


def test_a_release_that_is_taken_back_is_over(site: Site, component: str) -> None:
    set_object(site.session, site.source, "ova_release", "yes")
    site.session.data_objects.get(site.source).metadata.remove("ova_release", "yes")
    assert avus(site.session, site.source, "ova::released_by") == []
    with pytest.raises(Refused, match="is the source of"), told():
        site.session.data_objects.unlink(site.source, force=True)
    set_object(site.session, site.source, "ova_release", "yes")
    site.session.collections.remove(f"{site.home}/images", recurse=True, force=True)
    assert not site.session.data_objects.exists(site.source)
