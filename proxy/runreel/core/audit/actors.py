"""Who asked, without saying with which key: equal credentials are equal actors.

Owns where a credential is looked for and what an actor is called. Without the secret nobody can
tell which credential an actor has, nor try one out.
"""

import hashlib
import hmac

from runreel.core.messages import Headers, values
from runreel.core.secrets import of_authorization

_HEX_DIGITS = 32
_HEADERS = ("authorization", "api-key", "x-api-key")  # the first that is there decides


def actor(secret: bytes, headers: Headers) -> str | None:
    """The name of whoever sent these headers; None if they hold no credential.

    A key is the same actor in whichever header it comes.
    """
    for name in _HEADERS:
        for value in values(headers, name):
            credential = of_authorization(value)[0] if name == "authorization" else value.strip()
            if credential:
                digest = hmac.new(secret, credential.encode("latin-1", "replace"), hashlib.sha256)
                return f"hmac-sha256:{digest.hexdigest()[:_HEX_DIGITS]}"
    return None
