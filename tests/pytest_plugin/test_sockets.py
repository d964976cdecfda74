import socket
from collections.abc import Iterator
from contextlib import closing

import pytest

from runreel.pytest_plugin.sockets import Guard, SocketBlocked, is_loopback


@pytest.fixture
def guard() -> Iterator[Guard]:
    made = Guard()
    made.install()
    yield made
    made.remove()


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "localhost", "LOCALHOST", "::1%lo"],
)
def test_this_machine_is_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    ["10.0.0.1", "192.0.2.1", "::", "fe80::1%lo", "::ffff:10.0.0.1", "example.org", "127.1", ""],
)
def test_all_else_is_not(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.usefixtures("guard")
@pytest.mark.parametrize("call", ["connect", "connect_ex"])
@pytest.mark.parametrize(
    ("family", "address"),
    [
        (socket.AF_INET, ("192.0.2.1", 80)),
        (socket.AF_INET, ("example.org", 80)),
        (socket.AF_INET6, ("2001:db8::1", 80, 0, 0)),
    ],
)
def test_no_connection_leaves_this_machine(
    call: str, family: socket.AddressFamily, address: tuple[object, ...]
) -> None:
    with socket.socket(family) as sock, pytest.raises(SocketBlocked, match="--runreel-block-sock"):
        getattr(sock, call)(address)


@pytest.mark.usefixtures("guard")
def test_no_datagram_leaves_this_machine() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        address = ("192.0.2.1", 53)
        with pytest.raises(SocketBlocked, match=r"reach 192\.0\.2\.1 port 53"):
            sock.sendto(b"x", address)
        with pytest.raises(SocketBlocked):
            sock.sendto(b"x", 0, address)
        with pytest.raises(SocketBlocked):
            sock.sendmsg([b"x"], [], 0, address)


@pytest.mark.usefixtures("guard")
@pytest.mark.parametrize("look_up", ["getaddrinfo", "gethostbyname", "gethostbyname_ex"])
@pytest.mark.parametrize("host", ["example.org", b"example.org"])
def test_no_name_is_asked_for(look_up: str, host: str | bytes) -> None:
    arguments = (host, 80) if look_up == "getaddrinfo" else (host,)

    with pytest.raises(SocketBlocked, match=r"look up example\.org"):
        getattr(socket, look_up)(*arguments)


@pytest.mark.usefixtures("guard")
def test_loopback_and_unix_sockets_work() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with closing(socket.create_connection(("localhost", port))) as client:
            client.sendmsg([b"x"])
    one, other = socket.socketpair(socket.AF_UNIX)
    with one, other:
        assert one.send(b"x") == 1
    assert socket.getaddrinfo(None, 80)


def test_a_host_that_was_allowed_is_reached_under_the_addresses_of_its_name(
    guard: Guard, monkeypatch: pytest.MonkeyPatch
) -> None:
    guard.remove()
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.7", 80))]
    reached = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: found)
    monkeypatch.setattr(socket.socket, "connect", lambda _, address: reached.append(address))
    guard.install()
    guard.allow("Upstream.example")

    socket.getaddrinfo("upstream.example", 80)
    with socket.socket() as sock:
        sock.connect(("192.0.2.7", 80))
        with pytest.raises(SocketBlocked):
            sock.connect(("192.0.2.8", 80))
    guard.remove()

    assert reached == [("192.0.2.7", 80)]


def test_all_is_as_it_was_before_when_it_ends() -> None:
    before = (socket.getaddrinfo, socket.socket.connect, socket.socket.sendto)
    guard = Guard()
    guard.install()

    guard.remove()

    assert (socket.getaddrinfo, socket.socket.connect, socket.socket.sendto) == before
    assert "sendto" not in vars(socket.socket)
