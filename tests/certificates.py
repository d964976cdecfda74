"""Certificates of one's own for a test run, made by `openssl`."""

import os
import shutil
import ssl
import subprocess
from pathlib import Path

import pytest


def make_certificate(folder: Path, name: str, *hosts: str) -> None:
    """NAME.pem and NAME.key in a folder: its own authority, for hosts as in `IP:127.0.0.1`."""
    if shutil.which("openssl") is None:
        if os.environ.get("CI"):
            pytest.fail("CI has to provide openssl")
        pytest.skip("there is no openssl to make certificates with")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-nodes", "-days", "1", "-subj", "/CN=test"),
            *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
            *("-addext", f"subjectAltName={','.join(hosts)}"),
            *("-addext", "keyUsage=digitalSignature,keyCertSign"),
            *("-keyout", folder / f"{name}.key", "-out", folder / f"{name}.pem"),
        ],
        check=True,
        capture_output=True,
    )


def showing(folder: Path, name: str) -> ssl.SSLContext:
    """What a server needs to show the certificate of that name."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    return tls
