"""Downloads from a real server over a real connection: breaks, redirects, limits, versions, TLS."""

from __future__ import annotations

import ssl
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ova_rules.component.url_policy import policy_of
from ova_rules.downloads.transfer import Limits, Transfer, UnreachableError, Version, discard
from ova_rules.errors import ComponentError
from tests.support.identities import identity
from tests.support.web_server import Resource, Server, serving

DATA = bytes(range(256)) * 4000  # 1,024,000 bytes


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "download.part"


Make = Callable[..., Transfer]


@pytest.fixture
def transfer(server: Server) -> Make:
    def make(*more: str, **options: object) -> Transfer:
        entries = (server.url("/public"), "127.0.0.0/8", *more)
        return Transfer(policy_of(entries), pause=lambda _: None, **options)  # type: ignore[arg-type]

    return make


def test_the_bytes_arrive_and_progress_is_reported(server: Server, transfer: Make, target: Path) -> None:
    server.resources["/public/a.ova"] = Resource(DATA, etag='"1"', modified="Sun, 22 Nov 2026 10:00:00 GMT")
    reported: list[tuple[int, int]] = []
    outcome = transfer().download(server.url("/public/a.ova"), target, report=lambda *step: reported.append(step))
    assert target.read_bytes() == DATA
    assert (outcome.size, outcome.changed) == (len(DATA), True)
    assert outcome.version == Version('"1"', "Sun, 22 Nov 2026 10:00:00 GMT")
    assert reported[-1] == (len(DATA), len(DATA))
    assert reported == sorted(reported)
    discard(target)
    assert list(target.parent.iterdir()) == []
    assert server.header("accept-encoding") == ["identity"]


def test_without_a_length_too(server: Server, transfer: Make, target: Path) -> None:
    server.resources["/public/a.ova"] = Resource(DATA, length=False)
    assert transfer().download(server.url("/public/a.ova"), target).size == len(DATA)
    assert target.read_bytes() == DATA


def test_a_break_is_resumed_where_it_was(server: Server, transfer: Make, target: Path) -> None:
    server.resources["/public/a.ova"] = Resource(DATA, etag='"1"', breaks=[300_000, 200_000])
    assert transfer().download(server.url("/public/a.ova"), target).size == len(DATA)
    assert target.read_bytes() == DATA
    assert server.header("range") == [None, "bytes=300000-", "bytes=500000-"]
    assert server.header("if-range") == [None, '"1"', '"1"']


def test_a_break_is_resumed_by_a_later_process(server: Server, transfer: Make, target: Path) -> None:
    resource = server.resources["/public/a.ova"] = Resource(DATA, etag='"1"', breaks=[300_000, 0, 0, 0, 0, 0])
    with pytest.raises(UnreachableError, match=r"/public/a.ova: "):
        transfer().download(server.url("/public/a.ova"), target)
    assert target.stat().st_size == 300_000
    resource.breaks.clear()
    transfer().download(server.url("/public/a.ova"), target)
    assert target.read_bytes() == DATA
    assert server.header("range")[-1] == "bytes=300000-"


@pytest.mark.parametrize("etag", ["", 'W/"1"'])
def test_without_a_strong_etag_a_break_begins_anew(server: Server, transfer: Make, target: Path, etag: str) -> None:
    server.resources["/public/a.ova"] = Resource(DATA, etag=etag, breaks=[300_000])
    transfer().download(server.url("/public/a.ova"), target)
    assert target.read_bytes() == DATA
    assert server.header("range") == [None, None]


def test_endless_breaks_end(server: Server, transfer: Make, target: Path) -> None:
    server.resources["/public/a.ova"] = Resource(DATA, breaks=[100_000 + number for number in range(100)])
    with pytest.raises(UnreachableError):
        transfer().download(server.url("/public/a.ova"), target)
    assert len(server.requests) < 10


def test_a_version_that_changed_in_the_break_is_taken_whole(server: Server, transfer: Make, target: Path) -> None:
    new = DATA[::-1]
    resource = server.resources["/public/a.ova"] = Resource(DATA, etag='"1"', breaks=[300_000])

    def change(_: float) -> None:
        resource.data, resource.etag = new, '"2"'

    moving = transfer()
    moving.pause = change
    assert moving.download(server.url("/public/a.ova"), target).version.etag == '"2"'
    assert target.read_bytes() == new


