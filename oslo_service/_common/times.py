# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Times at which something is due, which somebody gives: there is no clock here."""

from collections.abc import Iterable

__all__ = ("earliest",)


def earliest(times: Iterable[float | None]) -> float | None:
    """Return the first of these times; None where there is none.

    :param times: None among them stands for what is not due at any time.
    """
    return min((one for one in times if one is not None), default=None)
