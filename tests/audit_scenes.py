"""An engine on a stage, with an audit log in memory."""

import json
from typing import Any

from audited import MemoryAuditLog
from fakes import Script
from runreel.audit.entries import entry_document
from runreel.engine.auditing import Auditing, Rules
from stages import UPSTREAM, Stage, stage

THREAD, RUN = "thread_abc123", "run_abc123"


def run_of(**metadata: str) -> bytes:
    document = {"id": RUN, "object": "thread.run", "thread_id": THREAD, "metadata": metadata}
    return json.dumps(document).encode()


class Scene:
    """An engine on a stage, with an audit log in memory."""

    def __init__(self, mode: str, *scripts: Script, fetch_before: bool = False) -> None:
        self.ledger = MemoryAuditLog()
        self.told: list[str] = []
        rules = Rules(UPSTREAM, fetch_before, 1_000_000, 1_000_000)
        self.auditing = Auditing(self.ledger, rules, self.told.append)
        self.stage: Stage = stage(mode, *scripts, auditing=self.auditing)

    async def log(self) -> list[dict[str, Any]]:
        """The log, once it is closed."""
        await self.auditing.close()
        return [entry_document(entry) for entry in self.ledger.entries]


def less(entry: dict[str, Any], *names: str) -> tuple[Any, ...]:
    return tuple(entry[name] for name in names)