def test_a_server_that_ignores_if_range_is_not_believed(server: Server, transfer: Make, target: Path) -> None:
    resource = server.resources["/public/a.ova"] = Resource(DATA, etag='"1"', breaks=[300_000])
    moving = transfer()

    def change(_: float) -> None:
        resource.data, resource.etag = DATA[::-1], ""  # an empty ETag here answers every If-Range with 206
        resource.headers["ETag"] = '"2"'

    moving.pause = change
    server.resources["/public/a.ova"] = resource
    moving.download(server.url("/public/a.ova"), target)
    assert target.read_bytes() == DATA[::-1]


def test_a_shorter_version_is_taken_whole(server: Server, transfer: Make, target: Path) -> None:
    resource = server.resources["/public/a.ova"] = Resource(DATA, etag='"1"', breaks=[300_000])
    moving = transfer()

    def change(_: float) -> None:
        resource.data = b"short"

    moving.pause = change
    moving.download(server.url("/public/a.ova"), target)
    assert target.read_bytes() == b"short"


def test_what_was_complete_before_the_process_died_is_not_fetched_again(
    server: Server, transfer: Make, target: Path
) -> None:
    server.resources["/public/a.ova"] = Resource(DATA, etag='"1"')
    sent: list[int] = []
    transfer().download(server.url("/public/a.ova"), target)
    transfer().download(server.url("/public/a.ova"), target, report=lambda done, _: sent.append(done))
    assert sent == []
    assert server.header("range") == [None, f"bytes={len(DATA)}-"]
    assert target.read_bytes() == DATA


def test_what_another_url_left_is_not_taken(server: Server, transfer: Make, target: Path) -> None:
    server.resources["/public/a.ova"] = Resource(b"a" * 500_000, etag='"1"', breaks=[300_000, 0, 0, 0, 0, 0])
    server.resources["/public/b.ova"] = Resource(b"b" * 500_000, etag='"1"')
    with pytest.raises(UnreachableError):
        transfer().download(server.url("/public/a.ova"), target)
    transfer().download(server.url("/public/b.ova"), target)
    assert target.read_bytes() == b"b" * 500_000


@pytest.mark.parametrize("known", [Version('"1"', "x"), Version('W/"1"'), Version("", "Sun, 22 Nov 2026 10:00:00 GMT")])
def test_a_known_version_is_not_sent_again(server: Server, transfer: Make, target: Path, known: Version) -> None:
    server.resources["/public/a.ova"] = Resource(
        DATA, etag=known.etag, modified="Sun, 22 Nov 2026 10:00:00 GMT" if not known.etag else ""
    )
    outcome = transfer().download(server.url("/public/a.ova"), target, known)
    assert (outcome.changed, outcome.version) == (False, known)
    assert not target.exists()
    server.resources["/public/a.ova"] = Resource(DATA, etag='"2"')
    assert transfer().download(server.url("/public/a.ova"), target, known).changed


def test_redirects_are_followed_within_the_list(server: Server, transfer: Make, target: Path) -> None:
    server.resources["/public/a"] = Resource(redirect="b", status=301)
    server.resources["/public/b"] = Resource(redirect=server.url("/public/c"), status=307)
    server.resources["/public/c"] = Resource(DATA, etag='"1"')
    transfer().download(server.url("/public/a"), target)
    assert target.read_bytes() == DATA


@pytest.mark.parametrize(
    "location",
    [
        "/private/a.ova",
        "../private/a.ova",
        "http://127.0.0.1:1/public/a.ova",
        "https://evil.example.net/public",
        "file:///etc/passwd",
        "//evil.example.net/public",
        "http://[::1]/public",
    ],
)
def test_redirects_out_of_the_list_are_refused(server: Server, transfer: Make, target: Path, location: str) -> None:
    server.resources["/public/a"] = Resource(redirect=location)
    server.resources["/private/a.ova"] = Resource(DATA)
    with pytest.raises(ComponentError, match="redirects to") as refused:
        transfer().download(server.url("/public/a"), target)
    assert not isinstance(refused.value, UnreachableError)
    assert [path for path, _ in server.requests] == ["/public/a"]
    assert not target.exists()


