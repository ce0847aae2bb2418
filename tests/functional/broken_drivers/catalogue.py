# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""All of them: importing this registers every one."""

from broken_drivers import events, green, on_gevent, pool, tasks, waits
from broken_drivers.registry import MUTANTS, SOUND, Mutant

__all__ = ("FAMILIES", "MUTANTS", "SOUND", "Mutant")

FAMILIES = (events, green, on_gevent, pool, tasks, waits)
