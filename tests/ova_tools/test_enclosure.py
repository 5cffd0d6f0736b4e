"""Seeds that lie in the package: what other readers find there, and that nothing else changes."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ova_tools.cli import main
from ova_tools.errors import SeedError
from ova_tools.layout import ALIGNMENT
from ova_tools.package import read_package
from ova_tools.verify import verify_members
from tests.support.appliances import manifest_of, tar_of

from . import build

RASD = "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData"
OVF, CIM = f"{{{build.OVF1}}}", f"{{{RASD}}}"
PROPERTY = '<ovf:Property ovf:key="hostname" ovf:type="string" ovf:userConfigurable="true" ovf:value="myhost"/>'
DISK = build.disk()


def item(**elements: str) -> str:
    inner = "".join(f"\n        <rasd:{name}>{text}</rasd:{name}>" for name, text in elements.items())
    return f"\n      <ovf:Item>{inner}\n      </ovf:Item>"


IDE = item(Address="0", ElementName="ide0", InstanceID="3", ResourceType="5")
SATA = item(ElementName="sata0", InstanceID="7", ResourceType="20")
SCSI = item(ElementName="scsi0", InstanceID="4", ResourceType="6")
CPU = item(ElementName="2 CPUs", InstanceID="1", ResourceType="3", VirtualQuantity="2")
HARD_DISK = item(
    AddressOnParent="0", ElementName="disk", HostResource="ovf:/disk/d", InstanceID="9", Parent="4", ResourceType="17"
)


def on(parent: str, address: str, id_: str) -> str:
    return item(AddressOnParent=address, ElementName="cd", InstanceID=id_, Parent=parent, ResourceType="15")


def system(items: str = CPU + SCSI + HARD_DISK, id_: str = "vm", type_: str = "kvm") -> str:
    return f"""
  <ovf:VirtualSystem ovf:id="{id_}">
    <ovf:Info>a machine</ovf:Info>
    <ovf:VirtualHardwareSection>
      <ovf:Info>hardware</ovf:Info>
      <ovf:System>
        <vssd:InstanceID>0</vssd:InstanceID>
        <vssd:VirtualSystemType>{type_}</vssd:VirtualSystemType>
      </ovf:System>{items}
    </ovf:VirtualHardwareSection>
    <ovf:ProductSection><ovf:Info/>{PROPERTY}</ovf:ProductSection>
  </ovf:VirtualSystem>"""


def descriptor(
    content: str | None = None, references: str = '\n    <ovf:File ovf:id="f" ovf:href="disk.vmdk"/>'
) -> bytes:
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<ovf:Envelope xmlns:ovf="{build.OVF1}" xmlns:rasd="{RASD}" xmlns:vssd="urn:vssd">
  <ovf:References>{references}
  </ovf:References>{system() if content is None else content}
</ovf:Envelope>
""".encode()


def package(folder: Path, text: bytes, algorithm: str = "SHA256") -> Path:
    files = {"vm.ovf": text, "vm.mf": b"", "disk.vmdk": DISK}
    files["vm.mf"] = manifest_of({"vm.ovf": text, "disk.vmdk": DISK}, algorithm)
    path = folder / "vm.ova"
    path.write_bytes(tar_of(files))
    return path


def members(path: Path) -> dict[str, tuple[int, bytes]]:
    """By name, in order: where the data of each begins, and the data. Digests are held against the manifest."""
    with tarfile.open(path) as tar:
        found = {}
        for each in tar:
            stream = tar.extractfile(each)
            assert stream is not None
            found[each.name] = (each.offset_data, stream.read())
    for line in found["vm.mf"][1].decode().splitlines():
        algorithm, name, digest = line.replace("(", " ").replace(")= ", " ").split(" ")
        assert hashlib.new(algorithm.lower(), found[name][1]).hexdigest() == digest
    return found


def items_of(text: bytes, id_: str = "vm") -> list[dict[str, str]]:
    """The items of a system's hardware as another parser reads them."""
    (found,) = [
        each for each in ElementTree.fromstring(text).iter(f"{OVF}VirtualSystem") if each.get(f"{OVF}id") == id_
    ]
    return [{child.tag.replace(CIM, ""): child.text or "" for child in each} for each in found.iter(f"{OVF}Item")]


def seeded(path: Path, *arguments: str, out: str = "new.ova") -> dict[str, tuple[int, bytes]]:
    target = path.parent / out
    assert main(["set", str(path), *arguments, "--seed", "-o", str(target)]) == 0
    return members(target)


