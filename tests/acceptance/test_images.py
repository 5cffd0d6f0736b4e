"""Images: checked once per version, and not removed by accident while components use them."""

from __future__ import annotations

import hashlib

import pytest
from irods.exception import iRODSException
from irods.meta import AVUOperation, iRODSMeta
from irods.models import DataObject

from tests.acceptance.conftest import Site
from tests.acceptance.people import MakePerson, Person
from tests.support.appliances import descriptor_of, manifest_of, ova, tar_of
from tests.support.clients import PythonClient, Refused
from tests.support.waiting import until


@pytest.fixture
def images(site: Site, client: PythonClient) -> str:
    """A collection of images."""
    path = f"{site.home}/images"
    client.make(path)
    client.set(path, "ova_images", "yes")
    return path


def checked(client: PythonClient, path: str) -> str:
    """`ova::package` of an image, as soon as the queued job has left it."""
    return until(lambda: client.package(path), f"{path} is checked")


# ---- checks ----------------------------------------------------------------------------------------------------------


def test_an_image_that_is_put_is_checked(site: Site, client: PythonClient, images: str) -> None:
    client.make(f"{images}/deeper")
    path = f"{images}/deeper/base.ova"
    client.put(ova(), path)
    assert checked(client, path) == "valid"
    assert [(value, units) for _, value, units in client.object_avus(path, "ova::property")] == [
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


def test_a_wrong_image_says_why(site: Site, client: PythonClient, images: str) -> None:
    for name, (data, _) in WRONG.items():
        client.put(data, f"{images}/{name}.ova")
    for name, (data, reason) in WRONG.items():
        path = f"{images}/{name}.ova"
        found = checked(client, path)
        assert reason in found, name
        assert "\n" not in found
        assert site.session.data_objects.get(path).replicas[0].path not in found
        assert client.object_avus(path, "ova::property") == []
        assert client.get(path) == data  # it harms nobody


def test_a_new_version_is_checked_anew(site: Site, client: PythonClient, images: str) -> None:
    path = f"{images}/base.ova"
    client.put(b"not yet", path)
    checked(client, path)
    client.put(ova(), path)
    until(lambda: client.package(path) == "valid", "the new version is checked")
    client.put(b"no more", path)
    until(lambda: client.package(path) not in ("", "valid"), "the wrong version is checked")
    assert client.object_avus(path, "ova::property") == []


def test_a_collection_that_becomes_one_of_images_is_checked(site: Site, client: PythonClient) -> None:
    client.make(f"{site.home}/later/deep")
    names = ("later/a.ova", "later/deep/b.OVA", "later/c.txt", "later.ova")
    for name in names:
        client.put(ova() if name != "later/a.ova" else b"wrong" * 999, f"{site.home}/{name}")
    client.set(f"{site.home}/later", "ova_images", "yes")
    assert checked(client, f"{site.home}/later/deep/b.OVA") == "valid"
    assert "neither" in checked(client, f"{site.home}/later/a.ova")
    assert [client.object_avus(f"{site.home}/{name}") for name in names[2:]] == [[], []]


def test_an_image_that_is_moved_there_is_checked(site: Site, client: PythonClient, images: str) -> None:
    client.put(ova(), f"{site.home}/new.ova")
    assert client.object_avus(f"{site.home}/new.ova") == []
    site.session.data_objects.move(f"{site.home}/new.ova", f"{images}/new.ova")
    assert checked(client, f"{images}/new.ova") == "valid"


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
    assert checked(client, f"{images}/a.ova") == "valid"
    found = {value: units for _, value, units in client.object_avus(f"{images}/a.ova", "ova::property")}
    assert found["a.pw"] == "string (password)"
    assert found["a.long"].startswith("string äää") and 246 <= len(found["a.long"].encode()) <= 250
    assert "a.fixed" not in found


def test_a_signed_image_whose_manifest_was_changed_is_told(site: Site, client: PythonClient, images: str) -> None:
    text, disk = descriptor_of(), b"disk" * 100
    manifest = manifest_of({"vm.ovf": text, "disk1.vmdk": disk})
    certificate = b"SHA256(vm.mf)= " + hashlib.sha256(b"x").hexdigest().encode() + b"\n-----BEGIN CERTIFICATE-----\n"
    data = tar_of({"vm.ovf": text, "vm.mf": manifest, "vm.cert": certificate, "disk1.vmdk": disk})
    client.put(data, f"{images}/signed.ova")
    assert "vm.cert" in checked(client, f"{images}/signed.ova")


def test_the_source_of_a_component_has_the_facts_too(site: Site, component: str, client: PythonClient) -> None:
    """Without any collection of images: the builder verified it and leaves what it found."""
    assert client.package(site.source) == "valid"
    assert ("ova::property", "host.hostname", "string myhost") in client.object_avus(site.source)
    client.put(b"no longer one" * 99, site.source)
    until(lambda: client.package(site.source) != "valid", "the new version is checked")
    assert "neither" in checked(client, site.source)


def test_facts_of_an_image_are_the_servers(site: Site, component: str, client: PythonClient) -> None:
    client.set_object(site.source, "ova::package", "wrong")  # passed over
    metadata = site.session.data_objects.get(site.source).metadata
    with pytest.raises(iRODSException):
        metadata.apply_atomic_operations(AVUOperation("add", iRODSMeta("ova::used_by", "x")))
    assert client.package(site.source) == "valid"


def test_a_verdict_that_was_copied_is_not_believed(site: Site, component: str, client: PythonClient) -> None:
    """`imeta cp` takes facts past the hooks; the signature fits one version of one object."""
    wrong = f"{site.home}/wrong.ova"
    client.put(ova(manifest=b"SHA256(disk1.vmdk)= " + b"0" * 64 + b"\n"), wrong)
    site.session.metadata.copy(DataObject, DataObject, site.source, wrong)
    assert client.package(wrong) == "valid"
    client.set(component, "ova_url", wrong)
    until(lambda: site.facts()["ova::status"] == "failed", "the verdict is made anew")
    assert "disk1.vmdk" in site.facts()["ova::message"]


# ---- in use ----------------------------------------------------------------------------------------------------------


def used_by(client: PythonClient, path: str) -> list[str]:
    """`ova::used_by` of an image."""
    return [value for _, value, _ in client.object_avus(path, "ova::used_by")]


def test_an_image_says_which_components_use_it(site: Site, component: str, client: PythonClient) -> None:
    other, second = f"{site.home}/images/other.ova", f"{site.home}/grid01/comp02"
    client.put(ova(), other)
    client.component(second, "../../images/base.ova")
    assert used_by(client, site.source) == [component, second]
    client.set(component, "ova_url", other)
    assert used_by(client, site.source) == [second]
    assert used_by(client, other) == [component]
    site.session.collections.move(second, f"{site.home}/grid01/comp03")
    assert used_by(client, site.source) == [f"{site.home}/grid01/comp03"]
    client.remove(f"{site.home}/grid01/comp03")
    assert used_by(client, site.source) == []


@pytest.mark.parametrize("force", [True, False])
def test_an_image_in_use_is_not_removed(site: Site, component: str, client: PythonClient, force: bool) -> None:
    second = f"{site.home}/grid01/comp02"
    client.component(second, site.source)
    with pytest.raises(Refused, match=rf"base.ova is the source of {component} and {second}"):
        client.unlink(site.source, force=force)
    with pytest.raises(Refused, match=rf"/images holds .*base.ova, which is the source of {component} and"):
        client.remove(f"{site.home}/images", force=force)
    assert site.session.data_objects.exists(site.source)
    client.put(ova(b"another"), f"{site.home}/images/unused.ova")
    site.session.data_objects.unlink(f"{site.home}/images/unused.ova", force=force)


@pytest.mark.parametrize("how", ["switched", "no component any more", "removed", "in the trash"])
def test_one_that_is_no_longer_in_use_may_be_removed(
    how: str, site: Site, component: str, client: PythonClient
) -> None:
    other = f"{site.home}/images/other.ova"
    if how == "switched":
        client.put(ova(), other)
        client.set(component, "ova_url", other)
    elif how == "no component any more":
        client.metadata(component).remove("ova_url", site.source)
    elif how == "removed":
        client.remove(component)
    else:
        client.remove(component, force=False)
    client.unlink(site.source)
    assert not site.session.data_objects.exists(site.source)


def test_a_component_that_comes_back_from_the_trash_uses_its_image_again(
    site: Site, component: str, client: PythonClient
) -> None:
    client.remove(component, force=False)
    trash = site.home.replace("/home/", "/trash/home/", 1) + "/grid01/comp01"
    site.session.collections.move(trash, component)
    with pytest.raises(Refused, match="is the source of"):
        client.unlink(site.source)


def test_a_collection_that_holds_image_and_users_may_be_removed(
    site: Site, component: str, client: PythonClient
) -> None:
    client.remove(site.home)
    assert not site.session.collections.exists(site.home)
    site.session.collections.create(site.home)


def test_a_ready_ova_that_another_component_uses_is_kept(site: Site, component: str, client: PythonClient) -> None:
    chained = client.component(f"{site.home}/grid01/chained", site.ready)
    until(lambda: site.facts(chained)["ova::status"] == "ready", "the second is ready")
    with pytest.raises(Refused, match=rf"comp01.ova is the source of {chained}"):
        client.unlink(site.ready)


def test_who_may_only_read_it_keeps_it_from_being_removed(site: Site, make_person: MakePerson) -> None:
    """The owner learns that somebody uses it, and how many, but not what he may not see."""
    alice, bob = make_person(), make_person()
    image = f"{alice.home}/base.ova"
    alice.client.put(ova(), image)
    alice.grants("read", alice.home, bob.name)
    alice.grants("read", image, bob.name)
    for name in ("one", "two"):
        component = bob.client.component(f"{bob.home}/{name}", image)
        assert bob.facts(component)["ova::status"] == "ready"
    alice.client.make(f"{alice.home}/mine")
    alice.grants("read", f"{alice.home}/mine", bob.name)  # who reads the image may know it
    alice.client.component(f"{alice.home}/mine", image)
    assert [value for _, value, _ in alice.client.object_avus(image, "ova::used_by")] == [f"{alice.home}/mine"]
    with pytest.raises(Refused) as refused:
        alice.client.unlink(image)
    assert f"is the source of {alice.home}/mine and 2 components that you may not see" in str(refused.value)
    assert bob.name not in str(refused.value)
    bob.grants("read", f"{bob.home}/two", alice.name)
    bob.grants("read", bob.home, alice.name)
    both = ", ".join(sorted([f"{alice.home}/mine", f"{bob.home}/two"]))
    with pytest.raises(Refused, match=f"{both} and 1 component that you may not see"):
        alice.client.unlink(image)
    for name in ("one", "two"):
        bob.client.remove(f"{bob.home}/{name}")
    alice.client.remove(f"{alice.home}/mine")
    alice.client.unlink(image)


def test_one_who_stops_using_it_unseen_does_not_keep_it(make_person: MakePerson) -> None:
    alice, bob = make_person(), make_person()
    image, comp = f"{alice.home}/base.ova", f"{bob.home}/comp"
    alice.client.put(ova(), image)
    alice.grants("read", alice.home, bob.name)
    alice.grants("read", image, bob.name)
    bob.client.component(comp, image)
    with pytest.raises(Refused, match="is the source of 1 component that you may not see"):
        alice.client.unlink(image)
    bob.client.metadata(comp).remove("ova_url", image)
    alice.client.unlink(image)


def test_a_component_that_cannot_be_built_for_another_reason_keeps_its_image(site: Site, client: PythonClient) -> None:
    client.put(ova(), f"{site.home}/base.ova")
    client.make(site.component)
    client.set(site.component, "mtu", "12")
    client.set(site.component, "ova_url", f"{site.home}/base.ova")
    assert site.facts()["ova::status"] == "failed"
    with pytest.raises(Refused, match="is the source of"):
        client.unlink(f"{site.home}/base.ova")


def test_one_who_may_not_read_an_image_does_not_keep_it(make_person: MakePerson) -> None:
    alice, mallory = make_person(), make_person()
    alice.client.put(ova(), f"{alice.home}/private.ova")
    mallory.client.component(f"{mallory.home}/trap", f"{alice.home}/private.ova")
    alice.client.unlink(f"{alice.home}/private.ova")


def test_an_administrator_releases_an_image(site: Site, client: PythonClient, person: Person) -> None:
    image = f"{person.home}/base.ova"
    person.client.put(ova(), image)
    person.client.component(f"{person.home}/comp", image)
    session = person.client.session
    with pytest.raises(Refused, match="for administrators"):
        person.client.set_object(image, "ova_release", "yes")
    with pytest.raises(iRODSException):
        operation = AVUOperation("add", iRODSMeta("ova_release", "yes"))
        session.data_objects.get(image).metadata.apply_atomic_operations(operation)
    person.grants("own", image, site.session.username)
    person.grants("own", person.home, site.session.username)
    client.set_object(image, "ova_release", "yes")
    assert client.object_avus(image, "ova::released_by")[0][1].startswith(site.session.username)
    person.client.unlink(image)
    assert not session.data_objects.exists(image)


def test_a_release_that_was_copied_counts_nothing(site: Site, client: PythonClient, make_person: MakePerson) -> None:
    """`imeta cp`, also of what an administrator set elsewhere."""
    alice = make_person()
    image, other = f"{alice.home}/base.ova", f"{alice.home}/released.ova"
    for path in (image, other):
        alice.client.put(ova(), path)
        alice.grants("own", path, site.session.username)
    alice.grants("own", alice.home, site.session.username)
    alice.client.component(f"{alice.home}/comp", image)
    client.set_object(other, "ova_release", "yes")
    alice.client.session.metadata.copy(DataObject, DataObject, other, image)
    assert alice.client.object_avus(image, "ova_release")
    with pytest.raises(Refused, match="is the source of"):
        alice.client.unlink(image)


def test_a_release_that_is_taken_back_is_over(site: Site, component: str, client: PythonClient) -> None:
    client.set_object(site.source, "ova_release", "yes")
    site.session.data_objects.get(site.source).metadata.remove("ova_release", "yes")
    assert client.object_avus(site.source, "ova::released_by") == []
    with pytest.raises(Refused, match="is the source of"):
        client.unlink(site.source)
    client.set_object(site.source, "ova_release", "yes")
    client.remove(f"{site.home}/images")
    assert not site.session.data_objects.exists(site.source)
