# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Numbers that come as text from outside: of clients, the environment, options."""

__all__ = ("read",)

# How many there may be: so that the number is one of 64 bits, whatever takes it.
_MOST = 18


def read(text: str) -> int | None:
    """Return the whole number, 0 or more, that a text is.

    :returns: None: it is none, or has more than 18 digits.
    """
    if len(text) <= _MOST and text.isascii() and text.isdecimal():
        return int(text)
    return None
