"""A page of another origin in a real browser: refused, and allowed by `listen.cors_origins`."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from servers import Proxy, RawUpstream

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
TARGET = "/v1/threads/thread_abc123/runs/run_abc123"
WAIT_S = 60
pytestmark = [
    pytest.mark.skipif(BROWSER is None, reason="there is no Chromium; .ci/run installs it"),
    pytest.mark.timeout(180),
]

# What the page's script was told of each way in which a page can make a call.
_PAGE = """<!doctype html><pre id="told">nothing yet</pre><script>
const url = "%(url)s", body = JSON.stringify({metadata: {stage: "a"}});
const ways = {
  json: {method: "POST", body, headers: {"Content-Type": "application/json"}},
  text: {method: "POST", body, headers: {"Content-Type": "text/plain"}},
  opaque: {method: "POST", body, mode: "no-cors"},
  read: {method: "GET"},
};
async function call(options) {
  try {
    const answer = await fetch(url, options);
    return answer.type === "opaque" ? "opaque" : answer.status;
  } catch (error) { return "refused"; }
}
(async () => {
  const told = {};
  for (const [way, options] of Object.entries(ways)) told[way] = await call(options);
  document.getElementById("told").textContent = JSON.stringify(told);
})();
</script>"""


@dataclass
class Page:
    """A page at an `origin` that is no loopback host's, whose script calls a URL."""

    origin: str
    url: str = ""


@asynccontextmanager
async def page() -> AsyncIterator[Page]:
    """A page for as long as the context lasts."""
    found = Page("")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        content = (_PAGE % {"url": found.url}).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(content)}"
        writer.write(f"{head}\r\nConnection: close\r\n\r\n".encode() + content)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        found.origin = f"http://evil.example:{server.sockets[0].getsockname()[1]}"
        yield found


async def visit(origin: str, profile: Path) -> dict[str, str | int]:
    """What the page's script was told, in a browser that finds evil.example here."""
    assert BROWSER is not None
    browser = await asyncio.create_subprocess_exec(
        BROWSER,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        f"--user-data-dir={profile}",
        "--host-resolver-rules=MAP evil.example 127.0.0.1",
        "--virtual-time-budget=20000",
        "--dump-dom",
        f"{origin}/page.html",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    async with asyncio.timeout(WAIT_S):
        out, _ = await browser.communicate()
    told = out.decode().partition('<pre id="told">')[2].partition("</pre>")[0]
    found: dict[str, str | int] = json.loads(told)
    return found


async def test_a_page_of_another_origin_makes_no_call(
    proxy: Proxy, upstream: RawUpstream, tmp_path: Path
) -> None:
    key = {"Authorization": "Bearer " + "not-a-real-key-" * 2}
    settings = {"mode": "record", "upstream": upstream.url, "upstream_options__headers": key}
    async with page() as evil, proxy(**settings) as running:
        evil.url = running.url + TARGET
        told = await visit(evil.origin, tmp_path / "profile")

    # A browser lets no page see what it was refused; what counts is that nothing went on.
    assert told == {"json": "refused", "text": "refused", "opaque": "opaque", "read": "refused"}
    assert upstream.received == []


async def test_a_page_whose_origin_is_named_makes_its_calls_after_a_preflight_of_ours(
    proxy: Proxy, upstream: RawUpstream, tmp_path: Path
) -> None:
    async with page() as known:
        allowed = {"listen__cors_origins": [known.origin]}
        async with proxy(mode="record", upstream=upstream.url, **allowed) as running:
            known.url = running.url + TARGET
            told = await visit(known.origin, tmp_path / "profile")

    assert told == {"json": 200, "text": 200, "opaque": "opaque", "read": 200}
    assert {received.method for received in upstream.received} == {"POST", "GET"}
    assert len(upstream.received) == 4
