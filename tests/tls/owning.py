"""Certificates of a user's own, as files: of another authority than runreel's."""

import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
)

from runreel.tls.certificates import Hosts, Signed, new_authority, new_leaf
from tls.handshakes import NOW


@dataclass(frozen=True)
class Own:
    """A certificate with its key and its authority, and the files that they are in."""

    authority: Signed
    leaf: Signed
    cert: Path
    key: Path

    @property
    def settings(self) -> dict[str, Path]:
        """As the fixture `proxy` takes them."""
        return {"listen__tls_cert": self.cert, "listen__tls_key": self.key}

    @property
    def trust(self) -> ssl.SSLContext:
        """A client that trusts its authority, and nothing else."""
        return trusting(self.authority.public_pem.decode())

    def encrypt(self) -> None:
        """Give the key a passphrase."""
        encryption = BestAvailableEncryption(b"a passphrase")
        pem = self.leaf.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
        self.key.write_bytes(pem)


def own(folder: Path, name: str = "own") -> Own:
    """One that is new, in files of that name."""
    authority = new_authority(Hosts(), NOW)
    leaf = new_leaf(authority, Hosts(), NOW)
    cert, key = folder / f"{name}.pem", folder / f"{name}.key"
    cert.write_bytes(leaf.public_pem + authority.public_pem)
    key.write_bytes(leaf.pem.removesuffix(leaf.public_pem))
    return Own(authority, leaf, cert, key)


def trusting(pem: str) -> ssl.SSLContext:
    """A client that trusts these authorities, and nothing else."""
    return ssl.create_default_context(cadata=pem)
