"""Times as people write them, as entries have them."""

from runreel.core.errors import StartRefused


def moment_of(option: str, text: str | None, *, end: bool = False) -> str | None:
    """The moment of an ISO 8601 time or date; UTC unless it says its zone.

    A date alone is the beginning of that day, or with `end` the end of it.

    Raises:
        StartRefused: it is none; names the option.
    """
    from datetime import UTC, date, datetime, time

    from runreel.core.audit.books import moment

    if text is None:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        pass
    else:
        return moment(datetime.combine(day, time.max if end else time.min, UTC))
    try:
        found = datetime.fromisoformat(text)
        return moment(found if found.tzinfo else found.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        raise StartRefused(
            f"{option}: {text!r} is no time; write 2026-11-22, 2026-11-22T15:04:05Z or "
            "2026-11-22T16:04:05+01:00"
        ) from None
