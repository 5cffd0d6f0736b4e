"""What values say of a machine: by the names in use, without a guess."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ova_tools.errors import SeedError
from ova_tools.seed import network
from ova_tools.seed.machine import Machine, derived_mac, machine
from ova_tools.seed.roles import Role, Roles, Value

VSAE = "com.ibm.vsae.2_1"


def told(*pairs: tuple[str, str], nics: tuple[str, ...] = (), roles: Roles | None = None) -> Machine:
    values = []
    for name, value in pairs:
        parts = name.split(".")
        instance = parts[-1] if parts[-1].isdigit() and len(parts) > 1 else ""
        key = parts[-2] if instance else parts[-1]
        values.append(Value(name, value, key, instance))
    return machine(values, nics, roles or Roles(), "z-1")


@pytest.mark.parametrize(
    ("names", "what"),
    [
        (
            {
                f"{VSAE}.system-host.hostname": "sg12",
                f"{VSAE}.system-host.domainname": "cc.kek.jp",
                f"{VSAE}.network-interface.ipaddr": "10.91.14.12",
                f"{VSAE}.network-interface.netmask": "255.255.255.0",
                f"{VSAE}.network-interface.gateway": "10.91.14.1",
                f"{VSAE}.network-interface.search": "cc.kek.jp kek.jp",
            },
            "the paper's",
        ),
        (
            {
                "vami.hostname": "sg12", "vami.domain": "cc.kek.jp", "vami.ip0": "10.91.14.12",
                "vami.netmask0": "255.255.255.0", "vami.gateway": "10.91.14.1", "vami.searchpath": "cc.kek.jp,kek.jp",
            },
            "VAMI's",
        ),
        (
            {
                "hostname": "sg12", "domain": "cc.kek.jp", "ip_addr": "10.91.14.12/24", "gateway": "10.91.14.1",
                "dns-search": "cc.kek.jp kek.jp",
            },
            "plain ones",
        ),
    ],
)  # fmt: skip
def test_the_names_in_use_are_known(names: dict[str, str], what: str) -> None:
    found = told(*names.items())
    assert (found.host_name, found.domain, found.full_name) == ("sg12", "cc.kek.jp", "sg12.cc.kek.jp"), what
    assert found.interfaces[0].addresses == ("10.91.14.12/24",)
    assert found.interfaces[0].gateways == ("10.91.14.1",)
    assert found.search == ("cc.kek.jp", "kek.jp")
    assert found.notes == ()


def test_interfaces_are_told_apart_by_instance_or_number() -> None:
    by_instance = told(("net.ip.0", "10.0.0.1/24"), ("net.ip.1", "10.0.1.1/24"), ("net.ip.10", "10.0.2.1/24"))
    by_number = told(("ip0", "10.0.0.1/24"), ("ip1", "10.0.1.1/24"), ("ip10", "10.0.2.1/24"))
    for found in (by_instance, by_number):
        assert [each.addresses for each in found.interfaces] == [("10.0.0.1/24",), ("10.0.1.1/24",), ("10.0.2.1/24",)]


def test_name_servers_are_collected_in_order() -> None:
    assert told(("dns1", "10.0.0.1"), ("dns2", "10.0.0.2, fd00::1")).name_servers == ("10.0.0.1", "10.0.0.2", "fd00::1")


def test_ipv6_beside_ipv4() -> None:
    (interface,) = told(("ip", "10.0.0.1 fd00::7"), ("netmask", "24 64"), ("gateway", "10.0.0.254 fd00::1")).interfaces
    assert interface.addresses == ("10.0.0.1/24", "fd00::7/64")
    assert interface.gateways == ("10.0.0.254", "fd00::1")


@pytest.mark.parametrize("value", ["", "0.0.0.0"])
def test_what_is_not_set_asks_by_dhcp(value: str) -> None:
    (interface,) = told(("ip", value), ("gateway", "10.0.0.1")).interfaces
    assert (interface.addresses, interface.gateways) == ((), ())
    config = network.cloud_init(told(("ip", value)))
    assert config is not None
    assert config["config"][0]["subnets"] == [{"type": "dhcp"}]


def test_search_domains_need_no_name_server() -> None:
    config = network.cloud_init(told(("ip", "10.0.0.1/24"), ("search", "kek.jp")))
    assert config is not None
    assert config["config"][0]["subnets"] == [{"type": "static", "address": "10.0.0.1/24", "dns_search": ["kek.jp"]}]


def test_dhcp_is_stronger_than_an_address() -> None:
    assert told(("ip", "10.0.0.1/24"), ("bootproto", "dhcp")).interfaces[0].addresses == ()


def test_nothing_of_networks_says_nothing_of_networks() -> None:
    assert network.cloud_init(told(("hostname", "sg12"))) is None
    assert network.openstack(told(("hostname", "sg12"))) is None


def test_the_first_of_two_counts_and_the_other_is_noted() -> None:
    found = told(("hostname", "one"), ("host.hostname", "two"))
    assert found.host_name == "one"
    assert found.notes == ("hostname and host.hostname both say the host-name; hostname counts",)
    assert told(("hostname", ""), ("host.hostname", "two")).host_name == "two"


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("hostname", "a b", "is no host name"),
        ("hostname", "-a", "is no host name"),
        ("hostname", "a" * 64, "is no host name"),
        ("domain", "a..b", "is no domain name"),
        ("ip", "1.2.3", "is no IP address"),
        ("ip", "1.2.3.4/33", "has no prefix of an address"),
        ("dns", "here", "is no IP address"),
        ("mac", "01:00:5e:00:00:01", "is no MAC address"),
        ("bootproto", "maybe", "is neither dhcp nor static"),
    ],
)
def test_what_cannot_be_meant_is_one_line(name: str, value: str, why: str) -> None:
    with pytest.raises(SeedError, match=why) as refused:
        told((name, value))
    assert refused.value.name == name
    assert value not in refused.value.wrong


def test_the_mac_is_that_of_an_avu_of_the_descriptor_or_derived() -> None:
    assert told(("ip", ""), ("mac", "52-54-00-AA-BB-CC")).interfaces[0].mac == "52:54:00:aa:bb:cc"
    assert told(("ip", ""), nics=("52:54:00:12:34:56",)).interfaces[0].mac == "52:54:00:12:34:56"
    assert told(("ip", "")).interfaces[0].mac == derived_mac("z-1", 0)


@given(st.text(), st.integers(0, 20))
def test_a_derived_mac_is_local_and_of_one_interface(identity: str, number: int) -> None:
    first = int(derived_mac(identity, number)[:2], 16)
    assert first & 0b11 == 0b10
    assert derived_mac(identity, number) == derived_mac(identity, number)
    assert derived_mac(identity, number) != derived_mac(identity, number + 1)


def test_a_site_adds_names() -> None:
    roles = Roles({"address": ["acme.address-of-machine"], "host-name": ["node"]})
    found = told(("acme.address-of-machine", "10.0.0.1/8"), ("node", "n1"), roles=roles)
    assert found.host_name == "n1"
    assert found.interfaces[0].addresses == ("10.0.0.1/8",)
    with pytest.raises(ValueError, match="adress"):
        Roles({"adress": ["x"]})


def test_openstack_says_the_same() -> None:
    data: Any = network.openstack(told(("ip", "10.0.0.1/24"), ("gateway", "10.0.0.254"), ("dns", "10.0.0.53")))
    (net,) = data["networks"]
    assert (net["type"], net["ip_address"], net["netmask"]) == ("ipv4", "10.0.0.1", "255.255.255.0")
    assert net["gateway"] == "10.0.0.254"
    assert data["services"] == [{"type": "dns", "address": "10.0.0.53"}]
    assert json.loads(network.text(data)) == data


def test_every_key_of_the_table_has_one_role() -> None:
    from ova_tools.seed.roles import TABLE

    keys = [key for keys in TABLE.values() for key in keys]
    assert len(keys) == len(set(keys))
    assert set(TABLE) == set(Role)
