"""Recordings of others, read in place by a small reader of its own, and the operation of each call.

Of Azure's test proxy a body is JSON inline, a text, a list of lines, or null; of VCR's and vcrpy's
it is a text, perhaps in gzip.
"""

import gzip
import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import yaml

from documents import DATA

OLDER = "test_update_run.json"  # of Azure, on its older path
OPENAI_S = ("BasicRunOperationsWork.json", "StreamingRunWorksAsync.json")

_PLACES = (  # end of a path -> the operations of GET and POST
    (r"/assistants", (None, "createAssistant")),
    (r"/assistants/[^/]+", ("getAssistant", "modifyAssistant")),
    (r"/threads", (None, "createThread")),
    (r"/threads/[^/]+/messages", ("listMessages", "createMessage")),
    (r"/threads/[^/]+/runs", ("listRuns", "createRun")),
    (r"/threads/[^/]+/runs/[^/]+", ("getRun", "modifyRun")),
)


@dataclass(frozen=True)
class Entry:
    """One call and its answer."""

    method: str
    path: str
    operation: str | None
    sent: bytes
    status: int
    headers: dict[str, str]
    body: bytes
    document: Any


def entries(name: str) -> list[Entry]:
    """The calls of a recording, in order."""
    text = (DATA / "azure" / name).read_text(encoding="utf-8-sig")
    return [_entry(item) for item in json.loads(text)["Entries"]]


def _entry(item: dict[str, Any]) -> Entry:
    path, method = urlsplit(item["RequestUri"]).path, item["RequestMethod"]
    return Entry(
        method,
        path,
        _operation(method, path),
        _bytes(item["RequestBody"]),
        item["StatusCode"],
        item["ResponseHeaders"],
        _bytes(item["ResponseBody"]),
        item["ResponseBody"],
    )


def vcr_entries() -> dict[str, list[Entry]]:
    """The calls of all recordings of VCR and vcrpy, by file."""
    found = {}
    for path in sorted((DATA / "vcr").iterdir()):
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        items = document.get("http_interactions") or document["interactions"]
        found[path.name] = [_vcr_entry(item) for item in items]
    return found


def _vcr_entry(item: dict[str, Any]) -> Entry:
    request, response = item["request"], item["response"]
    path, method = urlsplit(request["uri"]).path, request["method"].upper()
    sent, body = request["body"], response["body"]["string"]
    sent = (sent or {}).get("string") if not isinstance(sent, str) else sent
    if isinstance(body, bytes) and body.startswith(b"\x1f\x8b"):
        body = gzip.decompress(body)
    headers = {name.lower(): values[0] for name, values in request["headers"].items()}
    return Entry(
        method,
        path,
        _operation(method, path),
        (sent or "").encode(),
        response["status"]["code"],
        headers,
        body if isinstance(body, bytes) else body.encode(),
        None,
    )


def _operation(method: str, path: str) -> str | None:
    for end, names in _PLACES:
        if re.search(f"{end}$", path) and method in ("GET", "POST"):
            return names[method == "POST"]
    return None


def _bytes(body: Any) -> bytes:
    if body is None:
        return b""
    if isinstance(body, list):
        body = "".join(body)
    return (body if isinstance(body, str) else json.dumps(body, indent=2)).encode()
