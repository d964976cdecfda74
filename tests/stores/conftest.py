"""Audit logs for the tests of this folder."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from audited import AT
from runreel.audit.store import AuditLog, Sizes


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[..., AuditLog]]:
    """Opens logs in the same folder, and closes what a test has not."""
    logs: list[AuditLog] = []

    def start(rotate_bytes: int = 1_000_000, checkpoint_entries: int = 1_000) -> AuditLog:
        log = AuditLog(tmp_path / "audit", Sizes(rotate_bytes, checkpoint_entries), lambda: AT)
        log.open()
        logs.append(log)
        return log

    yield start
    for log in logs:
        log._let_go()
