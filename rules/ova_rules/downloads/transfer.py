"""One download: a URL into a local file, in blocks, resumed after a break, within limits of size and time.

Every connection, redirects included, goes to an address that `url_policy` has judged, and never to a proxy. TLS is
verified against the host's name. A small note beside the file names the version of its bytes, so that a later call,
also by another process, can resume where the last one stopped. It resumes only with a strong ETag; otherwise it starts
again.
Sources: RFC 9110 (ranges 14, conditions 13, redirects 15.4), docs/architecture.md (httpx).
"""

from __future__ import annotations

import json
import os
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import urljoin

from ova_rules.component import url_policy
from ova_rules.component.url_policy import Policy, Url
from ova_rules.errors import ComponentError
from ova_tools.records import dataclass, field

if TYPE_CHECKING:
    import httpx

_MOST_REDIRECTS = 10
_REDIRECTS = (301, 302, 303, 307, 308)
_CONNECT_SECONDS = 20.0
_SILENCE_SECONDS = 60.0  # without a byte
_BREAKS = 3  # in a row, without a byte between them
_PAUSE_SECONDS = 2.0
_NOTE = ".json"

Resolve = Callable[[str, int], list[str]]
Report = Callable[[int, int], None]


class UnreachableError(ComponentError):
    """The download failed now but may work later: no connection, a break, a server in trouble."""

    def __init__(self, message: str) -> None:
        super().__init__(message, lasting=False)


class _Interrupted(Exception):  # noqa: N818 - the received bytes stay, and the next attempt resumes
    """The connection broke or could not be made."""


@dataclass(frozen=True)
class Version:
    """The version of a resource that a server sent: its validators as in the headers; '' if there was none."""

    etag: str = ""
    modified: str = ""

    @property
    def is_strong(self) -> bool:
        """Whether equal ETags mean equal bytes."""
        return self.etag.startswith('"')


@dataclass(frozen=True)
class Limits:
    """The most bytes, and the most seconds in all, of a download; 0 means no limit."""

    size: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Outcome:
    """The result of a download. changed: False if the server says that `known` is still its version (then no bytes)."""

    version: Version
    size: int
    changed: bool = True


