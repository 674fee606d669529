"""Fetching is tested against a server of our own on this machine, and against nothing else."""

import socket

import pytest
from tests.sources.server import FaultyServer

HERE = {"127.0.0.1", "localhost", "::1", None}


@pytest.fixture(autouse=True)
def only_this_machine(monkeypatch):
    """A test that asks any other server fails; proxies of the environment are not used."""
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    real = socket.getaddrinfo

    def resolve(host, *args, **kwargs):
        name = host.decode() if isinstance(host, bytes) else host
        if name not in HERE and not str(name).endswith(".invalid"):
            raise AssertionError(f"a test asked {name}")
        return real(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


@pytest.fixture
def server():
    with FaultyServer() as running:
        yield running
    assert not running.errors
