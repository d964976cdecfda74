"""Certificates to listen with, and what a client needs to trust them.

Whoever only replays over plain http needs none of it: `local_authority` is the one way to what
takes time to import, and needs an extra.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from runreel.errors import StartRefused

if TYPE_CHECKING:
    from runreel.tls.authority import Authority


def local_authority(
    environment: Mapping[str, str], hosts: Collection[str], now: datetime, *, anew: bool = False
) -> "Authority":
    """The authority of this user, made if there is none, or `anew` in any case; it may speak for
    loopback and for `hosts`, names and addresses.

    Raises:
        StartRefused: it cannot be had; says why, and what to do.
    """
    try:
        from runreel.tls import authority  # noqa: PLC0415 - an extra, which takes time
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "cryptography":
            raise
        raise StartRefused(
            "listen.tls: cryptography is not installed; install it with pip install "
            "'runreel[tls]', or name a certificate of your own in listen.tls_cert and "
            "listen.tls_key"
        ) from None
    folder = authority.state_folder(environment)
    return authority.renew(folder, hosts, now) if anew else authority.get(folder, hosts, now)
