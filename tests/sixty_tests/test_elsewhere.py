"""Calls that are not made by the SDK in the test's own thread."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import openai
import pytest
import requests

pytestmark = pytest.mark.runreel

SCRIPT = """
import sys, openai
with openai.OpenAI(max_retries=0) as client:
    print(client.beta.threads.create(metadata={"by": sys.argv[1]}).metadata["by"])
"""


@pytest.mark.parametrize("who", ["cron", "shell"])
def test_a_command_of_the_application(who: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, who], capture_output=True, text=True, check=False
    )

    assert done.stdout.strip() == who, done.stderr[-300:]


def test_threads_of_a_pool(client: openai.OpenAI) -> None:
    with ThreadPoolExecutor(3) as pool:
        made = pool.map(lambda n: client.beta.threads.create(metadata={"n": str(n)}), range(3))

        assert [each.metadata for each in made] == [{"n": str(n)} for n in range(3)]


def test_another_client() -> None:
    url, headers = os.environ["OPENAI_BASE_URL"] + "/threads", {"OpenAI-Beta": "assistants=v2"}
    answer = requests.post(url, json={}, headers=headers, timeout=30)

    assert answer.json()["object"] == "thread"
