"""The network configuration, as cloud-init and as OpenStack's readers want it. Pure.

JSON is YAML, so what cloud-init reads as YAML is written as JSON. Source: cloud-init, Networking Config Version 1;
OpenStack, network_data.json.
"""

from __future__ import annotations

import json

from ova_tools.seed.machine import Interface, Machine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def cloud_init(machine: Machine) -> dict[str, Any] | None:
    """The configuration without its top key; None where the values say nothing of interfaces.

    Version 1: in version 2 cloud-init takes search domains together with name servers only (22.4, seen on a guest).
    """
    if not machine.interfaces:
        return None
    config = [_physical(each, machine, f"eth{number}") for number, each in enumerate(machine.interfaces)]
    return {"version": 1, "config": config}


def _physical(each: Interface, machine: Machine, name: str) -> dict[str, Any]:
    subnets: list[dict[str, Any]] = []
    for address in each.addresses:
        family = "static6" if ":" in address else "static"
        subnet: dict[str, Any] = {"type": family, "address": address}
        gateways = [gateway for gateway in each.gateways if (":" in gateway) == (":" in address)]
        if gateways:
            subnet["gateway"] = gateways[0]
        subnets.append(subnet)
    if not subnets:
        subnets.append({"type": "dhcp"})
    if machine.name_servers:
        subnets[0]["dns_nameservers"] = list(machine.name_servers)
    if machine.search:
        subnets[0]["dns_search"] = list(machine.search)
    return {"type": "physical", "name": name, "mac_address": each.mac, "subnets": subnets}


def openstack(machine: Machine) -> dict[str, Any] | None:
    """network_data.json; None where the values say nothing of interfaces."""
    if not machine.interfaces:
        return None
    links: list[dict[str, Any]] = []
    networks: list[dict[str, Any]] = []
    for number, each in enumerate(machine.interfaces):
        link = f"eth{number}"
        links.append({"id": link, "name": link, "type": "phy", "ethernet_mac_address": each.mac})
        if not each.addresses:
            networks.append({"id": f"network{len(networks)}", "link": link, "type": "ipv4_dhcp"})
        for address in each.addresses:
            networks.append(_network(f"network{len(networks)}", link, address, each))
    services = [{"type": "dns", "address": server} for server in machine.name_servers]
    return {"links": links, "networks": networks, "services": services}


def _network(id_: str, link: str, address: str, each: Interface) -> dict[str, Any]:
    from ipaddress import ip_interface

    found = ip_interface(address)
    family = f"ipv{found.version}"
    network: dict[str, Any] = {
        "id": id_,
        "link": link,
        "type": family,
        "ip_address": str(found.ip),
        "netmask": str(found.netmask),
        "routes": [],
    }
    for gateway in each.gateways:
        if (":" in gateway) == (found.version == 6):
            everywhere = "::" if found.version == 6 else "0.0.0.0"  # noqa: S104 - a route, no listener
            network["gateway"] = gateway
            network["routes"].append({"network": everywhere, "netmask": everywhere, "gateway": gateway})
    return network


def text(data: object) -> str:
    """As a file of a disc."""
    return json.dumps(data, indent=1, sort_keys=True) + "\n"
