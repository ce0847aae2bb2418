# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A process of its own for a driver that has to prepare one, and how to talk to it."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

__all__ = ("PreparedProcess", "ProcessLost")

# How long a process that is told to end may take, in seconds.
_PATIENCE = 30.0
# How much is shown of what a process has printed that ended, in characters.
_SHOWN = 4000


class ProcessLost(Exception):
    """The process has ended before it answered; the message has its last words."""


class PreparedProcess:
    """Another process, which prepares itself for a driver and does as it is told.

    What is sent to it and by it is one JSON value a line.

    :param driver: the name of the driver.
    :param role: the function of :mod:`._prepared_main` that it runs.
    :param plan: what the function is given.
    :param cwd: the directory that it starts in.
    """

    def __init__(self, driver: str, role: str, plan: Any, cwd: Path) -> None:
        self._driver = driver
        ours, theirs = socket.socketpair()
        self._printed = tempfile.TemporaryFile()  # noqa: SIM115 - see end()
        command = [sys.executable, "-m", "oslo_service.testing._prepared_main"]
        paths = [path for path in sys.path if path]
        with theirs:
            self._process = subprocess.Popen(
                [*command, driver, role, str(theirs.fileno()), json.dumps(plan)],
                stdin=subprocess.DEVNULL,
                stdout=self._printed,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
                pass_fds=[theirs.fileno()],
            )
        self._socket = ours
        self._stream = ours.makefile("rw", encoding="utf-8")

    def send(self, what: Any) -> None:
        """Send it a value.

        :raises ProcessLost: it has ended.
        """
        try:
            self._stream.write(json.dumps(what) + "\n")
            self._stream.flush()
        except OSError:
            raise self._lost() from None

    def receive(self) -> Any:
        """Return the next value that it sends; blocks.

        :raises ProcessLost: it has ended.
        """
        try:
            line = self._stream.readline()
        except OSError:
            line = ""
        if not line:
            raise self._lost()
        return json.loads(line)

    def _lost(self) -> ProcessLost:
        status = self._await_end()
        return ProcessLost(
            f"{self._who()} ended with status {status}; {self._last_words()}"
        )

    def _who(self) -> str:
        return f"the process for the driver {self._driver!r}"

    def _last_words(self) -> str:
        self._printed.seek(0)
        printed = self._printed.read().decode("utf-8", "replace")[-_SHOWN:]
        return f"it had printed:\n{printed}"

    def kill(self) -> str:
        """End it at once, whatever it does: nobody waits for its answer any more.

        :returns: a sentence on that, with its last words.
        """
        self._process.kill()
        self._process.wait()
        outcome = f"{self._who()} was killed; {self._last_words()}"
        self.end()
        return outcome

    def end(self) -> str | None:
        """Have it end, and wait for that.

        :returns: what to say of a status that is not 0, with its last words;
            None: there is nothing to tell.
        """
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)
        trouble = str(self._lost()) if self._await_end() else None
        with contextlib.suppress(OSError):
            self._stream.close()
        self._socket.close()
        self._printed.close()
        return trouble

    def _await_end(self) -> int:
        try:
            return self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()