def test_the_seed_is_the_last_member_and_a_cd_drive_holds_it(tmp_path: Path) -> None:
    path = package(tmp_path, descriptor())
    before, after = members(path), seeded(path, "hostname=sg12")
    assert list(after) == ["vm.ovf", "vm.mf", "disk.vmdk", "seed.iso"]
    assert after["disk.vmdk"][1] == before["disk.vmdk"][1]
    assert (after["disk.vmdk"][0] - before["disk.vmdk"][0]) % ALIGNMENT == 0
    text, seed = after["vm.ovf"][1], after["seed.iso"][1]
    assert b'oe:key="hostname" oe:value="sg12"' in seed
    (reference,) = [each for each in ElementTree.fromstring(text).iter(f"{OVF}File") if "seed" in str(each.attrib)]
    assert reference.attrib == {f"{OVF}href": "seed.iso", f"{OVF}id": "ova-seed", f"{OVF}size": str(len(seed))}
    assert after["vm.mf"][1].decode().count("seed.iso") == 1
    empty, held = (each for each in items_of(text) if each["ResourceType"] == "15")
    assert "HostResource" not in empty
    assert held["HostResource"] == "ovf:/file/ova-seed"
    (controller,) = [each for each in items_of(text) if each["InstanceID"] == held["Parent"]]
    assert controller["ResourceType"] == "5"
    assert (empty["Parent"], empty["AddressOnParent"], held["AddressOnParent"]) == (held["Parent"], "0", "1")
    with read_package(tmp_path / "new.ova") as new:
        assert verify_members(new).notes == ()


@pytest.mark.parametrize("algorithm", ["SHA1", "SHA256", "SHA512"])
def test_the_manifest_keeps_its_algorithm(tmp_path: Path, algorithm: str) -> None:
    after = seeded(package(tmp_path, descriptor(), algorithm))
    assert {line.partition("(")[0] for line in after["vm.mf"][1].decode().splitlines()} == {algorithm}


def test_a_new_seed_takes_the_place_of_the_last_one(tmp_path: Path) -> None:
    path = package(tmp_path, descriptor())
    first = seeded(path, "hostname=sg12")
    again = seeded(tmp_path / "new.ova", "hostname=sg77", out="again.ova")
    assert items_of(again["vm.ovf"][1]) == items_of(first["vm.ovf"][1])
    assert list(again) == list(first)
    assert b"sg77" in again["seed.iso"][1]
    assert b"sg12" not in again["seed.iso"][1]
    assert seeded(path, "hostname=sg77", out="direct.ova")["seed.iso"][1].count(b"sg77") > 0


def test_a_seed_that_grows_is_said_in_its_reference(tmp_path: Path) -> None:
    path = package(tmp_path, descriptor())
    seeded(path, "hostname=sg12")
    (tmp_path / "tasks/install").mkdir(parents=True)
    (tmp_path / "tasks/install/data").write_bytes(bytes(300_000))
    after = seeded(tmp_path / "new.ova", "--tasks", str(tmp_path / "tasks"), out="again.ova")
    assert f'ovf:size="{len(after["seed.iso"][1])}"'.encode() in after["vm.ovf"][1]
    assert len(after["seed.iso"][1]) > 300_000


def test_set_without_seed_says_that_the_seed_is_of_other_values(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seeded(package(tmp_path, descriptor()), "hostname=sg12")
    capsys.readouterr()
    assert main(["set", str(tmp_path / "new.ova"), "hostname=sg77", "-o", str(tmp_path / "next.ova")]) == 0
    assert "note: seed.iso was made with other values; the package keeps it as it is" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("items", "kind", "address"),
    [
        (IDE + on("3", "0", "8"), "5", "1"),  # beside the empty drive that is there
        (IDE + SATA + on("7", "3", "8"), "20", "0"),  # on the controller that has a drive already
        (IDE + on("3", "0", "8") + on("3", "1", "2") + SATA, "20", "0"),  # no room beside the drive
        (SATA, "20", "1"),
        (IDE + on("3", "0", "8") + on("3", "1", "2"), "5", "0"),  # a second IDE controller
    ],
    ids=["IDE", "the one in use", "full", "SATA", "another"],
)
def test_it_goes_where_room_is(tmp_path: Path, items: str, kind: str, address: str) -> None:
    found = items_of(seeded(package(tmp_path, descriptor(system(items))))["vm.ovf"][1])
    (held,) = [each for each in found if each.get("HostResource") == "ovf:/file/ova-seed"]
    (controller,) = [each for each in found if each["InstanceID"] == held["Parent"] and "Parent" not in each]
    assert (controller["ResourceType"], held["AddressOnParent"]) == (kind, address)
    assert len({each["InstanceID"] for each in found}) == len(found)
    places = [(each["Parent"], each["AddressOnParent"]) for each in found if "Parent" in each]
    assert len(set(places)) == len(places)


