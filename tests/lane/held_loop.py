"""An event loop whose time is held, and connections without sockets.

Time stands still while anything is to be done, and jumps to the next timer when nothing is: a wait
of a minute costs nothing, and all that is measured comes out the same each time. What goes to a
thread is done at once. `sleep` for a moment of such a loop returns when all has come to rest.
"""

import asyncio
import selectors
import socket
from collections import deque
from collections.abc import Callable
from typing import Any

START_S = 1_000.0
HIGH_WATER_BYTES = 65_536  # as asyncio has it
_STUCK_S = 5  # real seconds without a timer, after which nothing is expected any more
_KERNEL_S = 0.0005  # real seconds that a packet may take from one end of a socket to the other


class _Selector(selectors.DefaultSelector):
    def __init__(self, *, sockets: bool) -> None:
        super().__init__()
        self.at_s = START_S
        self._sockets = sockets

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(0)
        if found or timeout == 0:
            return found
        if timeout is None:
            found = super().select(_STUCK_S)
            assert found, "nothing will ever happen"
            return found
        if self._sockets and (found := super().select(_KERNEL_S)):
            return found
        self.at_s += timeout
        return []


class HeldLoop(asyncio.SelectorEventLoop):
    """Unless there are `sockets`, a server that listens here is reached by `connect` alone."""

    def __init__(self, *, sockets: bool = False) -> None:
        self.sockets = sockets
        self._held = _Selector(sockets=sockets)
        self._accept: Callable[[], asyncio.Protocol] | None = None
        super().__init__(self._held)

    def time(self) -> float:
        return self._held.at_s

    def run_in_executor(  # type: ignore[override]  # there is no executor
        self, executor: object, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except BaseException as error:  # noqa: BLE001 - it is for whoever awaits it
            future.set_exception(error)
        return future

    async def create_server(  # type: ignore[override]  # whatever is asked of one
        self, factory: Any, *args: Any, **options: Any
    ) -> Any:
        if self.sockets:
            return await super().create_server(factory, *args, **options)
        self._accept = factory
        return _Server()

    async def connect(self, port: int) -> "Client":
        """A connection to the server that listens here."""
        client = Client()
        if self.sockets:
            await self.create_connection(lambda: client, "127.0.0.1", port)
        else:
            assert self._accept is not None
            client.connection_made(_Transport(self, self._accept(), client))
            for _ in range(2):  # nothing is read before the proxy is ready for it
                await asyncio.sleep(0)
        return client


class _Server:
    def __init__(self) -> None:
        self.sockets = [self]

    def getsockname(self) -> tuple[str, int]:
        return "127.0.0.1", 8080

    def close(self) -> None:
        """There is nothing that could be closed."""


class Client(asyncio.Protocol):
    """A client's end of a connection, and all that came of it."""

    def __init__(self) -> None:
        self.received = bytearray()
        self.ended = False
        self.transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += data

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended = True

    def send(self, data: bytes) -> None:
        self.transport.send(data) if _is_ours(self.transport) else self.transport.write(data)

    def close(self, *, hard: bool = False) -> None:
        """Leave, or `hard`: with a reset."""
        if _is_ours(self.transport):
            self.transport.leave(hard=hard)
            return
        if hard and (found := self.transport.get_extra_info("socket")) is not None:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.transport.abort() if hard else self.transport.close()

    def reads(self, *, reads: bool) -> None:
        """Whether it takes in what is sent to it."""
        transport = self.transport
        if _is_ours(transport):
            transport.reads(reads)
        elif not transport.is_closing():
            transport.resume_reading() if reads else transport.pause_reading()


def _is_ours(transport: object) -> bool:
    return isinstance(transport, _Transport)


class _Socket:
    family = socket.AF_UNIX

    def setsockopt(self, *_: object) -> None:
        """Nothing to set."""


class _Transport(asyncio.Transport):
    """The proxy's end of a connection: what asyncio's does, without a socket."""

    def __init__(self, loop: HeldLoop, protocol: asyncio.Protocol, client: Client) -> None:
        super().__init__()
        self._loop = loop
        self.protocol = protocol
        self._client = client
        self._coming: deque[bytes | None] = deque()  # None: the client has left
        self._reading = True
        self._closing = False
        self._lost = False
        self._taken = True  # whether the client takes what is sent
        self._kept = bytearray()
        self._full = False
        loop.call_soon(protocol.connection_made, self)

    # What the client does.

    def send(self, data: bytes) -> None:
        self._coming.append(data)
        self._loop.call_soon(self._deliver)

    def leave(self, *, hard: bool) -> None:
        self._client.ended = True
        if hard:
            self._coming.clear()
            self._loop.call_soon(self._lose, ConnectionResetError("Connection reset by peer"))
        else:
            self._coming.append(None)
            self._loop.call_soon(self._deliver)

    def reads(self, reads: bool) -> None:
        self._taken = reads
        if reads and self._kept:
            kept, self._kept = bytes(self._kept), bytearray()
            self._loop.call_soon(self._drained, kept)

    def _drained(self, kept: bytes) -> None:
        self._pass_on(kept)
        if self._full:
            self._full = False
            self.protocol.resume_writing()
        if self._closing and not self._lost:
            self._lose(None)

    def _deliver(self) -> None:
        if self._closing or not self._reading or not self._coming:
            return
        data = self._coming.popleft()
        if data is not None:
            self.protocol.data_received(data)
        elif not self.protocol.eof_received():
            self.close()

    # What the proxy does.

    def write(self, data: Any) -> None:
        if self._lost or (self._closing and not self._kept):
            return
        if self._taken and not self._kept:
            self._pass_on(bytes(data))
            return
        self._kept += data
        if len(self._kept) > HIGH_WATER_BYTES and not self._full:
            self._full = True
            self.protocol.pause_writing()

    def writelines(self, list_of_data: Any) -> None:
        self.write(b"".join(list_of_data))

    def _pass_on(self, data: bytes) -> None:
        if not self._client.ended:
            self._client.data_received(data)

    def close(self) -> None:
        if self._closing:
            return
        self._closing = True
        if not self._kept:
            self._loop.call_soon(self._lose, None)

    def abort(self) -> None:
        self._closing = True
        self._loop.call_soon(self._lose, None)

    def _lose(self, error: Exception | None) -> None:
        if self._lost:
            return
        self._lost = self._closing = True
        self._kept.clear()
        self.protocol.connection_lost(error)
        self._client.connection_lost(None)

    def is_closing(self) -> bool:
        return self._closing

    def is_reading(self) -> bool:
        return self._reading and not self._closing

    def pause_reading(self) -> None:
        self._reading = False

    def resume_reading(self) -> None:
        if not self._reading:
            self._reading = True
            for _ in self._coming:
                self._loop.call_soon(self._deliver)

    def get_write_buffer_size(self) -> int:
        return len(self._kept)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return _Socket() if name == "socket" else default
