"""Where a configuration wants the audit log, opened for the first session that can change anything.

Owns that choice, and hands each part its plain values. A proxy that only replays touches no file
of it.
"""

import asyncio
from collections.abc import Callable

from runreel.audit.history import moment
from runreel.audit.store import AuditLog, Sizes
from runreel.config.settings import Config, redaction_of
from runreel.engine.auditing import Auditing, Rules
from runreel.errors import StartRefused
from runreel.ports import Clock


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
        self._misplaced = config.audit.enabled and _is_inside(config)
        if config.audit.enabled and not self._left_out:
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
            if self._opened:
                return
            if self._misplaced:
                self._say_where_it_is_not()
            if self.auditing is None:
                return
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

    @property
    def _left_out(self) -> bool:
        """Whether there is no log because nobody said where it should be instead."""
        return self._misplaced and "path" not in self._config.audit.model_fields_set

    def _say_where_it_is_not(self) -> None:
        audit, cassettes = self._config.audit.path, self._config.cassettes
        inside = f"is inside the cassettes folder {cassettes}, which is made to be shared"
        if not self._left_out:
            raise StartRefused(
                f"audit.path: {audit} {inside}; set it to another folder, or use --no-audit"
            )
        self._opened = True
        self._warn(
            f"changes of metadata are not logged: the folder {audit} {inside}; set audit.path to "
            "another one"
        )


def _is_inside(config: Config) -> bool:
    audit, cassettes = config.audit.path.resolve(), config.cassettes.resolve()
    return audit == cassettes or cassettes in audit.parents
