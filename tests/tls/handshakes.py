"""TLS between two ends in this process, as Python's ssl has it: who trusts what."""

import ssl
from datetime import UTC, datetime
from pathlib import Path

NOW = datetime.now(UTC)  # certificates that OpenSSL looks at must hold now


def handshake(leaf: bytes, trusted: bytes, name: str, folder: Path) -> str | None:
    """Why a client that trusts an authority, and nothing else, does not take what a server shows
    under a name; None if it does.
    """
    file = folder / "shown.pem"
    file.write_bytes(leaf)
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(file)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.verify_flags |= ssl.VERIFY_X509_STRICT  # as from Python 3.13 on
    client.load_verify_locations(cadata=trusted.decode())
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = server.wrap_bio(to_server, to_client, server_side=True)
    theirs = client.wrap_bio(to_client, to_server, server_hostname=name)
    done = set[ssl.SSLObject]()
    while len(done) < 2:
        for end in {theirs, ours} - done:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLCertVerificationError as error:
                return error.verify_message
            done.add(end)
    return None
