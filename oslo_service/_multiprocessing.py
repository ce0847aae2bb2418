# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Processes that begin afresh, and inherit no lock that a thread holds."""

import multiprocessing
import multiprocessing.pool
from typing import Any

__all__ = ("get_spawn_context", "get_spawn_pool")


def get_spawn_context() -> Any:
    """Give the context of :mod:`multiprocessing` whose processes are spawned."""
    return multiprocessing.get_context("spawn")


def get_spawn_pool(
    processes: int | None = None, **kwargs: Any
) -> multiprocessing.pool.Pool:
    """Make a pool of spawned processes.

    :param processes: how many; None: one for each processor.
    :param kwargs: as :class:`multiprocessing.pool.Pool` takes them.
    """
    pool: multiprocessing.pool.Pool = get_spawn_context().Pool(
        processes=processes, **kwargs
    )
    return pool
