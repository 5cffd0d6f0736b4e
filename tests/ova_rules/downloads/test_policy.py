"""The allow list for downloads, tested with URLs as attackers write them."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ova_rules.component.url_policy import is_public, parse, permit, permit_addresses, policy_of
from ova_rules.errors import ComponentError

POLICY = policy_of(("https://images.example.org/public", "http://mirror.example.org:8080/", "10.1.0.0/16", "fd00::/64"))


@pytest.mark.parametrize(
    "url",
    [
        "https://images.example.org/public",
        "https://images.example.org/public/a.ova",
        "HTTPS://Images.Example.ORG:443/public/a.ova",
        "https://images.example.org/public/a%20b.ova?version=2",
        "http://mirror.example.org:8080/",
        "http://mirror.example.org:8080",
        "http://mirror.example.org:8080/x/y.ova",
    ],
)
def test_what_begins_with_a_listed_prefix_is_allowed(url: str) -> None:
    assert permit(POLICY, url).text == url


@pytest.mark.parametrize(
    "url",
    [
        "https://images.example.org/publicity/a.ova",
        "https://images.example.org/Public/a.ova",
        "https://images.example.org/",
        "https://images.example.org:8443/public/a.ova",
        "http://images.example.org/public/a.ova",
        "https://images.example.org.evil.net/public/a.ova",
        "https://evil.net/https://images.example.org/public/a.ova",
        "https://sub.images.example.org/public/a.ova",
        "http://mirror.example.org/x.ova",
        "https://images.example.org//public/a.ova",
    ],
)
def test_what_does_not_is_refused_by_name_of_the_setting(url: str) -> None:
    with pytest.raises(ComponentError, match="allowed_urls"):
        permit(POLICY, url)


@pytest.mark.parametrize(
    "url",
    [
        "https://images.example.org/public/../private/a.ova",
        "https://images.example.org/public/./a.ova",
        "https://images.example.org/public/..",
        "https://images.example.org/public/..;x=1/private",
        "https://images.example.org/public/%2e%2e/private",
        "https://images.example.org/public/%2E./private",
        "https://images.example.org/public%2fa.ova",
        "https://images.example.org/public/..%5cprivate",
        "https://images.example.org/public/%252e%252e/private",
        "https://images.example.org/public/a%00.ova",
        "https://images.example.org/public/a%0d%0aHost:%20evil",
        "https://images.example.org/public/a%3b.ova",
        "https://images.example.org/public/%zz",
        "https://images.example.org/public/%",
        "https://images.example.org\\@evil.net/public/a.ova",
        "https://images.example.org/public\\..\\private",
        "https://images.example.org@evil.net/public/a.ova",
        "https://user:secret@images.example.org/public/a.ova",
        "https://images.example.org#@evil.net/public/a.ova",
        "https://images.example.org/public/a.ova#x",
        "https://images.example.org /public/a.ova",
        "https://images.example.org/public/a b.ova",
        "https://images.example.org/public/a.ova\r\nHost: evil.net",
        "https://images.example.org\t/public/a.ova",
        "https://images.example.org:/public/a.ova",
        "https://images.example.org:0/public/a.ova",
        "https://images.example.org:65536/public/a.ova",
        "https://images.example.org:443:80/public/a.ova",
        "https://images.example.org./public/a.ova",
        "https://im\u0430ges.example.org/public/a.ova",
        "https://images\u3002example\u3002org/public/a.ova",
        "https:///public/a.ova",
        "https:/images.example.org/public/a.ova",
        "https:images.example.org/public/a.ova",
        "//images.example.org/public/a.ova",
        "file:///etc/passwd",
        "ftp://images.example.org/public/a.ova",
        "gopher://images.example.org/public",
        "irods://images.example.org/public/a.ova",
        "javascript://images.example.org/public",
        "https://[::1/a.ova",
        "https://[::1%25eth0]/a.ova",
        "https://[fe80::1%eth0]/a.ova",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0x7f.0.0.1/",
        "http://0177.0.0.1/",
        "http://127.1/",
        "http://127.0.0.1./",
        "",
        "https://" + "a" * 3000,
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(url: str) -> None:
    with pytest.raises(ComponentError) as refused:
        permit(policy_of(("https://images.example.org", "http://127.0.0.1", "127.0.0.0/8", "::/0")), url)
    assert "\n" not in str(refused.value)
    assert "secret" not in str(refused.value)


def test_an_empty_list_is_off_and_says_which_setting_it_is() -> None:
    with pytest.raises(ComponentError, match=r"downloads are off.*allowed_urls"):
        permit(policy_of(()), "https://images.example.org/a.ova")
    with pytest.raises(ComponentError, match=r"downloads are off.*allowed_urls"):
        permit(policy_of(("10.0.0.0/8",)), "https://10.0.0.1/a.ova")


def test_entries_that_cannot_be_read_allow_nothing_and_are_told() -> None:
    policy = policy_of(
        ("https://a.example/x?y", "https://b.example/..", "10.0.0.1/8", "everything", "https://c.example/")
    )
    assert [url.host for url in policy.prefixes] == ["c.example"]
    assert policy.networks == ()
    assert [problem.split()[1] for problem in policy.problems] == [
        "https://a.example/x?y",
        "https://b.example/..",
        "10.0.0.1/8",
        "everything",
    ]


NOT_PUBLIC = [
    "127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
    "169.254.169.254", "100.64.0.1", "192.0.0.8", "198.18.0.1", "224.0.0.1", "255.255.255.255", "240.0.0.1",
    "::1", "::", "fe80::1", "fc00::1", "fd12:3456::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
    "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::1", "2002:7f00:1::",
    "2002:a00:1::1", "2001:0:4136:e378:8000:63bf:80ff:fffe", "2001:db8::1", "100::1", "fec0::1",
]  # fmt: skip


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_addresses_that_are_not_public_need_an_entry(address: str) -> None:
    assert not is_public(ip_address(address))
    with pytest.raises(ComponentError, match=r"not public.*allowed_urls"):
        permit_addresses(policy_of(("https://h.example/",)), "h.example", [address])


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "172.32.0.1", "2a00:1450:4001::1", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_public_addresses_need_none(address: str) -> None:
    assert permit_addresses(policy_of(("https://h.example/",)), "h.example", [address]) == [address]


def test_a_listed_range_allows_what_is_in_it_and_nothing_else() -> None:
    asked = ["10.2.0.1", "10.1.2.3", "::ffff:10.1.2.3", "fd00::5", "fd00:0:0:1::5", "127.0.0.1", "8.8.8.8"]
    assert permit_addresses(POLICY, "h", asked) == ["10.1.2.3", "::ffff:10.1.2.3", "fd00::5", "8.8.8.8"]


def test_a_range_for_ipv4_is_none_for_ipv6_nor_the_other_way() -> None:
    with pytest.raises(ComponentError):
        permit_addresses(policy_of(("0.0.0.0/0",)), "h", ["::1"])
    with pytest.raises(ComponentError):
        permit_addresses(policy_of(("::/0",)), "h", ["127.0.0.1", "::ffff:127.0.0.1"])


def test_the_zone_of_a_link_local_address_does_not_hide_it() -> None:
    with pytest.raises(ComponentError, match="not public"):
        permit_addresses(POLICY, "h", ["fe80::1%eth0"])


def test_no_address_is_a_refusal() -> None:
    with pytest.raises(ComponentError, match="no address"):
        permit_addresses(POLICY, "h", [])


@given(st.text(max_size=60))
def test_whatever_is_allowed_is_below_the_prefix_also_for_other_readers_of_urls(tail: str) -> None:
    """An independent parser (urllib) and a server that decodes and normalises must see the same place."""
    import posixpath
    from urllib.parse import unquote, urlsplit

    policy = policy_of(("https://images.example.org/public",))
    for text in (f"https://images.example.org/public{tail}", f"https://images.example.org{tail}/public/x"):
        try:
            permit(policy, text)
        except ComponentError:
            continue
        other = urlsplit(text)
        assert (other.scheme, other.hostname, other.username) == ("https", "images.example.org", None)
        assert (other.port or 443) == 443
        seen = posixpath.normpath(unquote(unquote(other.path)))
        assert f"{seen}/".startswith("/public/")


@given(st.integers(0, 2**32 - 1))
def test_an_ipv4_address_is_judged_the_same_however_it_is_wrapped(number: int) -> None:
    plain = ip_address(number)
    assert is_public(ip_address(f"::ffff:{plain}")) == is_public(plain)
    assert is_public(ip_address(f"64:ff9b::{plain}")) == is_public(plain)


@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)))
def test_nothing_is_public_that_the_standard_library_knows_as_private(address: object) -> None:
    ip = ip_address(str(address))
    if is_public(ip) and getattr(ip, "ipv4_mapped", None) is None and not str(ip).startswith("64:ff9b:"):
        assert not (ip.is_private or ip.is_loopback or ip.is_link_local or ip.is_multicast or ip.is_reserved)


def test_a_url_keeps_its_parts() -> None:
    url = parse("https://Example.org:8443/a/b.ova?x=1&y=..")
    assert (url.host, url.port, url.path, url.query) == ("example.org", 8443, "/a/b.ova", "?x=1&y=..")
    assert url.authority == "example.org:8443"
    assert url.at("2001:db8::1") == "https://[2001:db8::1]:8443/a/b.ova?x=1&y=.."
    assert parse("http://[2A00::1]/x").authority == "[2a00::1]"
