"""What a program needs to trust one more authority: variables that name files of authorities.

Each such file replaces what a program would trust without it. So it holds what was trusted before
as well: the file that the user's own variable names, else the authorities of the system. Light, so
that a test runner may import it at once.
"""

import os
import re
import ssl
from collections.abc import Iterable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

from runreel.errors import StartRefused

# variable -> whose file it would have been without us, the first that is set; nothing is added to
# the last one's but ours, since Node trusts it beside its own authorities
_READ_BY = {
    "SSL_CERT_FILE": ("SSL_CERT_FILE",),  # OpenSSL, and with it Python's ssl, httpx, Go, Ruby
    "REQUESTS_CA_BUNDLE": ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
    "CURL_CA_BUNDLE": ("CURL_CA_BUNDLE", "SSL_CERT_FILE"),
    "NODE_EXTRA_CA_CERTS": ("NODE_EXTRA_CA_CERTS",),
}
_ADDS = frozenset({"NODE_EXTRA_CA_CERTS"})
_FOLDERS = "SSL_CERT_DIR"

# Where systems keep their authorities in one file; Python's own answer comes before.
_SYSTEMS = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
_CERTIFICATE = re.compile(
    r"-----BEGIN (?:TRUSTED )?CERTIFICATE-----.+?-----END (?:TRUSTED )?CERTIFICATE-----", re.DOTALL
)


def certificates_in(pem: str) -> list[str]:
    """The certificates of a text, each as it stands there."""
    return _CERTIFICATE.findall(pem)


def trusting(environment: Mapping[str, str], pem: str, folder: Path) -> dict[str, str]:
    """Variables with which programs trust the certificates of `pem` and all that they trusted
    before; the files that they name are written into `folder`.

    Raises:
        StartRefused: a file that the environment names cannot be read, or these not be written.
    """
    files: dict[str, str] = {}  # by content: most are the same
    given: dict[str, str] = {}
    for name, others in _READ_BY.items():
        trusted = [*_before(name, others, environment), *certificates_in(pem)]
        text = "\n".join(dict.fromkeys(trusted))
        if text not in files:
            path = folder / f"authorities-{len(files)}.pem"
            try:
                path.write_text(f"{text}\n", encoding="utf-8")
            except OSError as error:
                raise StartRefused(
                    f"{path}: the authorities to trust cannot be written ({error.strerror})"
                ) from None
            files[text] = str(path)
        given[name] = files[text]
    return given


def _before(name: str, others: Iterable[str], environment: Mapping[str, str]) -> Iterator[str]:
    """The certificates that were trusted without us."""
    for other in others:
        if named := environment.get(other):
            yield from _read(other, Path(named))
            return
    if name in _ADDS:
        return
    folders = filter(None, environment.get(_FOLDERS, "").split(os.pathsep))
    # One that is not there is nothing to OpenSSL either.
    for path in (*_of_the_system(), *(Path(one) for one in folders if Path(one).is_dir())):
        yield from _read(name, path)


def _of_the_system() -> Iterator[Path]:
    """The files of authorities that programs use by default: the system's, and Mozilla's as the
    Python package certifi has it, which many clients bring along.
    """
    python = ssl.get_default_verify_paths().cafile
    there = (path for path in (python, *_SYSTEMS) if path is not None and Path(path).is_file())
    if (first := next(there, None)) is not None:
        yield Path(first)
    certifi = find_spec("certifi")
    if certifi is not None and certifi.origin is not None:
        bundle = Path(certifi.origin).with_name("cacert.pem")
        if bundle.is_file():
            yield bundle


def _read(name: str, path: Path) -> list[str]:
    try:
        files = [path]
        if path.is_dir():
            files = sorted(file for file in path.iterdir() if file.is_file())
        texts = [file.read_text(encoding="utf-8", errors="replace") for file in files]
    except OSError as error:
        raise StartRefused(
            f"{name}: {path} cannot be read ({error.strerror}); name a file of the authorities to "
            "trust, or unset it"
        ) from None
    return [one for text in texts for one in certificates_in(text)]
