# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Services and tasks of which one process of some runs each; see :mod:`.daemon`.

The cluster is a file that processes lock, with leases of a second or two; who finds a
file called ``cut`` beside it is cut off.
"""

# ruff: noqa: I001, ARG002 - the daemon comes first: it patches
from oslo_service.testing.programs import daemon

import contextlib
import fcntl
import json
import logging
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from oslo_config import cfg

from oslo_service import backend, cluster, events, opts, periodic_task, service
from oslo_service.clustering import membership, schemes
from oslo_service.clustering.connection import Connection, Lock, Unreachable

CONF = cfg.CONF
TRAITS = daemon.PLAN.traits
SETTINGS = daemon.PLAN.settings
FOLDER = Path(SETTINGS["folder"])
LEASE = SETTINGS.get("lease", 2.0)
say = daemon.say


class FileConnection(Connection):
    """Locks with leases, kept in a file."""

    lease = membership = LEASE

    def open(self) -> None:
        """Look whether it is to be had."""
        with self.locks():
            pass

    def close(self) -> None:
        """Nothing stays open."""

    @contextlib.contextmanager
    def locks(self) -> Iterator[dict[str, Any]]:
        """Change who has which lock until when."""
        if (FOLDER / "cut").exists():
            raise Unreachable("cut off")
        with (FOLDER / "locks").open("a+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            locks = json.loads(file.read() or "{}")
            yield locks
            file.truncate(0)
            file.write(json.dumps(locks))

    def lock(self, name: str) -> Lock:
        """Return a lock."""
        return FileLock(self, name)

    def heartbeat(self) -> None:
        """There are no groups."""

    def join(self, group: str) -> None:
        """There are no groups."""

    def leave(self, group: str) -> None:
        """There are no groups."""

    def members(self, group: str) -> frozenset[str]:
        """There are no groups."""
        return frozenset()


class FileLock(Lock):
    """A lock with a lease."""

    def __init__(self, connection: FileConnection, name: str) -> None:
        self._connection, self._name = connection, name
        self._token = f"{os.getpid()} {id(self)}"

    def _keep(self, *, new: bool) -> bool:
        now = time.clock_gettime(time.CLOCK_BOOTTIME)
        with self._connection.locks() as locks:
            token, until = locks.get(self._name, ["", 0.0])
            if (until > now) if new else (token != self._token or until <= now):
                return False
            locks[self._name] = [self._token, now + LEASE]
            return True

    def acquire(self) -> bool:
        """Take it."""
        return self._keep(new=True)

    def heartbeat(self) -> bool:
        """Keep it."""
        return self._keep(new=False)

    def release(self) -> None:
        """Give it back."""
        with self._connection.locks() as locks:
            if locks.get(self._name, [""])[0] == self._token:
                del locks[self._name]


class Tasks(periodic_task.PeriodicTasks):
    """Say for which due times they are run."""

    @periodic_task.periodic_task(spacing=0.2, scope="host")
    def of_host(self, context: Any) -> None:
        """Say it."""
        self._say("host")

    @periodic_task.periodic_task(spacing=0.2, scope="cluster")
    def of_cluster(self, context: Any) -> None:
        """Say it, and hang where that is wanted."""
        self._say("cluster")
        if "hangs" in TRAITS and not Path(daemon.PLAN.gate).exists():
            say("hanging", due=cluster.due_time())
            while not Path(daemon.PLAN.gate).exists():
                time.sleep(0.02)

    def _say(self, scope: str) -> None:
        say("ran", scope=scope, due=cluster.due_time())


class WithTasks(service.Service):
    """Runs the tasks."""

    def start(self) -> None:
        """Run them."""
        self.tasks = Tasks(CONF)
        self.tg.add_dynamic_timer(self.tasks.run_periodic_tasks, context=None)
        say("started", connected=bool(membership._members.get()))


class Sharing(service.Service):
    """Says which of some keys are this worker's, whenever that changes."""

    def start(self) -> None:
        """Become a member."""
        self.shards = cluster.partition("keys", CONF, on_change=self.tell)
        self.shards.join()

    def tell(self, shards: cluster.Partition) -> None:
        """Say it."""
        say("shares", members=len(shards.members), keys=shards.mine(range(100)))


class Single(service.ServiceBase):
    """Says what happens to it, and may not end."""

    def start(self) -> None:
        """Begin."""
        self.ended = backend.get_backend().event()
        say("leads", at=time.clock_gettime(time.CLOCK_BOOTTIME))

    def stop(self) -> None:
        """End, where that is wanted."""
        say("stop", at=time.clock_gettime(time.CLOCK_BOOTTIME))
        if "stubborn" not in TRAITS:
            self.ended.set()

    def wait(self) -> None:
        """Wait for the end."""
        self.ended.wait()
        say("ended", at=time.clock_gettime(time.CLOCK_BOOTTIME))


def tell(event: events.Event) -> None:
    """Say what has happened."""
    details = {
        name: value if isinstance(value, int | float | str | bool) else str(value)
        for name, value in vars(event).items()
        if name != "pid"
    }
    say(
        "happened", kind=type(event).__name__, of=getattr(event, "pid", None), **details
    )
    if "blocking subscriber" in TRAITS and isinstance(event, events.Ready):
        say("blocking")
        time.sleep(600)


def main() -> int:
    """Run what the plan says."""
    opts.register_service_opts(CONF)
    CONF(daemon.PLAN.arguments, project="clustered", default_config_files=[])
    if "cluster" in TRAITS:
        CONF.set_override("cluster_url", "test://", "oslo_service")
        membership._connection = lambda *_args: FileConnection()
        schemes.SCHEMES["test"] = schemes.Scheme(None)
    logging.basicConfig(level=logging.INFO, stream=sys.stdout)
    events.subscribe(tell)
    what: service.ServiceBase = WithTasks()
    if "single" in TRAITS:
        what = cluster.SingleService(Single(), CONF)
    if "sharing" in TRAITS:
        what = Sharing()
    launcher = service.launch(CONF, what, workers=daemon.PLAN.workers)
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    say("waiting")
    return launcher.wait() or 0


if __name__ == "__main__":
    sys.exit(main())
