# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Runs the inventory service, and shows what it does when things happen to it.

Prints the service's log as it goes. Ends with status 0 only if all that it
announces was really seen.
"""

import argparse
import contextlib
import hashlib
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import store

MAIN = Path(__file__).with_name("main.py")
WORKERS = 2
FIRST_INTERVAL, SECOND_INTERVAL = 0.5, 0.2
# What is waited for comes within a second. The bound is there for hangs only.
LIMIT = 60.0
_PAUSE = 0.02

CONFIGURATION = """\
[DEFAULT]
graceful_shutdown_timeout = 20
[inventory]
workers = {workers}
database = {database}
interval = {interval}
"""


class Missed(Exception):
    """Something that was announced did not happen."""


class Demonstration:
    """A running inventory service, and what is done to it.

    :param tree: the directory that the inventory is of.
    :param home: a directory for the configuration and the database.
    :param backend: the name of the driver.
    """

    def __init__(self, tree: Path, home: Path, backend: str) -> None:
        self.tree = tree
        self.backend = backend
        self.config = home / "inventory.conf"
        self.database = home / "inventory.sqlite"
        self.inventory = store.Store(str(self.database))
        self.log: list[str] = []

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Run the service meanwhile."""
        self.configure(FIRST_INTERVAL)
        self.inventory.create()  # or there is nothing to look into yet
        environment = {**os.environ, "OS_OSLO_SERVICE__BACKEND": self.backend}
        with subprocess.Popen(
            [sys.executable, MAIN, "--config-file", self.config, self.tree],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as self.process:
            reader = threading.Thread(target=self._follow_log)
            reader.start()
            try:
                yield
            except KeyboardInterrupt:
                self.stop()
                raise
            finally:
                # Nothing is left of it by now, unless something went wrong.
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(self.process.pid, signal.SIGKILL)
                reader.join()

    def stop(self) -> None:
        """Tell the service to stop, and wait for that."""
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(LIMIT)

    def _follow_log(self) -> None:
        for line in self.process.stdout or ():
            self.log.append(line.rstrip())
            print("    |", self.log[-1], flush=True)

    def configure(self, interval: float) -> None:
        """Write the configuration file."""
        self.config.write_text(
            CONFIGURATION.format(
                workers=WORKERS, database=self.database, interval=interval
            )
        )

    def wait_until(self, what: str, condition: Callable[[], bool]) -> None:
        """Look again and again whether something has happened."""
        end = time.monotonic() + LIMIT
        while not condition():
            if time.monotonic() > end:
                raise Missed(f"not seen in {LIMIT:g} s: {what}")
            if self.process.poll() is not None and not condition():
                raise Missed(
                    f"the service ended with status {self.process.returncode}, and"
                    f" this was not seen: {what}"
                )
            time.sleep(_PAUSE)
        say(f"    seen: {what}")

    def workers(self) -> dict[int, store.Worker]:
        """Return the workers by partition."""
        return {one.partition: one for one in self.inventory.workers()}

    def all_scanning(self) -> bool:
        """Whether every partition has been scanned by its worker."""
        workers = self.workers().values()
        return len(workers) == WORKERS and all(one.scans for one in workers)

    def is_complete(self) -> bool:
        """Whether the inventory has every file, with its checksum."""
        found = {name: one.sha256 for name, one in self.inventory.files().items()}
        return found == {
            store.name_of(path, self.tree): checksum(path)
            for path in self.tree.rglob("*")
            if path.is_file() and not path.is_symlink()
        }


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def say(*words: object) -> None:
    """Print a line of our own, between those of the service's log."""
    print(*words, flush=True)


def plant(tree: Path) -> None:
    """Make a directory tree to keep an inventory of."""
    for number in range(60):
        path = tree / f"shelf-{number % 5}" / f"item-{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"This is item {number}.\n" * (number + 1))


def show_start(demo: Demonstration) -> None:
    """The service starts its workers, which take their shares."""
    demo.wait_until("every worker has scanned its share", demo.all_scanning)
    demo.wait_until("every file is there, with its checksum", demo.is_complete)
    shares = [len(demo.inventory.files(partition)) for partition in demo.workers()]
    say("    files for each worker:", *shares)


def show_changes(demo: Demonstration) -> None:
    """Files are changed, added and deleted."""
    files = sorted(path for path in demo.tree.rglob("*") if path.is_file())
    files[0].write_text("something else\n")
    files[1].unlink()
    (demo.tree / "new.txt").write_text("new\n")
    demo.wait_until("the inventory follows", demo.is_complete)


def show_replacement(demo: Demonstration) -> None:
    """A worker is killed."""
    before = demo.workers()
    victim = before[0].pid
    say(f"    kill -KILL {victim}")
    os.kill(victim, signal.SIGKILL)

    def replaced() -> bool:
        now = demo.workers()
        return now[0].pid != victim and now[0].scans > 0

    demo.wait_until("another has its share", replaced)
    if demo.workers()[1].pid != before[1].pid:
        raise Missed("the other worker goes on")
    say(f"    seen: pid {demo.workers()[0].pid}, and the other worker goes on")


def show_new_interval(demo: Demonstration) -> None:
    """The configuration is changed."""
    before = demo.workers()
    demo.configure(SECOND_INTERVAL)
    say(f"    interval = {SECOND_INTERVAL}; kill -HUP {demo.process.pid}")
    demo.process.send_signal(signal.SIGHUP)

    def in_effect() -> bool:
        now = demo.workers().values()
        return all(one.interval == SECOND_INTERVAL for one in now)

    demo.wait_until("every worker knows the new interval", in_effect)
    first = demo.workers()

    def scanning() -> bool:
        now = demo.workers()
        return all(now[index].scans > first[index].scans + 2 for index in now)

    demo.wait_until("every worker scans on", scanning)
    if any(one.pid != before[index].pid for index, one in demo.workers().items()):
        raise Missed("they are the same processes")
    say("    seen: they are the same processes")


def show_stop(demo: Demonstration) -> None:
    """The service is told to stop."""
    workers = [one.pid for one in demo.workers().values()]
    say(f"    kill -TERM {demo.process.pid}")
    demo.process.send_signal(signal.SIGTERM)
    try:
        status = demo.process.wait(LIMIT)
    except subprocess.TimeoutExpired:
        raise Missed(f"not seen in {LIMIT:g} s: it ends") from None
    if status != 0:
        raise Missed(f"it ends with status 0, not {status}")
    left = [pid for pid in workers if exists(pid)]
    if left:
        raise Missed(f"its workers are gone, all but {left}")
    say("    seen: it ends with status 0, and its workers are gone")


def exists(pid: int) -> bool:
    """Whether there is such a process."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def parse() -> argparse.Namespace:
    """Return the arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--backend",
        default="threading",
        help="the driver: threading (the default) or eventlet",
    )
    parser.add_argument(
        "directory",
        nargs="?",
        type=Path,
        help="the directory to keep an inventory of; nothing in it is changed."
        " Default: one that is made for the purpose",
    )
    return parser.parse_args()


def main() -> int:
    """Show everything; give the exit status."""
    arguments = parse()
    acts = [show_start, show_replacement, show_new_interval, show_stop]
    with tempfile.TemporaryDirectory(prefix="inventory-") as name:
        home = Path(name)
        tree = arguments.directory or home / "tree"
        if arguments.directory is None:
            plant(tree)
            acts.insert(1, show_changes)
        demo = Demonstration(tree.resolve(), home, arguments.backend)
        say(f"An inventory of {tree}, with {WORKERS} workers, on {demo.backend}")
        seen: list[str] = []
        try:
            with demo.running():
                for act in acts:
                    say(f"==> {act.__doc__}")
                    act(demo)
                    seen.append(act.__doc__ or "")
        except (Missed, OSError, sqlite3.Error) as exc:
            say(f"FAILED: {exc}")
            return 1
        except KeyboardInterrupt:
            say("INTERRUPTED: the service has been stopped")
            return 128 + signal.SIGINT
        say(f"Done, on {demo.backend}; it went as it should:")
        for act in seen:
            say("  *", act)
    return 0


if __name__ == "__main__":
    sys.exit(main())