def test_vmware_reads_what_its_drives_are(tmp_path: Path) -> None:
    found = items_of(seeded(package(tmp_path, descriptor(system(IDE, type_="vmx-17"))))["vm.ovf"][1])
    assert [each["ResourceSubType"] for each in found if each["ResourceType"] == "15"] == [
        "vmware.cdrom.remotepassthrough",
        "vmware.cdrom.iso",
    ]


def test_each_system_has_its_own(tmp_path: Path) -> None:
    both = f"""
  <ovf:VirtualSystemCollection ovf:id="all"><ovf:Info/>{system(id_="a")}{system(id_="b")}
  </ovf:VirtualSystemCollection>"""
    after = seeded(package(tmp_path, descriptor(both)), "a/hostname=sg12")
    assert list(after)[-2:] == ["seed-a.iso", "seed-b.iso"]
    for id_ in ("a", "b"):
        assert f"ovf:/file/ova-seed-{id_}" in [each.get("HostResource") for each in items_of(after["vm.ovf"][1], id_)]
    assert b'oe:key="hostname" oe:value="sg12"' in after["seed-a.iso"][1]


def test_prefixes_that_an_item_declares_itself_are_declared_again(tmp_path: Path) -> None:
    local = f'\n      <ovf:Item><c:InstanceID xmlns:c="{RASD}">3</c:InstanceID></ovf:Item>'
    found = items_of(seeded(package(tmp_path, descriptor(system(local))))["vm.ovf"][1])
    assert "ovf:/file/ova-seed" in [each.get("HostResource") for each in found]


def test_names_that_only_an_item_or_a_file_declares_are_not_used(tmp_path: Path) -> None:
    own = f'<q:Item xmlns:q="{build.OVF1}"><rasd:InstanceID>5</rasd:InstanceID></q:Item>'
    plain = f'<Item xmlns="{build.OVF1}"><rasd:InstanceID>6</rasd:InstanceID></Item>'
    file = f'<q:File xmlns:q="{build.OVF1}" q:id="g" q:href="vm.mf"/>'
    references = f'<ovf:File ovf:id="f" ovf:href="disk.vmdk"/>{file}'
    for last in (own, plain):
        found = items_of(seeded(package(tmp_path, descriptor(system(CPU + last), references)))["vm.ovf"][1])
        assert "ovf:/file/ova-seed" in [each.get("HostResource") for each in found]


def test_a_file_of_that_name_which_nothing_refers_to_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("seed.iso", "SEED.ISO"):
        (tmp_path / "vm.ova").write_bytes(tar_of({"vm.ovf": descriptor(), "disk.vmdk": DISK, name: b"theirs"}))
        assert main(["set", str(tmp_path / "vm.ova"), "--seed", "-o", str(tmp_path / "new.ova")]) == 1
        assert "the package has a file seed.iso already" in capsys.readouterr().err


@pytest.mark.parametrize("more", ["", "<rasd:Parent>3</rasd:Parent>"])
def test_hardware_of_any_size_costs_what_its_size_is(tmp_path: Path, more: str) -> None:
    """Quadratic, 12,000 items took minutes; the test's own limit of time is enough to tell."""
    many = "".join(f"<ovf:Item><rasd:InstanceID>{n}</rasd:InstanceID>{more}</ovf:Item>" for n in range(10, 12_010))
    assert "seed.iso" in seeded(package(tmp_path, descriptor(system(IDE + many))))


@pytest.mark.parametrize("odd", ["1" * 5000, "-1", "x", "٣", str(10**17)])
def test_odd_numbers_of_items_are_no_fault(tmp_path: Path, odd: str) -> None:
    odd_item = item(AddressOnParent=odd, ElementName="odd", InstanceID=odd, Parent="3", ResourceType="17")
    found = items_of(seeded(package(tmp_path, descriptor(system(IDE + odd_item))))["vm.ovf"][1])
    assert len({each["InstanceID"] for each in found}) == len(found)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (descriptor(system("")), "has no item beside which a CD drive could be written"),
        (descriptor('<ovf:VirtualSystem ovf:id="vm"><ovf:Info/></ovf:VirtualSystem>'), "has no hardware"),
        (
            descriptor(references='<ovf:File ovf:href="disk.vmdk"/><ovf:File ovf:id="x" ovf:href="seed.iso"/>'),
            "the package has a file seed.iso",
        ),
        (descriptor(system("".join(on("3", n, n + "5") for n in "01") + IDE + IDE.replace("0", "1").replace("3", "6")
                           + "".join(on("6", n, n + "7") for n in "01"))), "no controller of vm has room"),
    ],
    ids=["no item", "no hardware", "a file of that name", "no room"],
)  # fmt: skip
def test_what_cannot_hold_one_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: bytes, why: str
) -> None:
    files = {"vm.ovf": text, "disk.vmdk": DISK, **({"seed.iso": b"theirs"} if b"seed.iso" in text else {})}
    (tmp_path / "vm.ova").write_bytes(tar_of(files))
    assert main(["set", str(tmp_path / "vm.ova"), "--seed", "-o", str(tmp_path / "new.ova")]) == 1
    err = capsys.readouterr().err
    assert why in err
    assert err.count("\n") == 1
    assert not (tmp_path / "new.ova").exists()


