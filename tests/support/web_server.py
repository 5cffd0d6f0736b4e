"""A real HTTP server on a loopback port, whose resources behave as a test says: ranges, breaks, redirects, slowness."""

from __future__ import annotations

import http.server
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Resource:
    """What lies at a path. breaks: after how many bytes of each of the first responses the connection is cut."""

    data: bytes = b""
    etag: str = ""
    modified: str = ""
    ranges: bool = True
    breaks: list[int] = field(default_factory=list)
    hold: threading.Event | None = None  # the bytes after the first block wait for it
    redirect: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    length: bool = True


@dataclass
class Server:
    """A running server: its resources by path, and the requests that came, as (path, headers)."""

    port: int
    scheme: str = "http"
    resources: dict[str, Resource] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        """The URL of a resource."""
        return f"{self.scheme}://{host}:{self.port}{path}"

    def header(self, name: str) -> list[str | None]:
        """A header of each request that came."""
        return [headers.get(name) for _, headers in self.requests]


@contextmanager
def serving(context: ssl.SSLContext | None = None, port: int = 0) -> Iterator[Server]:
    """A server for the time of a test."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            server.requests.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
            resource = server.resources.get(self.path)
            if resource is None:
                self._answer(404, {}, b"")
            elif resource.redirect:
                self._answer(resource.status if resource.status != 200 else 302, {"Location": resource.redirect}, b"")
            elif resource.status != 200:
                self._answer(resource.status, resource.headers, b"")
            else:
                self._send(resource)

        def _send(self, resource: Resource) -> None:
            validators = {"ETag": resource.etag, "Last-Modified": resource.modified}
            headers = {**{name: value for name, value in validators.items() if value}, **resource.headers}
            asked = self.headers
            if resource.etag and asked.get("If-None-Match") == resource.etag:
                self._answer(304, headers, b"")
                return
            if (
                not asked.get("If-None-Match")
                and resource.modified
                and asked.get("If-Modified-Since") == resource.modified
            ):
                self._answer(304, headers, b"")
                return
            span = re.fullmatch(r"bytes=(\d+)-", asked.get("Range", ""))
            if span and resource.ranges and asked.get("If-Range", resource.etag) == resource.etag:
                start, size = int(span[1]), len(resource.data)
                if start >= size:
                    self._answer(416, {**headers, "Content-Range": f"bytes */{size}"}, b"")
                    return
                headers["Content-Range"] = f"bytes {start}-{size - 1}/{size}"
                self._answer(206, headers, resource.data[start:], resource)
                return
            self._answer(200, headers, resource.data, resource)

        def _answer(self, status: int, headers: dict[str, str], body: bytes, resource: Resource | None = None) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if resource is None or resource.length:
                self.send_header("Content-Length", str(len(body)))
            else:
                self.send_header("Connection", "close")
                self.close_connection = True
            self.end_headers()
            cut = resource.breaks.pop(0) if resource is not None and resource.breaks else None
            sent = 0
            for start in range(0, len(body), 65536):
                block = body[start : start + 65536][: None if cut is None else max(0, cut - sent)]
                self.wfile.write(block)
                sent += len(block)
                if resource is not None and resource.hold is not None:
                    self.wfile.flush()
                    resource.hold.wait(60)
                if cut is not None and sent >= cut:
                    self.wfile.flush()
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return

        def log_message(self, *_: Any) -> None:
            """Nothing on the terminal."""

    class Quiet(http.server.ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            """A client that goes away is part of the tests."""

    listener = Quiet(("127.0.0.1", port), Handler)
    if context is not None:
        listener.socket = context.wrap_socket(listener.socket, server_side=True, do_handshake_on_connect=False)
    server = Server(listener.server_address[1], "https" if context else "http")
    thread = threading.Thread(target=listener.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        listener.shutdown()
        listener.server_close()
        thread.join()
