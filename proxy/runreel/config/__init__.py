"""The configuration: a TOML file, the environment, and options, in one frozen model.

Nobody but `app` and the command line reads a `Config`; everyone else is handed plain values.
"""

from runreel.config.loading import load
from runreel.config.model import Config, keys, shown
from runreel.config.redacting import redaction_of

__all__ = ["Config", "keys", "load", "redaction_of", "shown"]
