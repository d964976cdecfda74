"""Where a configuration wants the audit log, opened for the first session that can change anything.

Owns that choice, and hands each part its plain values. A proxy that only replays touches no file
of it.
"""

import asyncio
from collections.abc import Callable

from runreel.auditing import Auditing, Rules
from runreel.config import Config, redaction_of
from runreel.core.audit.books import moment
from runreel.core.errors import StartRefused
from runreel.ports import Clock
from runreel.stores.audit_log import AuditLog, Sizes


class Audits:
    """The audit log of a process; `auditing` is None if none is wanted.

    `warn` gets sentences about what is wrong, `note` about what is not.
    """

    def __init__(
        self,
        config: Config,
        clock: Clock,
        warn: Callable[[str], None],
        note: Callable[[str], None],
    ) -> None:
        self.auditing: Auditing | None = None
        self._config = config
        self._warn = warn
        self._note = note
        self._opening = asyncio.Lock()
        self._opened = False
        self._log = AuditLog(
            config.audit.path,
            Sizes(config.audit.rotate_bytes, config.audit.checkpoint_entries),
            lambda: moment(clock.now()),
        )
        if config.audit.enabled:
            rules = Rules(
                upstream=config.upstream or "",
                fetch_before=config.audit.fetch_before,
                decoded_bytes_max=config.limits.decoded_body_bytes_max,
                response_bytes_max=config.limits.response_body_bytes_max,
            )
            self.auditing = Auditing(self._log, redaction_of(config), rules, self._warn)

    async def open(self) -> None:
        """Return once changes can be logged; says where.

        Raises:
            StartRefused: another runreel writes there, or it is no place for an audit log.
        """
        async with self._opening:
            if self.auditing is None or self._opened:
                return
            _check_apart(self._config)
            await asyncio.to_thread(self._log.open)
            self._opened = True
            self._note(f"changes of metadata are logged in {self._log.path.absolute()}")
            for sentence in self._log.notes:
                self._warn(sentence)
            self._log.notes.clear()

    async def close(self) -> None:
        """Write what is left and let go of the log.

        Raises:
            StoreFailed: not all of it is on disk.
        """
        if self.auditing is not None and self._opened:
            self._opened = False
            await self.auditing.close()


def _check_apart(config: Config) -> None:
    audit, cassettes = config.audit.path.resolve(), config.cassettes.resolve()
    if audit == cassettes or cassettes in audit.parents:
        raise StartRefused(
            f"audit.path: {config.audit.path} is inside the cassettes folder {config.cassettes}, "
            "which is made to be shared; set it to another folder, or use --no-audit"
        )
