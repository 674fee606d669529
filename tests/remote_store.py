"""Object stores and web servers on this machine, for tests of files behind URLs."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import boto3
import fsspec
import pytest
from moto.server import ThreadedMotoServer
from s3fs import S3FileSystem

from recarb.core import provenance
from recarb.io import opened, remote

BUCKET = "country"
REGION = "us-east-1"


@dataclass
class Store:
    """A mock S3 with one bucket."""

    endpoint: str

    def client(self):
        return boto3.client("s3", endpoint_url=self.endpoint, region_name=REGION)

    def put(self, key: str, content: bytes) -> str:
        self.client().put_object(Bucket=BUCKET, Key=key, Body=content)
        return f"s3://{BUCKET}/{key}"

    def put_folder(self, folder: Path, prefix: str) -> None:
        for path in folder.rglob("*"):
            if path.is_file():
                self.put(f"{prefix}/{path.relative_to(folder).as_posix()}", path.read_bytes())


def forget() -> None:
    """Drop what a process keeps of remote files."""
    opened.close_all()
    remote._block.cache_clear()
    provenance._remote_facts.clear()
    S3FileSystem.clear_instance_cache()
    fsspec.filesystem("memory").store.clear()


@pytest.fixture
def environment(monkeypatch, tmp_path) -> Iterator[pytest.MonkeyPatch]:
    """AWS settings of these tests alone: one try, no files of the user, no metadata service."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "geheim-secret",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": str(tmp_path / "no_config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "no_credentials"),
    }.items():
        monkeypatch.setenv(name, value)
    forget()
    yield monkeypatch
    forget()


@pytest.fixture
def s3(environment) -> Iterator[Store]:
    """A mock S3 that the environment points to."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    store = Store(f"http://{host}:{port}")
    environment.setenv("AWS_ENDPOINT_URL", store.endpoint)
    store.client().create_bucket(Bucket=BUCKET)
    try:
        yield store
    finally:
        server.stop()


@dataclass
class Web:
    """A web server of files in memory that counts bytes and may fail."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    sent: list[tuple[str, int]] = field(default_factory=list)
    fail_after: int | None = None  # requests with content that still succeed
    ranges: bool = True

    def put(self, name: str, content: bytes) -> str:
        self.files[f"/{name}"] = content
        return f"{self.url}/{name}"

    def bytes_of(self, name: str) -> int:
        return sum(size for path, size in self.sent if path == f"/{name}")


class _Handler(BaseHTTPRequestHandler):
    web: Web

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, with_body: bool) -> None:
        web, content = self.web, self.web.files.get(self.path)
        if content is None:
            self._head(404, 0)
            return
        if with_body and web.fail_after is not None and len(web.sent) >= web.fail_after:
            self._head(500, 0)
            return
        part = self.headers.get("Range") if web.ranges else None
        if part:
            first, last = part.removeprefix("bytes=").split("-")
            body = content[int(first) : int(last) + 1]
            self._head(206, len(body), f"bytes {first}-{last}/{len(content)}")
        else:
            body = content
            self._head(200, len(body))
        if with_body:
            web.sent.append((self.path, len(body)))
            self.wfile.write(body)

    def _head(self, status: int, length: int, part: str | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        if self.web.ranges:
            self.send_header("Accept-Ranges", "bytes")
        if part:
            self.send_header("Content-Range", part)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Be quiet."""


@pytest.fixture
def web() -> Iterator[Web]:
    """A web server on this machine."""
    forget()
    found = Web()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"web": found}))
    found.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        forget()
