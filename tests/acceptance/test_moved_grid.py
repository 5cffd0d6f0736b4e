"""Figure 4 of the paper: a grid, and its copy with other addresses, both deployed on one libvirt."""

from __future__ import annotations

import subprocess
from pathlib import Path

from ova_tools.cli import main
from tests.acceptance.test_clouds import built
from tests.acceptance.test_seeds import disc_of
from tests.ova_tools.compose.domains import disk, domain, nic
from tests.support.clients import brought
from tests.support.libvirt import BRIDGE, MARKS, Host
from tests.support.zones import Place, embedded_zone, rule_folder

pytestmark = MARKS


def package(folder: Path) -> bytes:
    """An image of a machine with a disk and a network interface."""
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", folder / "vda.qcow2", "64M"], check=True)
    memory = "<memory unit='MiB'>64</memory>"
    (folder / "sg.xml").write_bytes(domain(disk(source=str(folder / "vda.qcow2")) + nic(), memory=memory))
    assert main(["compose", "--domain", str(folder / "sg.xml"), "-o", str(folder / "sg.ova")]) == 0
    return (folder / "sg.ova").read_bytes()


def test_a_grid_and_its_copy_run_side_by_side(host: Host, tmp_path: Path) -> None:
    with embedded_zone(tmp_path / "zone", rule_folder(tmp_path / "etc")) as zone:
        place = Place(zone, package(tmp_path))
        client = place.client
        client.set(place.home, "ova_networks", f"default={BRIDGE}")
        for number in (12, 13):
            machine = place.component(f"grid01/sg{number}")
            client.set(machine, "hostname", f"sg{number}")
            client.set(machine, "ip_addr", f"10.91.14.{number}")
        client.set(place.grid, "netmask", "255.255.255.0")
        client.set(place.grid, "ova_forms", "libvirt")
        copied = f"{place.home}/grid02"
        for number in (12, 13):  # only what differs
            client.make(f"{copied}/sg{number}")
            client.set(f"{copied}/sg{number}", "ip_addr", f"10.92.14.{number}")
        client.set(copied, "ova_like", place.grid)
        folders = []
        for grid in (place.grid, copied):
            for number in (12, 13):
                assert built(client, f"{grid}/sg{number}")["ova::status"] == "ready"
            folders.append(str(brought(client, grid, tmp_path)))

    names = [f"grid0{grid}-sg{number}" for grid in (1, 2) for number in (12, 13)]
    images = host.folder / "images"
    try:
        assert main(["deploy", *folders, "--connect", host.uri, "--images", str(images), "--start"]) == 0
        macs = set()
        for name in names:
            assert host.virsh("domstate", name).strip() == "running"
            text = host.virsh("domiflist", name)
            assert BRIDGE in text
            macs |= {word for word in text.split() if word.count(":") == 5}
            disc = disc_of((images / name / "seed.iso").read_bytes())
            assert disc.properties["hostname"] == name[-4:]
            (subnet,) = disc.ethernet["subnets"]
            assert subnet["address"] == f"10.9{int(name[4:6])}.14.{name[-2:]}/24"
        assert len(macs) == 4
    finally:
        host.clear(*names)
