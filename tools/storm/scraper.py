# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Clients of the admin endpoint: one that scrapes, and one that does harm.

Nothing is promised to them while the service is disturbed: it is disturbed by them.
"""

import contextlib
import itertools
import random
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

__all__ = ("Scraper",)

_PATHS = ("metrics", "status", "ready", "live", "health", "work", "stacks", "events")
_PATIENCE = 10.0
_PAUSE = 0.02
# So many connections who does harm has at a time, and for so long, in seconds.
_CROWD, _STAY = 40, 0.3
# Until the service has seen that connections have been closed, in seconds.
_SEEN = 1.0
_HARM = (
    b"",
    b"GET /met",
    b"GET /status HTTP/1.1\r\nHost: x\r\n\r\n" * 300,
    b"GET /events?follow&since=0 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"\0\1\2" * 500,
    b"POST /workers HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{",
    b"GET /" + b"x" * 50_000,
)


class Scraper:
    """Uses and misuses an endpoint all the time.

    :param path: of its socket; None: there is none, and nothing to do.
    :param seed: of what it does.
    :ivar answered: how many requests have been.
    """

    def __init__(self, path: Path | None, seed: int) -> None:
        self._path = path
        self._ended = threading.Event()
        self._active = threading.Lock(), threading.Lock()
        self.answered = 0
        self._rng = random.Random(seed)
        self._threads = [
            threading.Thread(target=self._repeat, args=(lock, step), daemon=True)
            for lock, step in zip(self._active, (self._scrape, self._harm), strict=True)
        ]
        for thread in self._threads if path is not None else ():
            thread.start()

    def _repeat(self, lock: threading.Lock, step: "object") -> None:
        while not self._ended.wait(_PAUSE):
            with lock, contextlib.suppress(OSError):
                step()  # type: ignore[operator]

    def _scrape(self) -> None:
        with self._connected() as client:
            target = self._rng.choice(_PATHS)
            client.sendall(f"GET /{target} HTTP/1.0\r\nHost: x\r\n\r\n".encode())
            data = b"".join(iter(lambda: client.recv(65536), b""))
            self.answered += data.startswith(b"HTTP/1.1 ")

    def _harm(self) -> None:
        with contextlib.ExitStack() as stack:
            for harm in itertools.islice(itertools.cycle(_HARM), _CROWD):
                client = stack.enter_context(self._connected())
                client.setblocking(False)
                with contextlib.suppress(OSError):
                    client.send(harm)
            time.sleep(self._rng.uniform(0, _STAY))

    @contextlib.contextmanager
    def _connected(self) -> Iterator[socket.socket]:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(_PATIENCE)
            client.connect(str(self._path))
            yield client

    @contextlib.contextmanager
    def still(self) -> Iterator[None]:
        """Have no connections for a while."""
        with contextlib.ExitStack() as stack:
            for lock in self._active:
                stack.enter_context(lock)
            time.sleep(_SEEN)
            yield

    def end(self) -> None:
        """Have it end."""
        self._ended.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(2 * _PATIENCE)