def test_beside_a_plain_ovf_it_is_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "vm.ovf").write_bytes(descriptor())
    (tmp_path / "disk.vmdk").write_bytes(DISK)
    assert main(["set", str(tmp_path / "vm.ovf"), "hostname=sg12", "--seed", "--manifest", "sha256", "--in-place"]) == 0
    seed = (tmp_path / "seed.iso").read_bytes()
    assert f"SHA256(seed.iso)= {hashlib.sha256(seed).hexdigest()}\n" in (tmp_path / "vm.mf").read_text()
    assert main(["set", str(tmp_path / "vm.ovf"), "hostname=sg77", "--seed", "--in-place"]) == 0
    assert b"sg77" in (tmp_path / "seed.iso").read_bytes()
    assert main(["verify", str(tmp_path / "vm.ovf")]) == 0
    (tmp_path / "other").mkdir()
    (tmp_path / "other/seed.iso").write_bytes(b"theirs")
    capsys.readouterr()
    assert main(["set", str(tmp_path / "vm.ovf"), "--seed", "-o", str(tmp_path / "other/vm.ovf")]) == 1
    assert "is no seed of this package; it is not replaced" in capsys.readouterr().err
    assert (tmp_path / "other/seed.iso").read_bytes() == b"theirs"


def test_standard_output_gets_the_same_bytes(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    path = package(tmp_path, descriptor())
    assert main(["set", str(path), "--seed", "--instance-id", "i-1", "-o", "-"]) == 0
    streamed = capfdbinary.readouterr().out
    assert main(["set", str(path), "--seed", "--instance-id", "i-1", "-o", str(tmp_path / "file.ova")]) == 0
    assert streamed == (tmp_path / "file.ova").read_bytes()
    with tarfile.open(fileobj=io.BytesIO(streamed)) as tar:
        assert tar.getnames()[-1] == "seed.iso"


Style = Callable[[str], str]
_STYLES: list[Style] = [
    lambda text: text,
    lambda text: text.replace("\n", "\r\n"),
    lambda text: text.replace("ovf:Item", "Item").replace("<ovf:Envelope", f'<ovf:Envelope xmlns="{build.OVF1}"'),
    lambda text: text.replace("rasd:", "r:").replace("xmlns:rasd", "xmlns:r"),
    lambda text: "".join(line.strip() for line in text.split("\n")),
]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(
    order=st.permutations([CPU, IDE, SATA, SCSI, HARD_DISK, on("3", "0", "30"), on("7", "5", "31")]),
    count=st.integers(1, 7),
    style=st.sampled_from(_STYLES),
)
def test_any_hardware_gets_one_drive_and_keeps_all_items(
    tmp_path: Path, order: list[str], count: int, style: Style
) -> None:
    text = style(descriptor(system("".join(order[:count]))).decode()).encode()
    (tmp_path / "vm.ova").write_bytes(
        tar_of({"vm.ovf": text, "vm.mf": manifest_of({"vm.ovf": text}), "disk.vmdk": DISK})
    )
    before = items_of(text)
    after = items_of(seeded(tmp_path / "vm.ova")["vm.ovf"][1])
    assert [each for each in after if each in before] == before
    new = [each for each in after if each not in before]
    held = [each for each in new if "HostResource" in each]
    assert [each["HostResource"] for each in held] == ["ovf:/file/ova-seed"]
    assert any(each["ResourceType"] == "15" and "HostResource" not in each for each in after)
    assert not {each["InstanceID"] for each in new} & {each["InstanceID"] for each in before}


def test_a_disc_that_became_shorter_is_said(tmp_path: Path) -> None:
    from ova_tools.enclosure import Enclosed, FileDigests

    is_shorter = pytest.raises(SeedError, match=r"seed\.iso is shorter than it was")
    with (tmp_path / "disc").open("w+b") as file, is_shorter:
        FileDigests(Enclosed("vm", "", file.fileno(), 10)).of("sha256")
