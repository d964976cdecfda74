"""What grows with a cassette: load, memory, save and a miss, at several numbers of recordings.

    python tests/benchmarks/growth.py [--recordings 200 5000 20000 100000] [--json]

Each figure comes from a process of its own. `record` captures through a session and a durable
journal, as the proxy does but without its HTTP, and saves; `load` opens that cassette for replay;
`miss` asks a running proxy for what was never recorded while another client replays, and tells
how long both waited. A recording is an update of a run or a reading of it, some 2 KB in the file.
RSS is what the kernel says, in MB; a peak is the highest one, above that of an idle process.
"""

import argparse
import asyncio
import gc
import json
import resource
import socket
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import runreel.server.app  # noqa: F401 - what an idle proxy holds is no cost of a cassette
from runreel.cassettes.file_store import FileStore
from runreel.http.messages import Interaction, Request, Response
from runreel.redaction.redactor import Redacted, Redaction
from runreel.sessions.manager import SessionSpec, open_session

RECORDINGS = (200, 5_000, 20_000, 100_000)
_CLIENTS = 32  # at work at the same time; what they record becomes durable together
_MISSES = 5
_UPSTREAM = "https://api.example"
_MB = 1024.0


def run_of(number: int) -> int:
    return number // (2 * _CLIENTS) * _CLIENTS + number % _CLIENTS


def request_of(number: int) -> tuple[str, str, bytes]:
    """Method, target and body of one of the calls: each of some clients at work at the same time
    updates a run of its own, then each reads it.
    """
    run = run_of(number)
    target = f"/v1/threads/thread_{run // 10:012}/runs/run_{run:012}"
    if number // _CLIENTS % 2:
        return "GET", target, b""
    return "POST", target, b'{"metadata": {"stage": "review", "ticket": "T-%d"}}' % run


def answer_of(number: int) -> bytes:
    """The answer: a run of some 1.2 KB, as the API sends them."""
    run = run_of(number)
    return json.dumps(
        {
            "id": f"run_{run:012}",
            "object": "thread.run",
            "created_at": 1_774_951_000 + run,
            "assistant_id": "asst_0123456789abcdef01234567",
            "thread_id": f"thread_{run // 10:012}",
            "status": "completed",
            "started_at": 1_774_951_001 + run,
            "expires_at": None,
            "cancelled_at": None,
            "failed_at": None,
            "completed_at": 1_774_951_009 + run,
            "last_error": None,
            "model": "gpt-4o",
            "instructions": "You answer questions about orders, politely and in two sentences. "
            * 4,
            "tools": [{"type": "code_interpreter"}, {"type": "file_search"}],
            "metadata": {"stage": "review", "ticket": f"T-{run}"},
            "usage": {"prompt_tokens": 123, "completion_tokens": 456, "total_tokens": 579},
            "temperature": 1.0,
            "top_p": 1.0,
            "max_prompt_tokens": 1000,
            "max_completion_tokens": 1000,
            "truncation_strategy": {"type": "auto", "last_messages": None},
            "incomplete_details": None,
            "response_format": "auto",
            "tool_choice": "auto",
            "parallel_tool_calls": True,
        },
        indent=2,
    ).encode()


_SENT = (("Content-Type", "application/json"), ("OpenAI-Beta", "assistants=v2"))
_CAME = (
    ("Content-Type", "application/json"),
    ("openai-version", "2020-10-01"),
    ("openai-processing-ms", "87"),
)


def rss_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * resource.getpagesize() / _MB / _MB


def peak_mb() -> float:
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / _MB
    raise AssertionError


def _forget_the_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5", "ascii")


def _session(folder: str, mode: str) -> Any:

    spec = SessionSpec(
        id="default",
        cassette="grown",
        mode=mode,
        upstream=_UPSTREAM,
        profile="openai",
        redaction=Redaction(),
        salt="5f0c" * 8,
    )
    return open_session(spec, FileStore(Path(folder)), lambda _event: None)


