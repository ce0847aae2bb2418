# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Of which kind the key of a certificate is."""

import ssl
import subprocess
from pathlib import Path

import pytest

from oslo_service._common import certificates

# As RFC 3279, RFC 5480 and RFC 8410 have them.
IDENTIFIERS = {
    "rsa:2048": bytes.fromhex("2a864886f70d010101"),
    "ec": bytes.fromhex("2a8648ce3d0201"),
    "ed25519": bytes.fromhex("2b6570"),
}


def make(folder: Path, kind: str, *options: str) -> bytes:
    """Return a certificate, and its key."""
    curve = ("-pkeyopt", "ec_paramgen_curve:P-384") if kind == "ec" else ()
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", kind, *curve, "-nodes"),
            *("-subj", "/CN=localhost", "-keyout", "key", "-out", "crt", *options),
        ],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    return (folder / "crt").read_bytes()


@pytest.mark.parametrize("kind", IDENTIFIERS)
def test_it_is_that_of_the_first(tmp_path: Path, kind: str) -> None:
    own, other = make(tmp_path, kind), b""
    key = (tmp_path / "key").read_bytes()
    for another in IDENTIFIERS:
        other += make(tmp_path, another)
    for text in (own, own + other, key + own, b"Certificate:\n" + own):
        assert certificates.key_kind(text) == IDENTIFIERS[kind]


def test_long_names_do_not_hide_it(tmp_path: Path) -> None:
    names = ",".join(f"DNS:{number}.example.org" for number in range(3000))
    found = make(tmp_path, "ec", "-addext", f"subjectAltName={names}")
    assert certificates.key_kind(found) == IDENTIFIERS["ec"]


def test_of_what_is_none_it_is_not_known(tmp_path: Path) -> None:
    whole = ssl.PEM_cert_to_DER_cert(make(tmp_path, "ec").decode())
    assert certificates.key_kind(b"") is None
    assert certificates.key_kind((tmp_path / "key").read_bytes()) is None
    for end in (0, 1, 2, 5, len(whole) - 1):
        cut = ssl.DER_cert_to_PEM_cert(whole[:end]).encode()
        assert certificates.key_kind(cut) is None
    broken = b"-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"
    assert certificates.key_kind(broken) is None
