# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Clients of the service: each request is to be answered."""

import dataclasses
import itertools
import os
import random
import socket
import threading
import time
from pathlib import Path

__all__ = ("Answer", "Clients", "ask")

#: How long a client waits for its answer, in seconds.
PATIENCE = 60.0
_NAMES = itertools.count(1)
_PATHS = ("quick", "quick", "quick", "slow", "slow")
# Between two requests of one client, in seconds.
_PAUSE = 0.02


@dataclasses.dataclass
class Answer:
    """What became of a request.

    :ivar client: the address by which the service knows the client.
    :ivar status: of HTTP; 0: there is no answer.
    :ivar refused: whether the client could not even connect.
    """

    client: str
    path: str
    begun: float
    status: int = 0
    refused: bool = False
    error: str = ""
    body: bytes = b""


def ask(path: Path, target: str, patience: float = PATIENCE) -> Answer:
    """Make a request over the socket that has that path."""
    name = f"storm-{os.getpid()}-{next(_NAMES)}"
    answer = Answer(name, target, time.monotonic())
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(patience)
        client.bind(f"\0{name}")
        try:
            client.connect(str(path))
        except OSError as exc:
            answer.refused, answer.error = True, repr(exc)
            return answer
        try:
            client.sendall(f"GET /{target} HTTP/1.1\r\nHost: storm\r\n\r\n".encode())
            _receive(client, answer)
        except OSError as exc:
            answer.error = repr(exc)
    return answer


def _receive(client: socket.socket, answer: Answer) -> None:
    data = b""
    while b"\n" not in data.partition(b"\r\n\r\n")[2]:
        more = client.recv(4096)
        if not more:
            answer.error = f"the end, after {data!r}"
            return
        data += more
    head, _, answer.body = data.partition(b"\r\n\r\n")
    answer.status = int(head.split(maxsplit=2)[1])


class Clients:
    """Ask all the time, several at a time.

    :param path: of the service's socket.
    :param seed: of what they ask for.
    :ivar answered: how many requests have been.
    """

    def __init__(self, path: Path, seed: int, number: int = 3) -> None:
        self._path = path
        self._ended = threading.Event()
        self._lost: list[Answer] = []
        self.answered = self.refused = 0
        self._threads = [
            threading.Thread(target=self._ask, args=(random.Random(seed + one),))
            for one in range(number)
        ]
        for thread in self._threads:
            thread.daemon = True
            thread.start()

    def _ask(self, rng: random.Random) -> None:
        while not self._ended.wait(_PAUSE):
            answer = ask(self._path, rng.choice(_PATHS))
            if answer.refused:
                self.refused += 1
            elif answer.status == 200:
                self.answered += 1
            else:
                self._lost.append(answer)

    def take_lost(self) -> list[Answer]:
        """Return the requests that were not answered as they should have been."""
        lost, self._lost = self._lost, []
        return lost

    def end(self) -> bool:
        """Have them end; return whether they have."""
        self._ended.set()
        until = time.monotonic() + 5
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)
