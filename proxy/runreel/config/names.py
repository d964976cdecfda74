"""The names that settings of several tables hold."""

import re


def header_name(text: str) -> str:
    """The name of a header.

    Raises:
        ValueError: it is none.
    """
    if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", text):
        raise ValueError("must be the name of a header")
    return text


def pointer(text: str) -> str:
    """A JSON pointer to something within a document.

    Raises:
        ValueError: it is none.
    """
    if not text.startswith("/"):
        raise ValueError('must be a JSON pointer such as "/metadata/email"')
    return text
