"""A page of another origin in headless Chromium: what a browser really sends, and may read."""

import asyncio
import json
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from builders import TARGET
from servers import Proxy, RawUpstream, http

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed; .ci/run does that"),
    pytest.mark.timeout(120),
]
OWN_KEY = "own-" + "fAkE0" * 6
ADDED = {"Authorization": f"Bearer {OWN_KEY}"}

# What a page tries, one after the other; it writes down what it could read.
SCRIPT = """
const url = URL_OF_PROXY;
const tries = {
  text: {method: "POST", body: "{}", headers: {"Content-Type": "text/plain"}},
  blind: {method: "POST", body: "{}", mode: "no-cors"},
  json: {method: "POST", body: "{}", headers: {
    "Content-Type": "application/json", "Authorization": "Bearer of-the-page"}},
  read: {method: "GET"},
};
(async () => {
  const found = {};
  for (const [name, options] of Object.entries(tries)) {
    try {
      const reply = await fetch(url, options);
      found[name] = reply.type === "opaque" ? "opaque" : reply.status + " " + await reply.text();
    } catch (error) { found[name] = "refused"; }
  }
  await new Promise(done => {
    const frame = document.createElement("iframe");
    frame.name = "frame"; document.body.append(frame);
    const form = document.createElement("form");
    form.method = "POST"; form.action = url; form.target = "frame";
    document.body.append(form);
    frame.onload = done;
    setTimeout(() => form.submit(), 10);
    setTimeout(done, 5000);
  });
  document.title = "done";
  document.body.textContent = JSON.stringify(found);
})();
"""


def _page(proxy_url: str) -> bytes:
    script = SCRIPT.replace("URL_OF_PROXY", json.dumps(proxy_url + TARGET))
    return f"<!doctype html><body><script>{script}</script></body>".encode()


@asynccontextmanager
async def _served(page: bytes) -> AsyncIterator[str]:
    async with RawUpstream() as site:
        site.answer = lambda _: http(200, [("Content-Type", "text/html")], page)
        yield site.url


async def _said_by(page_url: str, profile: Path) -> dict[str, str]:
    """What the page has written down at its end."""
    browser = await asyncio.create_subprocess_exec(
        str(CHROMIUM),
        *("--headless=new", "--no-sandbox", "--disable-gpu", "--dump-dom"),
        *(f"--user-data-dir={profile}", "--virtual-time-budget=20000", page_url),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    out, _ = await browser.communicate()
    found = re.search(r"<body>(\{.*\})</body>", out.decode())
    assert found, out.decode()
    said: dict[str, str] = json.loads(found[1])
    return said


async def test_a_page_of_another_origin_is_refused_whatever_it_sends(
    proxy: Proxy, upstream: RawUpstream, tmp_path: Path
) -> None:
    async with (
        proxy(mode="record", upstream=upstream.url, upstream_options__headers=ADDED) as running,
        _served(_page(running.url)) as page,
    ):
        said = await _said_by(page, tmp_path / "profile")

    assert said == {"text": "refused", "blind": "opaque", "json": "refused", "read": "refused"}
    assert upstream.received == []
    assert not (tmp_path / "default.json").exists()


async def test_a_page_that_is_named_calls_with_a_preflight_and_reads_the_answer(
    proxy: Proxy, upstream: RawUpstream, tmp_path: Path
) -> None:
    upstream.answer = lambda _: http(200, [("Access-Control-Allow-Origin", "https://a.b")], b"hi")
    async with (
        RawUpstream() as site,
        proxy(mode="record", upstream=upstream.url, listen__cors_origins=[site.url]) as running,
    ):
        page = _page(running.url)
        site.answer = lambda _: http(200, [("Content-Type", "text/html")], page)
        said = await _said_by(site.url, tmp_path / "profile")

    assert said == {"text": "200 hi", "blind": "opaque", "json": "200 hi", "read": "200 hi"}
    assert "OPTIONS" not in {received.method for received in upstream.received}
    assert len(upstream.received) == 5  # with the form
