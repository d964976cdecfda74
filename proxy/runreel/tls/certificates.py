"""X.509 as values: an authority that may speak for some names only, and what it signs.

Each is PEM text: a private key, and behind it the certificate. Whoever trusts an authority trusts
it for no other name than those in it: clients refuse all else that it signs. Pure, but for the
randomness of keys and serial numbers. Knows nothing of files.
"""

import ipaddress
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_DAYS = 3650
LEAF_DAYS = 30
_EARLIER = timedelta(days=1)  # that it holds already, for clocks that are slow

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_LOOPBACK_NAMES = ("localhost",)
_LOOPBACK_NETWORKS: tuple[Network, ...] = (
    ipaddress.ip_network("127.0.0.0/8"),
    ipaddress.ip_network("::1/128"),
)
_LOOPBACK_ADDRESSES: tuple[Address, ...] = (
    ipaddress.ip_address("127.0.0.1"),
    ipaddress.ip_address("::1"),
)
_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")


@dataclass(frozen=True, slots=True)
class Hosts:
    """Names and addresses beside those of loopback, each sorted and there once."""

    names: tuple[str, ...] = ()
    addresses: tuple[Address, ...] = ()

    @classmethod
    def of(cls, hosts: Collection[str]) -> Self:
        """What of these stands in a certificate; not what is loopback anyway, or any address.

        Raises:
            ValueError: one can stand in none; its text is that one.
        """
        names, addresses = set[str](), set[Address]()
        for host in hosts:
            try:
                address = ipaddress.ip_address(host.partition("%")[0])
            except ValueError:
                name = host.lower()
                if len(name) > 253 or not _NAME.fullmatch(name):
                    raise ValueError(host) from None
                names.add(name)
            else:
                if not address.is_loopback and not address.is_unspecified:
                    addresses.add(address)
        names -= set(_LOOPBACK_NAMES)
        return cls(tuple(sorted(names)), tuple(sorted(addresses, key=lambda one: one.packed)))

    def __or__(self, other: "Hosts") -> "Hosts":
        return Hosts.of((*self.texts, *other.texts))

    @property
    def texts(self) -> tuple[str, ...]:
        """All of them as text."""
        return (*self.names, *map(str, self.addresses))


@dataclass(frozen=True, slots=True)
class Signed:
    """A private key with its certificate."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def read(cls, pem: bytes) -> Self:
        """What `pem` was.

        Raises:
            ValueError: it is not both of a pair.
        """
        try:
            key = load_pem_private_key(pem, None)
            certificate = x509.load_pem_x509_certificate(pem)
        except (TypeError, UnsupportedAlgorithm):  # it is encrypted, or of a kind that is not ours
            raise ValueError from None
        if (
            not isinstance(key, ec.EllipticCurvePrivateKey)
            or key.public_key() != certificate.public_key()
        ):
            raise ValueError
        return cls(key, certificate)

    @property
    def pem(self) -> bytes:
        """Both as text."""
        key = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return key + self.public_pem

    @property
    def public_pem(self) -> bytes:
        """The certificate alone as text."""
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def fingerprint(self) -> bytes:
        """32 bytes that no other certificate has."""
        return self.certificate.fingerprint(SHA256())

    def lasts(self, days: float, now: datetime) -> bool:
        """Whether it holds now and for so many days more."""
        begins, ends = self.certificate.not_valid_before_utc, self.certificate.not_valid_after_utc
        return begins <= now and now + timedelta(days=days) <= ends

    def speaks_for(self) -> Hosts:
        """The hosts beside loopback for which an authority may sign.

        Raises:
            ValueError: it is no authority of ours.
        """
        try:
            found = self.certificate.extensions.get_extension_for_class(x509.NameConstraints).value
        except x509.ExtensionNotFound:
            raise ValueError from None
        names = [one.value for one in found.permitted_subtrees or () if _is_name(one)]
        networks = [one.value for one in found.permitted_subtrees or () if not _is_name(one)]
        addresses = [str(one.network_address) for one in networks if one.num_addresses == 1]
        return Hosts.of((*names, *addresses))


def _is_name(one: x509.GeneralName) -> bool:
    return isinstance(one, x509.DNSName)


def new_authority(hosts: Hosts, now: datetime) -> Signed:
    """An authority for loopback and these hosts, and for servers alone."""
    key = ec.generate_private_key(ec.SECP256R1())
    # A name of its own, so that two of them can be told apart where trust is kept.
    name = _named(f"runreel on this machine ({secrets.token_hex(4)})")
    permitted: list[x509.GeneralName] = [
        *(x509.DNSName(name) for name in (*_LOOPBACK_NAMES, *hosts.names)),
        *(x509.IPAddress(network) for network in _LOOPBACK_NETWORKS),
        *(x509.IPAddress(ipaddress.ip_network(address)) for address in hosts.addresses),
    ]
    builder = (
        _begun(name, name, key, now, AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(x509.NameConstraints(permitted, None), critical=True)
    )
    return Signed(key, builder.sign(key, SHA256()))


def new_leaf(authority: Signed, hosts: Hosts, now: datetime) -> Signed:
    """A certificate to listen with on loopback and under these hosts."""
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = authority.certificate
    said: list[x509.GeneralName] = [
        *(x509.DNSName(name) for name in (*_LOOPBACK_NAMES, *hosts.names)),
        *(x509.IPAddress(address) for address in (*_LOOPBACK_ADDRESSES, *hosts.addresses)),
    ]
    known = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    builder = (
        _begun(_named("runreel (this proxy)"), issuer.subject, key, now, LEAF_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.SubjectAlternativeName(said), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(known), critical=False
        )
    )
    return Signed(key, builder.sign(authority.key, SHA256()))


def _named(text: str) -> x509.Name:
    # Never like a host's name: what is taken for one has to be permitted.
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _begun(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    now: datetime,
    days: int,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )
