# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""When a periodic task counts as run: it does not drift, and spreads over hosts."""

import random

__all__ = ("aligned",)

# A twentieth of the spacing at most, so that the tasks of many hosts spread.
_JITTER = 20


def aligned(last_run: float | None, spacing: float, at: float) -> float:
    """Return the time that counts as that of a run that begins now.

    It is a multiple of the spacing after that of the last run, so that delays do
    not add up; and, for a spacing of 20 s or more, up to a twentieth of it later,
    in whole seconds.

    :param last_run: what this returned for the last run; None: there was none.
    :param spacing: seconds.
    :param at: now, in seconds of any clock.
    :returns: seconds of the same clock.
    """
    if last_run is None:
        return at
    jitter = int(spacing * random.random() / _JITTER)  # noqa: S311 - no secret
    return at - (at - last_run) % spacing + jitter