def record(folder: str, count: int) -> dict[str, float]:
    """Capture so many and save them."""

    session = _session(folder, "record")
    state, journal = session.state, session._journal
    at = datetime(2026, 3, 31, 10, 15, 2, tzinfo=UTC)
    before = rss_mb()
    # One process records all: its own peak is what counts, not that of what came before.
    _forget_the_peak()
    started = time.perf_counter()
    for first in range(0, count, _CLIENTS):
        asked = []
        for number in range(first, min(first + _CLIENTS, count)):
            method, target, body = request_of(number)
            request = Request(method, target, _SENT if body else _SENT[1:], body)
            verdict = state.ask(state.arrive(), Redacted(request))
            kind = "modifyRun" if body else "getRun"
            response = Response(200, _CAME, answer_of(number))
            kept = Interaction(f"{kind}-{number:08x}", kind, at, 212, request, response)
            asked.append((verdict, Redacted(kept)))
        captures = [state.keep(verdict, kept) for verdict, kept in asked]
        elsewhere = journal.append(captures)
        if elsewhere is not None:
            state.let_go(captures, elsewhere)
        for verdict, _ in asked:
            state.ended(verdict.arrival)
    recorded = time.perf_counter() - started
    gc.collect()
    held = rss_mb()
    highest = peak_mb()
    _forget_the_peak()
    started, cpu = time.perf_counter(), time.process_time()
    asyncio.run(session.close())
    saved, spent = time.perf_counter() - started, time.process_time() - cpu
    return {
        "record_s": recorded,
        "recording_grew_mb": held - before,
        "recording_peak_mb": highest - before,
        "save_s": saved,
        "save_cpu_s": spent,
        "save_peak_mb": peak_mb() - before,
        "save_peak_to_held": (peak_mb() - before) / max(held - before, 1e-9),
    }


def load(folder: str, count: int) -> dict[str, float]:
    """Open the cassette for replay."""

    before = rss_mb()
    _forget_the_peak()
    began, cpu = time.perf_counter(), time.process_time()
    session = _session(folder, "replay")
    elapsed, spent = time.perf_counter() - began, time.process_time() - cpu
    highest = peak_mb()
    stays = rss_mb()
    assert session.interactions == count
    return {
        "file_kb_each": (Path(folder) / "grown.json").stat().st_size / count / _MB,
        "load_s": elapsed,
        "load_cpu_s": spent,
        "load_us_each": 1e6 * spent / count,
        "stays_mb": stays - before,
        "kb_each": (stays - before) * _MB / count,
        "load_peak_mb": highest - before,
        "load_peak_to_stays": (highest - before) / (stays - before),
    }


class _Client:
    """One kept connection, as raw as can be."""

    def __init__(self, port: int) -> None:
        self._sock = socket.create_connection(("127.0.0.1", port))

    def send(self, method: str, target: str, body: bytes) -> tuple[int, float]:
        """The status of an answer, and how long it took in ms."""
        head = f"{method} {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nOpenAI-Beta: assistants=v2\r\n"
        if body:
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        started = time.perf_counter()
        self._sock.sendall(head.encode() + b"\r\n" + body)
        came = b""
        while b"\r\n\r\n" not in came:
            came += self._sock.recv(65_536)
        lines, _, rest = came.partition(b"\r\n\r\n")
        length = next(
            int(line.partition(b":")[2])
            for line in lines.split(b"\r\n")
            if line.lower().startswith(b"content-length:")
        )
        while len(rest) < length:
            rest += self._sock.recv(65_536)
        return int(lines.split()[1]), 1e3 * (time.perf_counter() - started)


class _Beside:
    """A client that replays what was recorded, in order, until it is told to end."""

    def __init__(self, port: int, count: int, first: int = 0) -> None:
        self._client = _Client(port)
        self._count = count
        self._first = first
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._replay)
        self.ms: list[float] = []
        self._thread.start()

    def _replay(self) -> None:
        at = self._first
        while not self._done.is_set():
            status, ms = self._client.send(*request_of(at % self._count))
            assert status == 200, status
            self.ms.append(ms)
            at += 1
            time.sleep(0.0005)

    def end(self) -> list[float]:
        self._done.set()
        self._thread.join()
        return sorted(self.ms)


