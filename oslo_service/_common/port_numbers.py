# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The ports of TCP: which there are."""

from oslo_service._common import digits

__all__ = ("LAST", "read")

#: The last one: the field has 16 bits (RFC 9293, 3.1).
LAST = 65535


def read(text: str) -> int:
    """Return the port that a text names.

    :raises ValueError: there is none; the message says why.
    """
    if not (text.isascii() and text.isdecimal()):
        raise ValueError(f"{text!r} is not a number")
    port = digits.read(text)
    if port is None or port > LAST:
        raise ValueError(f"{text} is more than {LAST}, the last port")
    return port
