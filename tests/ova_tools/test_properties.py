"""Which property a name means; an ambiguous name is refused with the names to choose from."""

from __future__ import annotations

import pytest

from ova_tools.errors import PropertyError
from ova_tools.model import Property
from ova_tools.properties import candidates, select

PLAIN = Property("hostname", "hostname", system="vm")
WITH_CLASS = Property("net.ip.1", "ip", "net", "1", system="vm")
OTHER_CLASS = Property("web.ip.1", "ip", "web", "1", system="vm")
DOTTED = Property("guest.dns.name", "guest.dns.name", system="vm")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("hostname", PLAIN),
        ("vm/hostname", PLAIN),
        ("net.ip.1", WITH_CLASS),
        ("net.ip", WITH_CLASS),
        ("vm/web.ip", OTHER_CLASS),
        ("guest.dns.name", DOTTED),
    ],
)
def test_a_name_is_a_full_name_a_key_or_a_part_that_means_one(name: str, meant: Property) -> None:
    assert select([PLAIN, WITH_CLASS, OTHER_CLASS, DOTTED], name) is meant


def test_a_key_that_several_have_is_refused_with_their_full_names() -> None:
    with pytest.raises(PropertyError, match=r"ip could mean 2 properties; one of .* right: net\.ip\.1, web\.ip\.1"):
        select([PLAIN, WITH_CLASS, OTHER_CLASS], "ip")


def test_a_full_name_decides_before_a_key() -> None:
    with_class = Property("c.hostname", "hostname", "c", system="vm")

    assert select([with_class, PLAIN], "hostname") is PLAIN
    assert candidates([with_class, PLAIN], "hostname") == (PLAIN,)


def test_one_full_name_in_two_systems_needs_the_system() -> None:
    other = Property("hostname", "hostname", system="storage server")

    with pytest.raises(PropertyError, match="right: storage server/hostname, vm/hostname"):
        select([PLAIN, other], "hostname")
    assert select([PLAIN, other], "storage server/hostname") is other


def test_one_full_name_twice_in_a_system_is_refused() -> None:
    with pytest.raises(PropertyError, match="property hostname is defined 2 times"):
        select([PLAIN, Property("hostname", "hostname", system="vm", label="again")], "hostname")


def test_an_unknown_name_is_refused_with_what_there_is() -> None:
    with pytest.raises(PropertyError, match=r"no property x; known: hostname, net\.ip\.1") as caught:
        select([PLAIN, WITH_CLASS], "x")
    assert caught.value.property == "x"
    with pytest.raises(PropertyError, match="the descriptor has none"):
        select([], "x")
    assert candidates([PLAIN], "x") == ()