def resolved(host: str, port: int) -> list[str]:
    """The addresses of a host, from the system's resolver. Raises UnreachableError."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise UnreachableError(f"{host} has no address: {getattr(error, 'strerror', None) or error}") from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass
class Transfer:
    """Downloads under one policy. The clock, the pause and the resolver are parameters for tests."""

    policy: Policy
    limits: Limits = field(default_factory=Limits)
    context: ssl.SSLContext | None = None  # None: the system's certificates
    resolve: Resolve = resolved
    clock: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep

    def download(self, text: str, target: Path, known: Version | None = None, report: Report | None = None) -> Outcome:
        """Downloads the URL `text` into the file `target`, which may hold what an earlier call left.

        known: the version that the caller has; the server is asked whether it is still current. report: called with the
        bytes so far and in all (0: not known). Raises ComponentError if the download fails or exceeds the limits;
        UnreachableError if it may work later. Then the received bytes are kept, if resuming is possible. The caller
        discards the file after use.
        """
        url = url_policy.permit(self.policy, text)
        end = self.clock() + self.limits.seconds if self.limits.seconds else None
        breaks, before = 0, -1
        while True:
            partial = _Partial(target, text)
            try:
                return self._attempt(url, partial, known, report, end)
            except _Interrupted as error:
                size = partial.size
                gained = size > before and (before < 0 or partial.version.is_strong)
                breaks, before = (0 if gained else breaks + 1), size
                if breaks >= _BREAKS:
                    raise UnreachableError(f"{text}: {error}") from error
            except ComponentError as error:
                if not isinstance(error, UnreachableError) or not partial.version.is_strong:
                    partial.discard()
                if str(error).startswith(text):
                    raise
                raise type(error)(f"{text}: {error}") from error
            except OSError as error:
                partial.discard()  # frees the space on a full disk
                raise UnreachableError(f"{text}: cannot be kept: {error.strerror or error}") from error
            self._require_time(end)
            self.pause(_PAUSE_SECONDS)

    # ---- one attempt ---------------------------------------------------------------------------------------------

    def _attempt(
        self, url: Url, partial: _Partial, known: Version | None, report: Report | None, end: float | None
    ) -> Outcome:
        headers = {"Accept-Encoding": "identity", "Accept": "*/*", "User-Agent": "ova-rules"}
        resumed = partial.size > 0 and partial.version.is_strong
        if resumed:
            headers |= {"Range": f"bytes={partial.size}-", "If-Range": partial.version.etag}
        elif known is not None:
            headers |= {"If-None-Match": known.etag} if known.etag else {}
            headers |= {"If-Modified-Since": known.modified} if known.modified and not known.etag else {}
        with self._response(url, headers, end) as response:
            status = response.status_code
            if status == 304 and known is not None and not resumed:
                return Outcome(known, 0, changed=False)
            if status == 416 and resumed:
                if response.headers.get("content-range") == f"bytes */{partial.size}":  # all of it was there already
                    return Outcome(partial.version, partial.size)
                partial.discard()
                raise _Interrupted("the server has another version than the one that was begun")
            if status not in (200, 206) or (status == 206 and not resumed):
                raise _refused(response)
            coding = response.headers.get("content-encoding", "identity")
            if coding != "identity":
                raise ComponentError(
                    f"the server sends it with the coding {coding}, although it was asked for plain bytes"
                )
            version = Version(response.headers.get("etag", ""), response.headers.get("last-modified", ""))
            if status == 206 and not _continues(response, partial, version):
                partial.discard()
                raise _Interrupted("the server does not go on where the transfer stopped")
            start = partial.size if status == 206 else 0
            return self._receive(response, partial, version, start, report, end)

    def _receive(
        self,
        response: httpx.Response,
        partial: _Partial,
        version: Version,
        start: int,
        report: Report | None,
        end: float | None,
    ) -> Outcome:
        length = response.headers.get("content-length", "")
        total = start + int(length) if length.isdigit() else 0
        self._require_size(total)
        done = start
        with partial.opened(version, start) as file:
            for block in _blocks(response):
                self._require_time(end)
                done += len(block)
                self._require_size(done)
                file.write(block)
                if report is not None:
                    report(done, total)
            os.fsync(file.fileno())
        if total and done != total:
            raise _Interrupted(f"the connection ended after {done} of {total} bytes")
        return Outcome(version, done)

    @contextmanager
    def _response(self, url: Url, headers: dict[str, str], end: float | None) -> Iterator[httpx.Response]:
        """The response to a GET, redirects followed; each hop is judged and has a connection of its own."""
        for _ in range(_MOST_REDIRECTS + 1):
            with self._one_response(url, headers, end) as response:
                if response.status_code not in _REDIRECTS:
                    yield response
                    return
                location = response.headers.get("location", "")
            if not location:
                raise ComponentError(f"{url.text} redirects to nowhere")
            try:
                url = url_policy.permit(self.policy, urljoin(url.text, location))
            except (ComponentError, ValueError) as error:
                shown = location.partition("?")[0]  # the query may be a secret of the server
                raise ComponentError(f"redirects to {shown}: {error}") from error
        raise ComponentError(f"more than {_MOST_REDIRECTS} redirects")

    @contextmanager
    def _one_response(self, url: Url, headers: dict[str, str], end: float | None) -> Iterator[httpx.Response]:
        import httpx

        self._require_time(end)
        left = _SILENCE_SECONDS if end is None else max(0.001, end - self.clock())
        timeout = httpx.Timeout(min(_SILENCE_SECONDS, left), connect=min(_CONNECT_SECONDS, left))
        # The name is resolved only once, here: the connection goes to the address that was judged.
        addresses = url_policy.permit_addresses(self.policy, url.host, self.resolve(url.host, url.port))
        failure: Exception | None = None
        for address in addresses:
            # A client of its own for each hop: connections are kept by address, and two hosts may share one.
            with httpx.Client(verify=self._tls(), trust_env=False, follow_redirects=False, timeout=timeout) as client:
                request = client.build_request(
                    "GET",
                    url.at(address),
                    headers={**headers, "Host": url.authority},
                    extensions={"sni_hostname": url.host},
                )
                try:
                    response = client.send(request, stream=True)
                except httpx.ConnectError as error:
                    if isinstance(_root(error), ssl.SSLCertVerificationError):
                        raise ComponentError(f"{url.host} does not prove who it is: {_root(error)}") from error
                    failure = error
                    continue
                except httpx.TransportError as error:
                    raise _Interrupted(_message(error)) from error
                try:
                    yield response
                finally:
                    response.close()
                return
        raise _Interrupted(f"no connection to {url.authority}: {_message(failure)}") from failure

    def _tls(self) -> ssl.SSLContext:
        if self.context is None:
            self.context = ssl.create_default_context()
        return self.context

    # ---- limits --------------------------------------------------------------------------------------------------

    def _require_size(self, size: int) -> None:
        if self.limits.size and size > self.limits.size:
            raise ComponentError(f"has more than {self.limits.size} bytes, the limit of the setting fetch_limit")

    def _require_time(self, end: float | None) -> None:
        if end is not None and self.clock() >= end:
            seconds = f"{self.limits.seconds:g}"
            raise UnreachableError(f"took longer than {seconds} seconds, the limit of the setting fetch_time")


def discard(target: Path) -> None:
    """Removes what downloads left at `target`, with its note."""
    target.with_name(target.name + _NOTE).unlink(missing_ok=True)
    target.unlink(missing_ok=True)


class _Partial:
    """A partial download: the file, and the note with the URL and version of its bytes."""

    def __init__(self, file: Path, url: str) -> None:
        self.file = file
        self._url = url
        self._note = file.with_name(file.name + _NOTE)
        self.version = self._read()

    @property
    def size(self) -> int:
        """The number of bytes of the version received so far."""
        try:
            return self.file.stat().st_size
        except FileNotFoundError:
            return 0

    def discard(self) -> None:
        """Removes the file and its note."""
        discard(self.file)
        self.version = Version()

    @contextmanager
    def opened(self, version: Version, start: int) -> Iterator[BinaryIO]:
        """The file, open to write from `start` on. Bytes after `start` are dropped."""
        if start == 0:
            self.discard()
            self._note.write_text(json.dumps([self._url, version.etag, version.modified]), encoding="utf-8")
            self.version = version
        flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        with os.fdopen(os.open(self.file, flags, 0o600), "wb", buffering=0) as file:
            file.truncate(start)
            file.seek(start)
            yield file

    def _read(self) -> Version:
        """The note's version. Without a note for this URL the file is useless."""
        try:
            url, etag, modified = json.loads(self._note.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return Version()
        except (OSError, ValueError, TypeError):  # cut short by a power cut
            return Version()
        return Version(str(etag), str(modified)) if url == self._url else Version()


def _blocks(response: httpx.Response) -> Iterator[bytes]:
    import httpx

    try:
        yield from response.iter_raw()
    except httpx.TransportError as error:
        raise _Interrupted(_message(error)) from error


def _continues(response: httpx.Response, partial: _Partial, version: Version) -> bool:
    """Whether a 206 continues where the file ends, with the same version."""
    span = response.headers.get("content-range", "")
    return version.etag == partial.version.etag and span.startswith(f"bytes {partial.size}-")


def _refused(response: httpx.Response) -> ComponentError:
    text = f"the server answers {response.status_code} {response.reason_phrase}".rstrip()
    later = response.status_code in (408, 425, 429) or response.status_code >= 500
    return UnreachableError(text) if later else ComponentError(text)


def _root(error: BaseException) -> BaseException:
    while error.__cause__ is not None or error.__context__ is not None:
        error = error.__cause__ or error.__context__ or error
    return error


def _message(error: Exception | None) -> str:
    """The error in words for a person."""
    import httpx

    if isinstance(error, httpx.ConnectTimeout):
        return "no answer to the attempt to connect"
    if isinstance(error, httpx.TimeoutException):
        return f"silent for {_SILENCE_SECONDS:g} seconds"
    return str(error) or type(error).__name__
