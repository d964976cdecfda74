"""The rules of redaction that a configuration asks for, as the core takes them."""

import re

from runreel.config.model import Config
from runreel.core.redaction import Redaction
from runreel.core.rules import HARMLESS_HEADERS, PatternRule


def redaction_of(config: Config) -> Redaction:
    """The rules in force: the defaults and the configuration's additions."""
    rules = config.redaction
    return Redaction(
        headers=frozenset(rules.headers),
        query=frozenset(name.lower() for name in rules.query),
        body=tuple(rules.body),
        patterns=tuple(
            PatternRule(f"user-{number}", re.compile(text))
            for number, text in enumerate(rules.patterns, start=1)
        ),
        known=tuple(
            value
            for name, value in config.upstream_options.headers.items()
            if name.lower() not in HARMLESS_HEADERS
        ),
    )
