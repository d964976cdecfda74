"""How fast runreel is, beside what it is made of: one command, in under ten minutes on two cores.

    python tests/benchmarks/speed.py [--rounds 5] [--seconds 2] [--only replay,recording,…]
        [--json FILE] [--svg FILE]

Server and load are processes pinned to different cores, the upstream shares the load's. In each
round every server is started, warmed and measured in turn, so that whatever else the machine does
hits all of them; every answer is checked. Printed are medians of the rounds, with the least and
the most; CPU is the server's for one request. "Everything on": history, redaction, receipt, the
log into a file, default limits. httptools must be installed; without uvloop its rows are left out,
and that is said. Sections: replay, half (latencies at half load), recording, single (one
connection), start; many streams at once are `streams.py`, the growth of cassettes is `growth.py`.
"""

import argparse
import importlib.util
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from runreel.cassettes.format import Cassette, dump
from runreel.http.messages import Interaction, Request, Response
from runreel.matching.matchers import MATCH_ON
from runreel.redaction.redactor import Redaction
from servers import RUN

_TICKS = os.sysconf("SC_CLK_TCK")
CORE_OF_SERVER, CORE_OF_LOAD = 0, 1
HAS_UVLOOP = importlib.util.find_spec("uvloop") is not None
HAS_HTTPTOOLS = importlib.util.find_spec("httptools") is not None
_SDK = (  # what the Python SDK sends with each call
    ("Accept-Encoding", "gzip, deflate"),
    ("Connection", "keep-alive"),
    ("Accept", "application/json"),
    ("Content-Type", "application/json"),
    ("User-Agent", "OpenAI/Python 3.3.1"),
    ("X-Stainless-Lang", "python"),
    ("X-Stainless-Package-Version", "3.3.1"),
    ("X-Stainless-OS", "Linux"),
    ("X-Stainless-Arch", "x64"),
    ("X-Stainless-Runtime", "CPython"),
    ("X-Stainless-Runtime-Version", "3.11.7"),
    ("Authorization", "Bearer " + "fAkE0" * 8),
    ("X-Stainless-Async", "false"),
    ("x-stainless-retry-count", "0"),
    ("x-stainless-read-timeout", "600"),
    ("OpenAI-Beta", "assistants=v2"),
)
_KEPT = ("accept", "content-type", "user-agent", "openai-beta")
_OF_ANSWER = (
    ("Content-Type", "application/json"),
    ("x-request-id", "req_0123456789abcdef"),
    ("openai-version", "2020-10-01"),
)


@dataclass(frozen=True)
class Call:
    """A change of a run, each with metadata of its own, and its answer of 1.2 KB."""

    target: str
    body: str
    answer: str

    def on_the_wire(self, port: int) -> tuple[str, str]:
        headers = (("Host", f"127.0.0.1:{port}"), *_SDK, ("Content-Length", str(len(self.body))))
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
        return f"POST {self.target} HTTP/1.1\r\n{lines}\r\n{self.body}", self.answer


def calls(count: int, *, same: bool = False) -> list[Call]:
    """So many; with the `same` answer to all, as one upstream gives it."""
    found = []
    for number in range(count):
        thread, run = f"thread_{number:06}", f"run_{number:06}"
        metadata = {"stage": "done", "number": str(number)}
        mine = {} if same else {"id": run, "thread_id": thread, "metadata": metadata}
        body = json.dumps({"metadata": metadata})
        answer = json.dumps({**RUN, **mine})
        found.append(Call(f"/v1/threads/{thread}/runs/{run}", body, answer))
    return found


def write_cassette(folder: Path, recorded: list[Call]) -> None:
    """A cassette as it would have been recorded."""
    headers = tuple(pair for pair in _SDK if pair[0].lower() in _KEPT)
    items = tuple(
        Redaction().interaction(
            Request("POST", call.target),
            Interaction(
                id=f"modifyRun-{number:08x}",
                operation="modifyRun",
                recorded_at=datetime(2026, 11, 27, tzinfo=UTC),
                duration_ms=12,
                request=Request("POST", call.target, headers, call.body.encode()),
                response=Response(200, _OF_ANSWER, call.answer.encode()),
            ),
        )
        for number, call in enumerate(recorded)
    )
    folder.mkdir()
    cassette = Cassette("http://127.0.0.1:1", "openai_v1", MATCH_ON, "0" * 32, items)
    (folder / "default.json").write_text(dump(cassette), encoding="utf-8")


