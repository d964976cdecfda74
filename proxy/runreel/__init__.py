"""runreel: a record-and-replay HTTP reverse proxy for OpenAI-Assistants-compatible APIs."""

__version__ = "0.1.0"
