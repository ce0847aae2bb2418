# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The process beside a service that has a pool of the standard library.

Started by :mod:`.process_pool`, with the descriptor of a socket. It ends when the
other end of that is closed.
"""

import concurrent.futures
import concurrent.futures.process
import multiprocessing
import multiprocessing.spawn
import os
import pickle
import queue
import signal
import socket
import threading
import traceback
from typing import Any

from oslo_service._common.forked_child import Confined
from oslo_service.periodic import length_prefix

__all__ = ("main",)


def main(fd: int) -> None:
    """Run calls until the service is gone.

    :param fd: of the socket to it.
    """
    # The service decides when to end, not a signal to all of its processes.
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, signal.SIG_IGN)
    asked: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    with socket.socket(fileno=fd) as service:
        threading.Thread(target=_listen, args=(service, asked), daemon=True).start()
        preparation, processes = pickle.loads(asked.get())  # noqa: S301 - the service's
        pool = _make_pool(preparation, processes)
        while True:
            calls = pickle.loads(asked.get())  # noqa: S301 - the service's
            outcomes = _run(pool, calls)
            if None in outcomes:
                pool = _make_pool(preparation, processes)
            lost = _dump(RuntimeError("the process that ran it has died"))
            answer = [lost if one is None else one for one in outcomes]
            service.sendall(length_prefix.pack(pickle.dumps(answer)))


def _listen(service: socket.socket, asked: "queue.SimpleQueue[bytes]") -> None:
    try:
        while True:
            asked.put(length_prefix.read(service.recv))
    except ConnectionError:
        os._exit(0)  # with everything that is still at work


def _make_pool(
    preparation: dict[str, Any], processes: int
) -> concurrent.futures.ProcessPoolExecutor:
    return concurrent.futures.ProcessPoolExecutor(
        processes,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_prepare,
        initargs=(preparation,),
    )


def _run(
    pool: concurrent.futures.ProcessPoolExecutor, calls: list[bytes]
) -> list[bytes | None]:
    """Return what each call has raised, pickled; None: its process has died."""
    try:
        futures = [pool.submit(_call, call) for call in calls]
    except concurrent.futures.process.BrokenProcessPool:
        return [None] * len(calls)
    outcomes: list[bytes | None] = []
    for future in futures:
        try:
            outcomes.append(future.result())
        except concurrent.futures.process.BrokenProcessPool:
            outcomes.append(None)
    return outcomes


# In the processes of the pool


def _prepare(preparation: dict[str, Any]) -> None:
    threading.Thread(target=_follow_parent, daemon=True).start()
    multiprocessing.spawn.prepare(preparation)


def _follow_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    os._exit(1)


def _call(call: bytes) -> bytes:
    try:
        with Confined(has_threads=True):
            pickle.loads(call)()  # noqa: S301 - the service's
    except BaseException as exc:  # noqa: BLE001 - it is reported
        exc.add_note(f"There:\n{traceback.format_exc()}")
        return _dump(exc)
    return _dump(None)


def _dump(outcome: BaseException | None) -> bytes:
    try:
        data = pickle.dumps(outcome)
        pickle.loads(data)  # noqa: S301 - some exceptions can be pickled only
    except Exception:  # noqa: BLE001 - whatever its class makes of it
        return pickle.dumps(RuntimeError(repr(outcome)))
    return data
