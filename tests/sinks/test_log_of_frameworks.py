"""What frameworks log: passed on as kind and place, and never as a flood."""

import asyncio
import errno
import io
import json
import logging
import re
from pathlib import Path

import pytest

from builders import FAKE_KEY
from processes import COMMAND, runreel
from runreel.engine.log import LOOP_ERROR_EVERY_S, FrameworkLog, Log, loop_errors_to
from servers import RawUpstream


class TestFramework:
    """What aiohttp logs quotes the wire, so only its kind and place are passed on."""

    @staticmethod
    def logger(out: io.StringIO, *, as_json: bool) -> logging.Logger:
        logger = logging.Logger("of a test")  # noqa: LOG001 - apart from the process's loggers
        logger.addHandler(FrameworkLog(Log(out, as_json=as_json, quiet=True)))
        return logger

    def test_an_error_is_one_line_without_its_text(self) -> None:
        out = io.StringIO()

        try:
            int(f"no number\n{FAKE_KEY}")
        except ValueError:
            self.logger(out, as_json=False).exception("from %s", FAKE_KEY)

        assert re.fullmatch(
            r"\d\d:\d\d:\d\d problem ValueError in test_log_of_frameworks\.py:\d+\n", out.getvalue()
        )

    def test_as_json_it_is_one_object(self) -> None:
        out = io.StringIO()

        self.logger(out, as_json=True).warning("from %s", FAKE_KEY)

        document = json.loads(out.getvalue())
        assert re.fullmatch(r"in test_log_of_frameworks\.py:\d+", document.pop("problem"))
        assert list(document) == ["at"]

    def test_an_error_that_was_never_raised_is_told_by_its_kind(self) -> None:
        out = io.StringIO()

        self.logger(out, as_json=False).error("text", exc_info=KeyError(FAKE_KEY))

        assert re.fullmatch(
            r".{8} problem KeyError in test_log_of_frameworks\.py:\d+\n", out.getvalue()
        )

    def test_an_error_of_the_system_is_told_by_its_name(self) -> None:
        out = io.StringIO()

        error = OSError(errno.EMFILE, FAKE_KEY)
        self.logger(out, as_json=False).error("text", exc_info=error)

        assert re.fullmatch(
            r".{8} problem OSError EMFILE in test_log_of_frameworks\.py:\d+\n", out.getvalue()
        )

    def test_what_is_no_problem_is_left_out(self) -> None:
        out = io.StringIO()

        self.logger(out, as_json=False).info("by the way")

        assert out.getvalue() == ""


def at(seconds: float, line: int = 1, error: Exception | None = None) -> logging.LogRecord:
    """An error logged at that moment, at a line of the framework."""
    info = (type(error), error, None) if error else None
    record = logging.LogRecord("asyncio", logging.ERROR, "loop.py", line, "", (), info)
    record.created = seconds
    return record


class TestFlood:
    @pytest.mark.parametrize(
        ("records", "lines"),
        [
            ([at(100), at(100), at(109.9)], 1),
            ([at(100), at(110), at(119), at(120)], 3),
            ([at(100), at(100, line=2), at(100, error=OSError()), at(100, error=KeyError())], 4),
            ([at(100), at(99)], 2),
        ],
        ids=["soon after", "long after", "other kinds", "a clock set back"],
    )
    def test_of_one_kind_there_is_a_line_every_ten_seconds(
        self, records: list[logging.LogRecord], lines: int
    ) -> None:
        out = io.StringIO()
        handler = FrameworkLog(Log(out, as_json=False, quiet=True), every_s=10)

        for record in records:
            handler.emit(record)

        assert len(out.getvalue().splitlines()) == lines
        assert LOOP_ERROR_EVERY_S == 10

    def test_what_the_loop_logs_goes_to_the_log_and_afterwards_where_it_went_before(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        out = io.StringIO()
        logger = logging.getLogger("asyncio")
        before = (logger.propagate, list(logger.handlers))

        with loop_errors_to(Log(out, as_json=True, quiet=True)):
            logger.error("socket: %s", FAKE_KEY)
        inside = list(caplog.messages)
        logger.error("outside")

        (line,) = out.getvalue().splitlines()
        assert json.loads(line)["problem"].startswith("in test_log_of_frameworks.py:")
        assert inside == []
        assert caplog.messages == ["outside"]
        assert (logger.propagate, list(logger.handlers)) == before


async def test_a_proxy_out_of_file_descriptors_logs_one_line_of_json_and_not_hundreds(
    tmp_path: Path, upstream: RawUpstream
) -> None:
    """The process may have so few that its clients use them up."""
    limited = ("-c", f"import resource, os, sys; {_LIMIT}; os.execv(sys.argv[1], sys.argv[1:])")
    command = (COMMAND[0], *limited, *COMMAND)
    arguments = ("record", "--upstream", upstream.url, "--log-format", "json", "--no-audit")
    async with runreel(*arguments, cwd=tmp_path, command=command) as proxy:
        host, _, port = proxy.url.removeprefix("http://").rpartition(":")
        writers = [(await asyncio.open_connection(host, int(port)))[1] for _ in range(60)]
        line = await proxy.log_line()
        for writer in writers:
            writer.close()
        ended = await proxy.stop()

    assert json.loads(line)["problem"].startswith("OSError EMFILE in socket.py:")
    told = [json.loads(line)["told"] for line in ended.err.splitlines()]
    assert told[0].startswith("record 'default': 0 served, 0 recorded, ")
    assert told[1:] == [
        "  cassette: cassettes/default.json is not written, since nothing was recorded"
    ]
    assert ended.code == 0


_LIMIT = "resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))"
