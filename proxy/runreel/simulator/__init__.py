"""A small stateful Assistants server, for people and tests that have no upstream."""
