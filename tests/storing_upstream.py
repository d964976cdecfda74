"""An upstream for the SDKs that really stores: the world of the laws, in the shapes of the API."""

import asyncio
import json
from typing import Any

from history_world import World
from servers import Received, http


class StoringUpstream:
    """Answers as an API with a memory; `slow_s` is how long each call takes."""

    def __init__(self, slow_s: float = 0.0, runs: int = 8) -> None:
        self.world = World()
        self.slow_s = slow_s
        for n in range(1, runs):
            self.world.items[f"/threads/T0/runs/R{n}"] = World._new(f"/R{n}", {})

    async def answer(self, received: Received) -> bytes | None:
        """Half of the time passes before the call takes effect."""
        await asyncio.sleep(self.slow_s / 2)
        path = received.target.partition("?")[0].removeprefix("/v1")
        sent = json.loads(received.body) if received.body else {}
        body = json.dumps(sent.get("metadata") or {}, sort_keys=True)
        said = self._shaped(path, self.world.call((received.method, path, body)))
        await asyncio.sleep(self.slow_s / 2)
        status = 404 if "error" in said else 200
        return http(status, [("Content-Type", "application/json")], json.dumps(said).encode())

    def _shaped(self, path: str, said: dict[str, Any]) -> dict[str, Any]:
        if "error" in said:
            return {"error": {"message": "No such object.", "type": "invalid_request_error"}}
        if "list" in said:
            inside = [self._shaped(path + "/x", one) for one in said["list"]]
            return {"object": "list", "data": inside, "has_more": False}
        if "status" in said:
            words = ["queued", "in_progress", "completed", "completed"]
            return said | {"object": "thread.run", "status": words[said["status"]]}
        return said
