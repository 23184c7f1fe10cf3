"""Cache servers for tests: a small one in this process, with faults on demand, and nginx with WebDAV."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

NGINX = """\
daemon off;
{user}
pid {directory}/nginx.pid;
error_log {directory}/problems.log;
worker_processes 1;
events {{ worker_connections 64; }}
http {{
    access_log {directory}/access.log;
    client_body_temp_path {directory}/part;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    client_max_body_size 0;
    server {{
        listen 127.0.0.1:{port};
        root {directory}/store;
        location ~ ^/(ac|cas)/ {{
            dav_methods PUT;
            create_full_put_path on;
        }}
    }}
}}
"""


class Shelf:
    """What a running server stores, and a way to it."""

    def __init__(self, url: str, store: Path, log: Callable[[], list[str]]) -> None:
        self.url = url
        self.store = store
        self._log = log

    def files(self, kind: str) -> list[Path]:
        """Stored files of `ac` or `cas`."""
        return sorted((self.store / kind).glob("*"))

    def requests(self) -> list[str]:
        """Method and status of every request so far, in order."""
        return self._log()


@contextmanager
def nginx(directory: Path) -> Iterator[Shelf]:
    """Debian's nginx with WebDAV, as a team would run it, on a free port of this machine."""
    program = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
    assert program is not None, "nginx is not installed (Debian package nginx-light)"
    (directory / "store").mkdir(parents=True)
    port = free_port()
    user = "user root;" if os.geteuid() == 0 else ""
    config = directory / "nginx.conf"
    config.write_text(NGINX.format(directory=directory, port=port, user=user), encoding="utf-8")
    log = directory / "access.log"
    process = subprocess.Popen([program, "-c", str(config), "-p", str(directory), "-e", str(directory / "start.log")])
    try:
        _wait_for(port, process)
        yield Shelf(f"http://127.0.0.1:{port}", directory / "store", lambda: _nginx_requests(log))
    finally:
        process.terminate()
        process.wait(10)


def _nginx_requests(log: Path) -> list[str]:
    lines = log.read_text(encoding="utf-8").splitlines()
    return [f"{line.split(chr(34))[1].split()[0]} {line.split(chr(34))[2].split()[0]}" for line in lines]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 10
    while not _answers(port):
        assert process.poll() is None, "the server ended"
        assert time.monotonic() < end, "the server does not answer"
        time.sleep(0.05)


def _answers(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


class Handler(BaseHTTPRequestHandler):
    """`GET` and `PUT` of files; `server.fault(handler)` may answer a GET in its own way."""

    server: StandIn

    def do_GET(self) -> None:
        path = self.server.store / self.path.lstrip("/")
        if self.server.fault is not None and self.server.fault(self, path):
            return
        if not path.is_file():
            self.answer(404, b"")
            return
        self.answer(200, path.read_bytes())

    def do_PUT(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.refuses:
            self.answer(403, b"")
            return
        path = self.server.store / self.path.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{threading.get_ident()}")
        part.write_bytes(content)
        part.replace(path)
        self.answer(201, b"")

    def answer(self, status: int, content: bytes) -> None:
        self.server.requests.append(f"{self.command} {status}")
        self.server.credentials.append(self.headers.get("Authorization"))
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class StandIn(ThreadingHTTPServer):
    """A server in this process; needs nothing installed."""

    daemon_threads = True

    def __init__(self, store: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.store = store
        self.requests: list[str] = []
        self.credentials: list[str | None] = []
        self.fault: Callable[[Handler, Path], bool] | None = None
        self.refuses = False

    @property
    def shelf(self) -> Shelf:
        return Shelf(f"http://127.0.0.1:{self.server_address[1]}", self.store, lambda: self.requests)

    def handle_error(self, *_: object) -> None:
        """A client that hangs up is what some tests are about."""


@contextmanager
def stand_in(directory: Path) -> Iterator[StandIn]:
    with StandIn(directory / "store") as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
