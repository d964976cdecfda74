"""Small programs for the tests that wrap one: `runreel MODE -- python -c PROGRAM`.

A program may call `modify(stage)` for the run of the shipped cassette, in which only the stage
`recorded` is recorded, `answer(path)` for anything else, and must say what its exit code is.
"""

import sys
from pathlib import Path

CASSETTES = Path(__file__).parents[1] / "cassettes"
EXAMPLE = "examples/modify-run"  # among them

_CALLS = """
import json, os, signal, subprocess, sys, urllib.error, urllib.request

def answer(path, body=None, base=os.environ.get("OPENAI_BASE_URL")):
    headers = {"Content-Type": "application/json", "OpenAI-Beta": "assistants=v2"}
    data = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(base + path, data, headers)) as reply:
            return reply.status, reply.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()

def modify(stage, base=os.environ.get("OPENAI_BASE_URL")):
    sent = {"user_id": "user_abc123"} if stage == "recorded" else {"stage": stage}
    path = "/threads/thread_abc123/runs/run_abc123"
    return answer(path, {"metadata": sent}, base)[0]
"""


def program(text: str) -> tuple[str, ...]:
    """The command for a program that has the calls above."""
    return sys.executable, "-c", _CALLS + text
