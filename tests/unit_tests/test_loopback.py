"""Unit tests talk to this machine only; this is what sees to it."""

import socket

import pytest


@pytest.mark.parametrize("way", ["connect", "connect_ex"])
def test_a_unit_test_that_connects_to_the_world_fails(way):
    """By an address that is documentation's own, should the guard be missing."""
    with socket.socket() as asking, pytest.raises(AssertionError, match="only loopback"):
        getattr(asking, way)(("192.0.2.1", 9))


def test_loopback_is_open():
    """By number and by name."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        for host in ("127.0.0.1", "localhost"):
            socket.create_connection((host, port), timeout=5).close()
