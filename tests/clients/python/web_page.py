"""A small web application: each click on its page runs an assistant through the `openai` package.

It finds the API by OPENAI_BASE_URL and prints its own URL. With `CUT_AT=CLICK` it is killed in the
middle of that click, while it waits for the run.
"""

import asyncio
import os
import signal
import socket
import warnings

import openai
from aiohttp import web

POLL_MS = 20
warnings.simplefilter("ignore", DeprecationWarning)  # of the whole API


class Page:
    def __init__(self, cut_at: int) -> None:
        self.cut_at = cut_at
        self.clicks = 0
        self.api = openai.AsyncOpenAI()

    async def click(self, _: web.Request) -> web.Response:
        self.clicks += 1
        beta = self.api.beta
        assistant = await beta.assistants.create(model="gpt-4o", metadata={"a": "1"})
        thread = await beta.threads.create()
        if self.clicks == self.cut_at:  # before it has polled twice
            loop = asyncio.get_running_loop()
            loop.call_later(POLL_MS / 2000, os.kill, os.getpid(), signal.SIGKILL)
        run = await beta.threads.runs.create_and_poll(
            thread_id=thread.id, assistant_id=assistant.id, poll_interval_ms=POLL_MS
        )
        changed = await beta.threads.runs.update(run.id, thread_id=thread.id, metadata={"b": "2"})
        messages = await beta.threads.messages.list(thread.id)
        shown = (assistant, thread, run, changed, *messages.data)
        return web.json_response([one.model_dump(mode="json") for one in shown])


def main() -> None:
    app = web.Application()
    app.router.add_post("/click", Page(int(os.environ.get("CUT_AT") or 0)).click)
    listening = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    web.run_app(app, sock=listening, print=lambda *_: print(url, flush=True))


if __name__ == "__main__":
    main()