@dataclass(frozen=True)
class Server:
    """What is measured: a name, and the command that starts it and prints its port."""

    name: str
    command: tuple[str, ...]


_RUNREEL = (sys.executable, "-m", "runreel")


def bare(kind: str, argument: str, *, uvloop: bool = False) -> Server:
    """One of those in `bare.py`."""
    more = ("--uvloop",) if uvloop else ()
    name = {"application": "aiohttp application", "proxy": "aiohttp proxy"}.get(kind, kind)
    command = (sys.executable, str(HERE / "bare.py"), kind, argument, *more)
    return Server(name + (" (uvloop)" if uvloop else ""), command)


def runreel(name: str, *arguments: str, **settings: str) -> Server:
    """runreel, everything on; settings by the end of their variables."""
    variables = [f"RUNREEL_{key}={value}" for key, value in settings.items()]
    return Server(f"runreel {name}", ("env", *variables, *_RUNREEL, *arguments, "--port", "0"))


def pinned(core: int) -> Callable[[], None]:
    return lambda: os.sched_setaffinity(0, {core})


@contextmanager
def started(command: tuple[str, ...], folder: Path, core: int) -> Iterator[tuple[int, int]]:
    """Process and port of a server; its log goes into a file, as people have it."""
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=folder,
            text=True,
            preexec_fn=pinned(core),  # noqa: PLW1509 - there are no threads here
        )
        try:
            assert process.stdout is not None
            line = process.stdout.readline().strip()
            if not line:
                raise SystemExit((folder / "log").read_text() or f"{command} did not start")
            yield process.pid, int(line.rsplit(":", 1)[-1].rstrip("/"))
        finally:
            process.terminate()
            process.wait()


