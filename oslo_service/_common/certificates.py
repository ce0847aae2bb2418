# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What a certificate says that :mod:`ssl` does not tell of it."""

import base64
import re

__all__ = ("key_kind",)

_FIRST = re.compile(
    rb"-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----(.*?)-----END", re.DOTALL
)
# Of a TBSCertificate (RFC 5280, 4.1): the tag of the version, which may be left out,
# and how many fields there are between that and the key.
_VERSION = 0xA0
_BEFORE_KEY = 5


def key_kind(pem: bytes) -> bytes | None:
    """Return of which kind the key is that the first of some certificates is for.

    :param pem: what a server's certificate file has.
    :returns: the algorithm's object identifier, as DER has it; None: it is not known.
    """
    found = _FIRST.search(pem)
    if found is None:
        return None
    try:
        return _algorithm(base64.b64decode(found[1]))
    except (ValueError, IndexError):
        return None


def _algorithm(certificate: bytes) -> bytes:
    at = 0
    for _ in ("Certificate", "TBSCertificate"):
        at = _contents(certificate, at).start
    if certificate[at] == _VERSION:
        at = _contents(certificate, at).stop
    for _ in range(_BEFORE_KEY):
        at = _contents(certificate, at).stop
    for _ in ("SubjectPublicKeyInfo", "AlgorithmIdentifier"):
        at = _contents(certificate, at).start
    return certificate[_contents(certificate, at)]


def _contents(data: bytes, at: int) -> slice:
    """Return where the contents of an element of DER begin, and where they end."""
    length, begin = data[at + 1], at + 2
    if length & 0x80:
        begin += length & 0x7F
        length = int.from_bytes(data[at + 2 : begin])
    if begin + length > len(data):
        raise ValueError("it is cut off")
    return slice(begin, begin + length)
