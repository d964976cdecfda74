"""Several workers, each of them a thread, that call one run or several with one shared client.

Reads rounds from stdin, one JSON document a line: `{"base_url", "workers": [{"start_ms", "name",
"calls": [{"run", "key"}]}]}`. A call without a `key` retrieves its run of thread T0; one with a key
updates it with that key as metadata. A worker with a `name` sends it as `X-Worker`. Prints a line
for each round: for each worker what its calls came to, `{"sent_ms", "received_ms", "said"}` on one
clock, with `said` null where the call was refused.
"""

import json
import sys
import threading
import time
import warnings
from typing import Any

import openai

KEY = "sk-" + "FaKe0" * 8


def work(api: openai.OpenAI, worker: dict[str, Any], begin: float, told: list[Any]) -> None:
    headers = {"X-Worker": worker["name"]} if worker["name"] else {}
    runs = api.beta.threads.runs
    time.sleep(max(0.0, begin + worker["start_ms"] / 1000 - time.monotonic()))
    for call in worker["calls"]:
        sent = time.monotonic()
        given: dict[str, Any] = {"thread_id": "T0", "extra_headers": headers}
        said = None
        try:
            if call["key"] is None:
                run = runs.with_raw_response.retrieve(call["run"], **given)
            else:
                metadata = {call["key"]: "1"}
                run = runs.with_raw_response.update(call["run"], metadata=metadata, **given)
            said = json.loads(run.text)
        except openai.APIStatusError:
            pass
        times = {"sent_ms": sent * 1000, "received_ms": time.monotonic() * 1000}
        told.append(times | {"said": said})


def main() -> None:
    warnings.simplefilter("ignore", DeprecationWarning)  # of the whole API
    shared = openai.OpenAI(base_url="http://127.0.0.1", api_key=KEY)
    for line in sys.stdin:
        asked = json.loads(line)
        api = shared.with_options(base_url=asked["base_url"])
        told: list[list[Any]] = [[] for _ in asked["workers"]]
        begin = time.monotonic()
        threads = [
            threading.Thread(target=work, args=(api, worker, begin, mine))
            for worker, mine in zip(asked["workers"], told, strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