def loaded(port: int, asked: list[Call], **plan: Any) -> dict[str, Any]:
    """What came of a load; see `load.py`."""
    wire = [call.on_the_wire(port) for call in asked]
    document = {"host": "127.0.0.1", "port": port, "calls": wire, **plan}
    done = subprocess.run(
        (sys.executable, str(HERE / "load.py")),
        input=json.dumps(document),
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=pinned(CORE_OF_LOAD),
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    found: dict[str, Any] = json.loads(done.stdout)
    if found["wrong"]:
        raise SystemExit(f"{found['wrong']} wrong answers; {done.stderr}")
    return found


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


@dataclass
class Figures:
    """Of one server, a list of each with a value for each round."""

    values: dict[str, list[float]] = field(default_factory=dict)

    def add(self, **found: float) -> None:
        for name, value in found.items():
            self.values.setdefault(name, []).append(value)

    def median(self, name: str) -> float:
        return statistics.median(self.values[name])


def measured(
    servers: list[Server], rounds: int, asked: list[Call], warm: bool, **plan: Any
) -> dict[str, Figures]:
    """All servers in turn, so many times."""
    found = {server.name: Figures() for server in servers}
    for _ in range(rounds):
        for server in servers:
            with (
                tempfile.TemporaryDirectory() as folder,
                started(server.command, Path(folder), CORE_OF_SERVER) as (pid, port),
            ):
                if warm:
                    loaded(port, asked, connections=plan["connections"], seconds=0.5)
                before = cpu_s(pid)
                came = loaded(port, asked, **plan)
                used = cpu_s(pid) - before
            found[server.name].add(
                rate=came["answers"] / came["seconds"],
                cpu_us=1e6 * used / came["answers"],
                p50_ms=came["p50_ms"],
                p99_ms=came["p99_ms"],
            )
    return found


def table(title: str, found: dict[str, Figures], against: str) -> None:
    """As Markdown; ratios are of medians of rates, to the server named."""
    print(f"\n### {title}\n\n| | req/s | least to most | x | CPU µs | p50 ms | p99 ms |")
    print("|---|---|---|---|---|---|---|")
    base = found[against].median("rate")
    for name, figures in found.items():
        rates = figures.values["rate"]
        spread = f"{min(rates):,.0f} to {max(rates):,.0f}"
        print(
            f"| {name} | {statistics.median(rates):,.0f} | {spread} "
            f"| {statistics.median(rates) / base:.2f} | {figures.median('cpu_us'):.1f} "
            f"| {figures.median('p50_ms'):.2f} | {figures.median('p99_ms'):.2f} |",
            flush=True,
        )


def replay(place: Path, rounds: int, seconds: float) -> dict[str, Figures]:
    """200 recordings, 32 connections, again and again."""
    recorded = calls(200)
    write_cassette(place / "c", recorded)
    answers = place / "answers.json"
    rows = [("POST", call.target, call.body, call.answer) for call in recorded]
    answers.write_text(json.dumps(rows), encoding="utf-8")
    options = ("replay", "--cassettes", f"{place}/c", "--repeat", "last")
    servers = [
        bare("application", str(answers)),
        runreel("replay", *options),
        runreel("replay without the lane", *options, LISTEN__FAST_LANE="false"),
    ]
    servers.append(bare("protocol", str(answers)))
    if HAS_UVLOOP:
        servers.append(bare("application", str(answers), uvloop=True))
        servers.append(runreel("replay (uvloop)", *options, LISTEN__UVLOOP="true"))
    if HAS_UVLOOP:
        servers.append(bare("protocol", str(answers), uvloop=True))
    found = measured(servers, rounds, recorded, True, connections=32, seconds=seconds)
    table("Replay, 200 recordings, 32 connections", found, "aiohttp application")
    return found


def half(place: Path, rounds: int, seconds: float) -> dict[str, Figures]:
    """Latencies of replay at half of its rate."""
    recorded = calls(200)
    write_cassette(place / "c", recorded)
    server = runreel("replay", "replay", "--cassettes", f"{place}/c", "--repeat", "last")
    full = measured([server], 1, recorded, True, connections=32, seconds=seconds)
    rate = full[server.name].median("rate") / 2
    plan: dict[str, Any] = {"connections": 32, "seconds": seconds, "rate": rate}
    found = measured([server], rounds, recorded, True, **plan)
    table("Replay at half load", found, server.name)
    return found


@contextmanager
def upstream(place: Path) -> Iterator[str]:
    """One that answers all calls alike, on the load's core."""
    answers = place / "answers.json"
    one = calls(1, same=True)[0]
    answers.write_text(json.dumps([("POST", "/", "", one.answer)]), encoding="utf-8")
    folder = place / "upstream"
    folder.mkdir()
    command = bare("upstream", str(answers)).command
    with started(command, folder, CORE_OF_LOAD) as (_, port):
        yield f"http://127.0.0.1:{port}"


def live(url: str, *, uvloop: bool) -> list[Server]:
    """A bare proxy, and runreel in the modes that go live."""
    end = " (uvloop)" if uvloop else ""
    setting = {"LISTEN__UVLOOP": "true"} if uvloop else {}
    common = ("--upstream", url, "--cassettes", "c")
    return [
        bare("proxy", url, uvloop=uvloop),
        runreel(f"record{end}", "record", *common, "--no-audit", **setting),
        runreel(f"record, audited{end}", "record", *common, **setting),
        runreel(f"passthrough{end}", "passthrough", *common, "--no-audit", **setting),
    ]


def recording(place: Path, rounds: int, seconds: float) -> dict[str, Figures]:
    """New calls all the time, durable before each reply."""
    every: dict[str, Figures] = {}
    with upstream(place) as url:
        for connections in (32, 256):
            for uvloop in (False, True) if HAS_UVLOOP else (False,):
                asked = calls(int(2_500 * seconds), same=True)
                plan = {"connections": connections, "requests": len(asked)}
                servers = live(url, uvloop=uvloop)
                found = measured(servers, rounds, asked, False, **plan)
                title = f"Recording, {connections} connections{' (uvloop)' if uvloop else ''}"
                table(title, found, servers[0].name)
                every |= {f"{name}, {connections}": one for name, one in found.items()}
    return every


def single(place: Path, rounds: int, seconds: float) -> dict[str, Figures]:
    """What one client waits more for, beside the disk's own price of a sync."""
    with upstream(place) as url:
        asked = calls(int(200 * seconds), same=True)
        plan = {"connections": 1, "requests": len(asked)}
        servers = live(url, uvloop=False)
        found = measured(servers, rounds, asked, False, **plan)
    table("One connection", found, servers[0].name)
    print(f"\nfdatasync of 4 KB on this disk: median {synced_ms(place):.2f} ms", flush=True)
    return found


def synced_ms(place: Path) -> float:
    took = []
    with (place / "sync").open("wb", buffering=0) as file:
        for _ in range(200):
            file.write(b"x" * 4096)
            before = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append(1_000 * (time.perf_counter() - before))
    return statistics.median(took)


def start(place: Path, rounds: int, seconds: float) -> dict[str, Figures]:
    """Until the first line of a server, which it prints when it can be asked."""
    del seconds
    recorded = calls(200)
    write_cassette(place / "c", recorded)
    answers = place / "answers.json"
    answers.write_text("[]", encoding="utf-8")
    servers = [
        bare("application", str(answers)),
        runreel("replay", "replay", "--cassettes", f"{place}/c"),
    ]
    found = {server.name: Figures() for server in servers}
    for _ in range(2 * rounds):
        for server in servers:
            before = time.perf_counter()
            with (
                tempfile.TemporaryDirectory() as folder,
                started(server.command, Path(folder), CORE_OF_SERVER),
            ):
                found[server.name].add(ready_ms=1_000 * (time.perf_counter() - before))
    base = found[servers[0].name].median("ready_ms")
    print("\n### Ready\n\n| | ms | x |\n|---|---|---|")
    for name, figures in found.items():
        ready = figures.median("ready_ms")
        print(f"| {name} | {ready:.0f} | {ready / base:.2f} |", flush=True)
    return found


SECTIONS: dict[str, Callable[[Path, int, float], dict[str, Figures]]] = {
    "replay": replay,
    "half": half,
    "recording": recording,
    "single": single,
    "start": start,
}


def picture(found: dict[str, Figures]) -> str:
    """The rates as bars, in SVG."""
    rows = [(name, figures.median("rate")) for name, figures in found.items()]
    most = max(rate for _, rate in rows)
    lines = []
    for number, (name, rate) in enumerate(rows):
        at, width = 28 * number, round(420 * rate / most)
        fill = "#2563eb" if name.startswith("runreel") else "#94a3b8"
        lines.append(f'<text x="196" y="{at + 18}" text-anchor="end">{name}</text>')
        lines.append(f'<rect x="204" y="{at + 4}" width="{width}" height="20" fill="{fill}"/>')
        lines.append(f'<text x="{210 + width}" y="{at + 18}">{rate:,.0f}</text>')
    height = 28 * len(rows) + 8
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 700 {height}"'
    style = ' font-family="sans-serif" font-size="12" fill="currentColor">'
    return head + style + "\n" + "\n".join(lines) + "\n</svg>\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--only", default=",".join(SECTIONS))
    parser.add_argument("--json", type=Path)
    parser.add_argument("--svg", type=Path)
    given = parser.parse_args()
    if shutil.which("env") is None or (os.cpu_count() or 1) <= CORE_OF_LOAD:
        raise SystemExit("two cores and the command env are needed")
    if not HAS_HTTPTOOLS:
        raise SystemExit("httptools is needed; install it with pip install httptools")
    if not HAS_UVLOOP:
        print("uvloop is not installed: its rows are left out")
    every = {}
    for name in given.only.split(","):
        with tempfile.TemporaryDirectory() as folder:
            every[name] = SECTIONS[name](Path(folder), given.rounds, given.seconds)
    if given.json is not None:
        values = {
            section: {server: figures.values for server, figures in found.items()}
            for section, found in every.items()
        }
        given.json.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
    if given.svg is not None and "replay" in every:
        given.svg.write_text(picture(every["replay"]), encoding="utf-8")


if __name__ == "__main__":
    main()