def test_a_redirect_to_a_listed_name_with_a_private_address_is_refused(server: Server, target: Path) -> None:
    """The name is on the list, its address is not (as with a DNS record that an attacker changed)."""
    entries = (server.url("/public", "public.example.org"), server.url("/", "inside.example.org"), "127.0.0.1/32")
    addresses = {"public.example.org": ["127.0.0.1"], "inside.example.org": ["127.0.0.2", "10.0.0.1"]}
    server.resources["/public/a"] = Resource(redirect=server.url("/admin", "inside.example.org"))
    moving = Transfer(policy_of(entries), resolve=lambda host, _: addresses[host], pause=lambda _: None)
    with pytest.raises(ComponentError, match=r"inside.example.org is 127.0.0.2, 10.0.0.1: not public"):
        moving.download(server.url("/public/a", "public.example.org"), target)


def test_a_name_is_resolved_once_per_connection_and_the_judged_address_is_used(server: Server, target: Path) -> None:
    """A resolver that answers otherwise the second time (DNS rebinding) changes nothing."""
    answers = [["127.0.0.1"], ["10.0.0.1"]]
    asked: list[str] = []

    def resolve(host: str, _: int) -> list[str]:
        asked.append(host)
        return answers[len(asked) - 1]

    server.resources["/public/a.ova"] = Resource(DATA)
    moving = Transfer(policy_of((server.url("/", "a.example.org"), "127.0.0.1/32")), resolve=resolve)
    moving.download(server.url("/public/a.ova", "a.example.org"), target)
    assert asked == ["a.example.org"]
    assert server.header("host") == [f"a.example.org:{server.port}"]


def test_the_next_address_is_tried_where_one_does_not_answer(server: Server, target: Path) -> None:
    server.resources["/a"] = Resource(DATA)
    moving = Transfer(
        policy_of((server.url("/", "a.example.org"), "127.0.0.0/8")), resolve=lambda *_: ["127.0.0.3", "127.0.0.1"]
    )
    assert moving.download(server.url("/a", "a.example.org"), target).size == len(DATA)


def test_a_loopback_address_needs_its_entry(server: Server, target: Path) -> None:
    moving = Transfer(policy_of((server.url("/"),)), pause=lambda _: None)
    with pytest.raises(ComponentError, match=r"127.0.0.1 is 127.0.0.1: not public"):
        moving.download(server.url("/public/a.ova"), target)
    assert server.requests == []


def test_too_many_redirects_end(server: Server, transfer: Make, target: Path) -> None:
    server.resources["/public/a"] = Resource(redirect="a")
    with pytest.raises(ComponentError, match="more than 10 redirects"):
        transfer().download(server.url("/public/a"), target)


