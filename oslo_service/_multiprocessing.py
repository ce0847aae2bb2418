# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Spawned processes: fresh interpreters, which inherit no lock that a thread holds."""

import multiprocessing
import multiprocessing.pool
from collections.abc import Callable, Iterable
from multiprocessing.context import SpawnContext
from typing import Any

__all__ = ("get_spawn_context", "get_spawn_pool")


def get_spawn_context() -> SpawnContext:
    """Return the context of :mod:`multiprocessing` whose processes are spawned."""
    return multiprocessing.get_context("spawn")


def get_spawn_pool(
    processes: int | None = None,
    initializer: Callable[..., object] | None = None,
    init_args: Iterable[Any] = (),
    max_tasks_per_child: int | None = None,
) -> multiprocessing.pool.Pool:
    """Return a pool of spawned processes.

    :param processes: how many; None: one for each processor.
    :param initializer: what each process calls first.
    :param init_args: the arguments of that call.
    :param max_tasks_per_child: after how many tasks a process is replaced;
        None: never.
    """
    return get_spawn_context().Pool(
        processes, initializer, init_args, max_tasks_per_child
    )
