# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Hosts made of network namespaces, each with one cable to this one.

They are gone with the process that holds the namespace, and that with this one.
"""

import contextlib
import os
import subprocess
from typing import Self

from oslo_service.testing.live import die_with_the_tests

__all__ = ("Host",)

# A folder of that name is all that there is of a namespace of a process.
_NAMESPACE = "/proc/{}/ns/net"


class Host:
    """A network namespace, connected with the one that we are in.

    A context manager. Takes root, or what it may do.

    :param number: from 0; another for each host of a run.
    :raises OSError: there can be none.
    :ivar address: ours, as seen from there: where servers have to listen.
    """

    def __init__(self, number: int) -> None:
        # Several runs side by side are in nobody's way.
        run = os.getpid() % 16_384 * 16 + number * 4
        network = f"10.{64 + (run >> 16)}.{run >> 8 & 255}."
        self.address = f"{network}{(run & 255) + 1}"
        self._there = f"{network}{(run & 255) + 2}"
        self._cable = f"chaos{os.getpid() % 1_000_000}-{number}"
        self._holder = subprocess.Popen(
            ["unshare", "--net", "sh", "-c", "echo; exec sleep infinity"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            preexec_fn=die_with_the_tests,  # noqa: PLW1509 - it takes no lock
        )
        try:
            self._connect()
        except BaseException:
            self.close()
            raise

    @property
    def prefix(self) -> list[str]:
        """What is put before a command that is to run there."""
        return ["nsenter", f"--net={_NAMESPACE.format(self._holder.pid)}", "--"]

    def cut(self) -> None:
        """Cut the cable: what is sent is lost, and sent again by the kernel."""
        _ip("link", "set", self._cable, "down")

    def mend(self) -> None:
        """Mend the cable."""
        _ip("link", "set", self._cable, "up")

    def close(self) -> None:
        """End it; the cable goes with it."""
        self._holder.kill()
        self._holder.wait()
        if self._holder.stdout is not None:
            self._holder.stdout.close()
        with contextlib.suppress(OSError):
            _ip("link", "delete", self._cable)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _connect(self) -> None:
        assert self._holder.stdout is not None
        if not self._holder.stdout.readline():
            raise OSError("no network namespace can be made")
        far = f"{self._cable}p"
        pid = str(self._holder.pid)
        _ip("link", "add", self._cable, "type", "veth", "peer", "name", far)
        _ip("link", "set", far, "netns", pid)
        _ip("address", "add", f"{self.address}/30", "dev", self._cable)
        _ip("link", "set", self._cable, "up")
        for words in (
            ("address", "add", f"{self._there}/30", "dev", far),
            ("link", "set", far, "up"),
            ("link", "set", "lo", "up"),
        ):
            _run(*self.prefix, "ip", *words)


def _ip(*words: str) -> None:
    _run("ip", *words)


def _run(*command: str) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")
