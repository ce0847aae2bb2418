# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""When a periodic task counts as run, so that it neither drifts nor meets others."""

import random

__all__ = ("aligned",)

# A twentieth of the spacing at most: tasks of many hosts drift apart.
_JITTER = 20


def aligned(last_run: float | None, spacing: float, at: float) -> float:
    """Return the time that counts as that of a run which begins now.

    It is a multiple of the spacing after the last one, so that delays do not
    add up; and, from a spacing of 20 s on, up to a twentieth of it later, in
    whole seconds.

    :param last_run: what that was the last time; None: there was none.
    :param spacing: seconds.
    :param at: now, in seconds of any clock.
    """
    if last_run is None:
        return at
    jitter = int(spacing * random.random() / _JITTER)  # noqa: S311 - no secret
    return at - (at - last_run) % spacing + jitter
