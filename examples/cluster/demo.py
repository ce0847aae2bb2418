# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Runs three processes of the service, kills the one that leads, and shows the rest.

Prints their logs as it goes. Ends with status 0 only if all that it announces was
really seen.
"""

import argparse
import collections
import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

MAIN = Path(__file__).with_name("main.py")
PROCESSES = 3
LEASE = 5
LIMIT = 60.0
_PAUSE = 0.02

CONFIGURATION = """\
[oslo_service]
cluster_url = {url}
cluster_group = keeper
cluster_lease = {lease}
[keeper]
folder = {folder}
keep = 1
"""


class Missed(Exception):
    """Something that was announced did not happen."""


def free_port() -> int:
    """Return a port that nobody listens to."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@contextlib.contextmanager
def server(home: Path) -> Iterator[str]:
    """Run the server that is there, if any; yield its URL."""
    port, folder = free_port(), home / "server"
    folder.mkdir()
    if shutil.which("etcd"):
        own = f"http://127.0.0.1:{free_port()}"
        url = f"http://127.0.0.1:{port}"
        command = [
            *("etcd", "--data-dir", str(folder), "--log-level", "error"),
            *("--listen-client-urls", url, "--advertise-client-urls", url),
            *("--listen-peer-urls", own, "--initial-advertise-peer-urls", own),
            *("--initial-cluster", f"default={own}"),
        ]
        found = f"etcd3+{url}"
    elif shutil.which("redis-server"):
        command = [
            *("redis-server", "--port", str(port), "--dir", str(folder)),
            *("--appendonly", "yes", "--appendfsync", "always"),
            *("--loglevel", "warning"),
        ]
        found = f"redis://127.0.0.1:{port}"
    else:
        yield f"file://{folder}"
        return
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            wait(lambda: accepts(port), f"{command[0]} accepts connections")
            yield found
        finally:
            process.kill()


def accepts(port: int) -> bool:
    """Whether somebody listens to a port."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False


def wait(condition: Callable[[], object], what: str) -> None:
    """Wait until something is so.

    :raises Missed: it is not, in time.
    """
    until = time.monotonic() + LIMIT
    while not condition():
        if time.monotonic() > until:
            raise Missed(what)
        time.sleep(_PAUSE)


class Demonstration:
    """Processes of the service, and what they say.

    :param home: a folder for the configuration and the uploads.
    :param backend: the name of the driver.
    """

    def __init__(self, home: Path, backend: str) -> None:
        self.uploads = home / "uploads"
        self.uploads.mkdir()
        self._config = home / "keeper.conf"
        self._environment = {**os.environ, "OS_OSLO_SERVICE__BACKEND": backend}
        self._processes: dict[int, subprocess.Popen[str]] = {}
        # Who has cleaned up for which due time, in the order in which it was said.
        self.cleaned: list[tuple[int, int]] = []

    def configure(self, url: str) -> None:
        """Write the configuration."""
        text = CONFIGURATION.format(url=url, lease=LEASE, folder=self.uploads)
        self._config.write_text(text, encoding="utf-8")

    def start(self) -> None:
        """Start another process."""
        process = subprocess.Popen(
            [sys.executable, MAIN, "--config-file", self._config],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._processes[process.pid] = process
        threading.Thread(target=self._follow, args=[process], daemon=True).start()

    def _follow(self, process: subprocess.Popen[str]) -> None:
        for line in process.stdout or ():
            print(f"    {line}", end="", flush=True)
            found = re.search(r"clean_up for (\d+)", line)
            if found is not None:
                self.cleaned.append((process.pid, int(found[1])))

    def kill(self, pid: int) -> None:
        """Kill a process."""
        self._processes[pid].kill()
        self._processes.pop(pid).wait()

    def stop(self) -> list[int]:
        """Stop those that are left, in order; return their statuses."""
        for process in self._processes.values():
            process.send_signal(signal.SIGTERM)
        return [process.wait(LIMIT) for process in self._processes.values()]

    def clean_up(self) -> None:
        """Leave nothing behind."""
        for process in self._processes.values():
            process.kill()


def show(text: str) -> None:
    """Say what comes next."""
    print(f"\n* {text}", flush=True)


def demonstrate(demonstration: Demonstration, url: str) -> None:
    """Do it all.

    :raises Missed: something was not seen.
    """
    cleaned = demonstration.cleaned
    show(f"{PROCESSES} processes start; they meet at {url.partition('//')[0]}")
    demonstration.configure(url)
    upload = demonstration.uploads / "one.upload"
    upload.touch()
    for _ in range(PROCESSES):
        demonstration.start()
    wait(lambda: len(cleaned) >= 3, "due times are run")
    wait(lambda: not upload.exists(), "the old upload is removed")
    leader = cleaned[-1][0]
    show(f"process {leader} leads, and is killed: another follows within {LEASE + 1} s")
    demonstration.kill(leader)
    killed = time.monotonic()
    wait(lambda: cleaned[-1][0] != leader, "another goes on")
    took = time.monotonic() - killed
    successor = cleaned[-1][0]
    show(f"process {successor} goes on after {took:.1f} s; then all stop in order")
    count = len(cleaned)
    wait(lambda: len(cleaned) >= count + 2, "it goes on")
    statuses = demonstration.stop()
    if any(statuses):
        raise Missed(f"they end with status 0, not {statuses}")
    twice = [
        due
        for due, times in collections.Counter(due for _, due in cleaned).items()
        if times > 1
    ]
    if twice:
        raise Missed(f"no due time is run twice: {twice}")
    show(f"{len(cleaned)} due times were run, none of them twice")


def main() -> int:
    """Run the demonstration; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backend", default="threading", help="the driver")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as home, server(Path(home)) as url:
        demonstration = Demonstration(Path(home), arguments.backend)
        try:
            demonstrate(demonstration, url)
        except Missed as exc:
            print(f"\nThis was not seen: {exc}", file=sys.stderr)
            return 1
        finally:
            demonstration.clean_up()
    return 0


if __name__ == "__main__":
    sys.exit(main())
