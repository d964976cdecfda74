"""Pure values and functions.

Nothing below this package opens a file or a socket, reads a clock or knows an event loop;
`pyproject.toml` holds the import contract that keeps it so.
"""
