"""Sends requests over some connections and checks each answer; a process of its own.

    python tests/benchmarks/load.py < PLAN.json

The plan: `host`, `port`, `connections`, `seconds` (or `requests`, how many in all), and `calls`,
pairs of the bytes of a request and the body of its answer, both in latin-1, sent in turn. With
`rate` so many requests a second are sent in all, and a latency counts from when its request was
due; else each connection sends its next request when its answer is there. Prints JSON: `answers`,
`wrong`, `seconds`, and of the latencies `p50_ms`, `p99_ms` and `max_ms`.

The loop does as little as can be done in Python, so that the server is what is measured: one core
makes some 60,000 requests a second.
"""

import json
import select
import socket
import sys
import time
from collections import deque
from typing import Any

_READ_BYTES = 262_144


class _Connection:
    __slots__ = ("body", "came", "due", "sent", "sock", "wants")

    def __init__(self, host: str, port: int) -> None:
        self.sock = socket.create_connection((host, port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.came = b""
        self.wants: bytes = b""
        self.sent = 0.0


class _Load:
    """The state of a run."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self.calls = [
            (ask.encode("latin-1"), body.encode("latin-1")) for ask, body in plan["calls"]
        ]
        self.free = deque(
            _Connection(plan["host"], plan["port"]) for _ in range(plan["connections"])
        )
        self.poll = select.epoll()
        self.by_descriptor = {each.sock.fileno(): each for each in self.free}
        for descriptor in self.by_descriptor:
            self.poll.register(descriptor, select.EPOLLIN)
        self.most = plan.get("requests") or sys.maxsize
        self.rate = plan.get("rate")
        self.began = time.perf_counter()
        self.ends = self.began + (plan.get("seconds") or 1e9)
        self.latencies: list[float] = []
        self.sent = self.wrong = 0

    def send(self, now: float) -> None:
        """What can be sent now."""
        calls, rate, free = self.calls, self.rate, self.free
        while free and self.sent < self.most:
            due = now if rate is None else self.began + self.sent / rate
            if due > now:
                break
            one = free.popleft()
            ask, one.wants = calls[self.sent % len(calls)]
            one.sent = due
            one.sock.send(ask)
            self.sent += 1

    def receive(self) -> None:
        """What has come by now, or soon will."""
        # With a rate it never sleeps, for a timer of the kernel wakes a millisecond too late.
        for descriptor, _ in self.poll.poll(5 if self.rate is None else 0):
            one = self.by_descriptor[descriptor]
            data = one.came + one.sock.recv(_READ_BYTES)
            if len(data) == len(one.came):
                raise SystemExit("the server closed a connection")
            head = data.find(b"\r\n\r\n") + 4
            if head < 4 or len(data) - head < len(one.wants):
                one.came = data
                continue
            one.came = b""
            self.latencies.append(time.perf_counter() - one.sent)
            if data[9:12] != b"200" or data[head:] != one.wants:
                self.wrong += 1
            self.free.append(one)


def run(plan: dict[str, Any]) -> dict[str, Any]:
    """What came of a plan."""
    load = _Load(plan)
    connections = len(load.free)
    while True:
        now = time.perf_counter()
        if now < load.ends and load.sent < load.most:
            load.send(now)
        elif len(load.free) == connections:
            break
        load.receive()
    found = sorted(load.latencies)
    return {
        "answers": len(found),
        "wrong": load.wrong,
        "seconds": now - load.began,
        "p50_ms": 1_000 * found[len(found) // 2],
        "p99_ms": 1_000 * found[len(found) * 99 // 100],
        "max_ms": 1_000 * found[-1],
    }


if __name__ == "__main__":
    json.dump(run(json.load(sys.stdin)), sys.stdout)
