import itertools
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from runreel.config.loading import load
from runreel.config.settings import Audit, Config, keys, shown

EXAMPLE = Path(__file__).parents[1] / "config.example.toml"


def _settings(nested: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in nested.items():
        if isinstance(value, dict) and prefix + name not in keys():
            yield from _settings(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


class TestExample:
    """`config.example.toml` is the manual of the settings, so it may not drift."""

    def test_it_loads_and_changes_nothing(self) -> None:
        config = load(EXAMPLE, {}, {})

        assert config.cassettes == EXAMPLE.parent / "cassettes"
        assert config.audit.path == EXAMPLE.parent / "audit"
        defaults = {"cassettes": Path("cassettes"), "audit": Audit()}
        assert config.model_copy(update=defaults) == Config()

    def test_it_names_every_setting_in_order_with_its_default(self) -> None:
        text = EXAMPLE.read_text(encoding="utf-8")
        without_default = {
            *("upstream", "upstream_name", "listen.admin_token", "listen.client_token"),
            *("listen.tls_cert", "listen.tls_key", "simulator.api_key"),
            *("upstream_options.total_timeout_s", "upstream_options.ca_file"),
            "upstream_options.proxy",
            *("match.headers", "match.ignore_query", "match.ignore_body", "log.quiet"),
        }

        named = dict(_settings(tomllib.loads(text)))
        named_at_all = dict(_settings(tomllib.loads(re.sub(r"(?m)^# (\w+ = )", r"\1", text))))

        assert named == {
            key: value for key, value in shown(Config()).items() if key not in without_default
        }
        assert list(named_at_all) == list(keys())
        assert named_at_all.keys() - named.keys() == without_default

    def test_each_setting_stands_below_its_description(self) -> None:
        lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
        described = {
            match[1]: above.removeprefix("# ")
            for above, line in itertools.pairwise(lines)
            if (match := re.match(r"(?:# )?(\w+) = ", line))
        }

        # `headers` stands there twice; the last one is that of [upstream_options].
        assert described.pop("headers") == keys()["upstream_options.headers"]
        assert described == {
            key.rpartition(".")[2]: text
            for key, text in keys().items()
            if not key.endswith(".headers")
        }

    def test_every_setting_is_described_in_one_line(self) -> None:
        assert [key for key, text in keys().items() if not text or "\n" in text] == []