def test_a_proxy_of_the_environment_is_not_asked(
    server: Server, transfer: Make, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    server.resources["/public/a.ova"] = Resource(DATA)
    assert transfer().download(server.url("/public/a.ova"), target).size == len(DATA)


@pytest.mark.parametrize("length", [True, False])
def test_what_is_too_large_is_refused_and_not_kept(server: Server, transfer: Make, target: Path, length: bool) -> None:
    server.resources["/public/a.ova"] = Resource(DATA, etag='"1"', length=length)
    with pytest.raises(ComponentError, match=r"a.ova: has more than 100000 bytes.*fetch_limit"):
        transfer(limits=Limits(size=100_000)).download(server.url("/public/a.ova"), target)
    assert list(target.parent.iterdir()) == []


def test_what_is_too_slow_is_ended_and_goes_on_the_next_time(server: Server, transfer: Make, target: Path) -> None:
    now = 0.0

    def pass_time(done: int, _: int) -> None:
        nonlocal now
        now = 100.0 if done >= 500_000 else now

    server.resources["/public/a.ova"] = Resource(DATA, etag='"1"')
    moving = transfer(limits=Limits(seconds=60), clock=lambda: now)
    with pytest.raises(UnreachableError, match=r"took longer than 60 seconds.*fetch_time"):
        moving.download(server.url("/public/a.ova"), target, report=pass_time)
    assert 500_000 <= target.stat().st_size < len(DATA)
    moving.download(server.url("/public/a.ova"), target)
    assert target.read_bytes() == DATA
    assert server.header("range")[-1] is not None


@pytest.mark.parametrize(("status", "later"), [(404, False), (403, False), (401, False), (503, True), (429, True)])
def test_errors_of_the_server_are_said(server: Server, transfer: Make, target: Path, status: int, later: bool) -> None:
    server.resources["/public/a.ova"] = Resource(status=status)
    with pytest.raises(ComponentError, match=rf"/public/a.ova: the server answers {status} ") as refused:
        transfer().download(server.url("/public/a.ova"), target)
    assert isinstance(refused.value, UnreachableError) is later


def test_nobody_there_is_said(server: Server, target: Path) -> None:
    moving = Transfer(policy_of(("http://127.0.0.1:1/", "127.0.0.1/32")), pause=lambda _: None)
    with pytest.raises(UnreachableError, match=r"http://127.0.0.1:1/a.ova: no connection to 127.0.0.1:1"):
        moving.download("http://127.0.0.1:1/a.ova", target)


def test_an_unknown_name_is_said(target: Path) -> None:
    moving = Transfer(policy_of(("http://no-such-host.invalid/",)), pause=lambda _: None)
    with pytest.raises(UnreachableError, match=r"no-such-host.invalid has no address"):
        moving.download("http://no-such-host.invalid/a.ova", target)


def test_compressed_answers_are_refused(server: Server, transfer: Make, target: Path) -> None:
    server.resources["/public/a.ova"] = Resource(DATA, headers={"Content-Encoding": "gzip"})
    with pytest.raises(ComponentError, match="coding gzip"):
        transfer().download(server.url("/public/a.ova"), target)


def test_a_link_in_the_way_is_not_followed(server: Server, transfer: Make, target: Path) -> None:
    victim = target.parent / "victim"
    victim.write_bytes(b"keep")
    server.resources["/public/a.ova"] = Resource(DATA)
    target.symlink_to(victim)
    transfer().download(server.url("/public/a.ova"), target)
    assert victim.read_bytes() == b"keep"


def test_memory_stays_flat(server: Server, transfer: Make, target: Path) -> None:
    server.resources["/public/a.ova"] = Resource(bytes(64 * 1024 * 1024))
    moving = transfer()
    moving.download(server.url("/public/a.ova"), target)  # what is imported and cached once
    tracemalloc.start()
    moving.download(server.url("/public/a.ova"), target)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * 1024 * 1024


# ---- TLS -------------------------------------------------------------------------------------------------------------


def certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context with a certificate of its own for `name`, and a client's that trusts it and nothing else."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec

    extensions = (x509.SubjectAlternativeName([x509.DNSName(name)]), x509.BasicConstraints(ca=True, path_length=None))
    files = identity(folder, ec.generate_private_key(ec.SECP256R1()), name=name, extensions=extensions)
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.load_cert_chain(files.certificate, files.key)
    return theirs, ssl.create_default_context(cafile=files.certificate)


def test_tls_is_verified_against_the_name_and_not_the_address(tmp_path: Path, target: Path) -> None:
    theirs, ours = certificate(tmp_path, "images.example.org")
    names: list[str | None] = []
    theirs.sni_callback = lambda _socket, name, _context: names.append(name)
    with serving(theirs) as server:
        server.resources["/a.ova"] = Resource(DATA)
        entries = (server.url("/", "images.example.org"), server.url("/", "other.example.org"), "127.0.0.1/32")
        moving = Transfer(policy_of(entries), context=ours, resolve=lambda *_: ["127.0.0.1"], pause=lambda _: None)
        assert moving.download(server.url("/a.ova", "images.example.org"), target).size == len(DATA)
        assert names == ["images.example.org"]
        with pytest.raises(ComponentError, match=r"other.example.org does not prove who it is") as refused:
            moving.download(server.url("/a.ova", "other.example.org"), target)
        assert not isinstance(refused.value, UnreachableError)


def test_a_certificate_that_nobody_has_signed_is_refused(tmp_path: Path, target: Path) -> None:
    theirs, _ = certificate(tmp_path, "images.example.org")
    with serving(theirs) as server:
        moving = Transfer(
            policy_of((server.url("/", "images.example.org"), "127.0.0.1/32")), resolve=lambda *_: ["127.0.0.1"]
        )
        with pytest.raises(ComponentError, match="does not prove who it is"):
            moving.download(server.url("/a.ova", "images.example.org"), target)
        assert server.requests == []