def _miss_all(port: int) -> list[float]:
    client, took = _Client(port), list[float]()
    method, target, _ = request_of(0)
    for number in range(_MISSES):
        asked = [
            (method, target, b'{"metadata": {"stage": "other", "ticket": "T-%d"}}' % number),
            ("GET", target.replace("runs/run", f"runs/unknown{number}"), b""),
            ("GET", f"/v1/threads/{number}/runs/run_unknown", b""),
        ]
        for each in asked:
            status, ms = client.send(*each)
            assert status == 424, status
            took.append(ms)
            time.sleep(0.02)
    return sorted(took)


def miss(folder: str, count: int) -> dict[str, float]:
    """Misses of three kinds, beside a client that replays: an update that says something else, and
    runs of known and unknown threads that no recording knows.
    """
    command = [sys.executable, "-m", "runreel", "replay", "--cassettes", folder]
    command += ["--cassette", "grown", "--port", "0", "--repeat", "last", "--quiet"]
    began = time.perf_counter()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=folder
    ) as server:
        assert server.stdout is not None
        ready = server.stdout.readline()
        started = time.perf_counter() - began
        port = int(ready.rpartition(":")[2])
        # Two at first: what is worked out when several are at work is no part of a miss.
        apart = (0, count // 2 // 64 * 64) if count >= 5_000 else (0,)  # and not in the same runs
        others = [_Beside(port, count, first) for first in apart]
        time.sleep(0.5)
        for other in others:
            other.end()
        alone = _Beside(port, count)
        time.sleep(0.5)
        waits = alone.end()
        beside = _Beside(port, count)
        took = _miss_all(port)
        waits_beside = beside.end()
        server.terminate()
    return {
        "ready_s": started,
        "miss_ms": took[len(took) // 2],
        "miss_ms_max": took[-1],
        "other_ms": waits[len(waits) // 2],
        "other_ms_max_alone": waits[-1],
        "other_ms_max_beside_misses": waits_beside[-1],
    }


_MEASURED = {"record": record, "load": load, "miss": miss}
_COLUMNS = (
    ("recordings", "recordings", "{:,}"),
    ("load s", "load_s", "{:.2f}"),
    ("µs each", "load_us_each", "{:.0f}"),
    ("stays MB", "stays_mb", "{:.0f}"),
    ("KB each", "kb_each", "{:.2f}"),
    ("peak/stays", "load_peak_to_stays", "{:.2f}"),
    ("record s", "record_s", "{:.1f}"),
    ("grew MB", "recording_grew_mb", "{:.0f}"),
    ("save s", "save_s", "{:.2f}"),
    ("save peak MB", "save_peak_mb", "{:.0f}"),
    ("miss ms", "miss_ms", "{:.1f}"),
    ("other max ms", "other_ms_max_beside_misses", "{:.1f}"),
    ("(alone)", "other_ms_max_alone", "{:.1f}"),
)


def _apart(what: str, folder: str, count: int) -> dict[str, float]:
    command = [sys.executable, __file__, "--one", what, folder, str(count)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recordings", type=int, nargs="+", default=RECORDINGS)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--one", nargs=3, metavar=("WHAT", "FOLDER", "COUNT"))
    given = parser.parse_args()
    if given.one:
        what, folder, count = given.one
        json.dump(_MEASURED[what](folder, int(count)), sys.stdout)
        return
    rows = []
    for count in given.recordings:
        with tempfile.TemporaryDirectory() as folder:
            row: dict[str, float] = {"recordings": count}
            for what in _MEASURED:
                row |= _apart(what, folder, count)
        rows.append(row)
        print(f"{count:,} recordings measured", file=sys.stderr, flush=True)
    if given.json:
        json.dump(rows, sys.stdout, indent=2)
        print()
        return
    print(" | ".join(title for title, _, _ in _COLUMNS))
    for row in rows:
        print(" | ".join(shape.format(row[name]) for _, name, shape in _COLUMNS))


if __name__ == "__main__":
    main()
