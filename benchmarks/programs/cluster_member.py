# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Members of a cluster: ``cluster_member DRIVER URL LEASE WORKERS KEYS REPORT``.

Each worker shares so many keys with the others, and has a periodic task of the
cluster that is not due. It tells, in a line of the file REPORT, whenever the members
change: its process id, when that is, how many there are, and how many keys it owns.
On SIGUSR1 it leaves.
"""

import os
import sys
import time

from harness.inside import select

_driver, _url, _lease, _workers, _keys, _report = sys.argv[1:]
select(_driver)

from oslo_config import cfg  # noqa: E402 - after the choice of the driver
from oslo_service import cluster, opts, periodic_task, service  # noqa: E402

CONF = cfg.CONF
KEYS = [f"key-{number}" for number in range(int(_keys))]


class Tasks(periodic_task.PeriodicTasks):
    """Has a task that is due once a month."""

    @periodic_task.periodic_task(spacing=30 * 86400, scope="cluster")
    def rare(self, _context):
        """Do nothing."""


class Member(service.Service):
    """A member."""

    def start(self):
        """Join."""
        service.SignalHandler().add_handler("SIGUSR1", self._leave)
        self.tg.add_dynamic_timer(Tasks(CONF).run_periodic_tasks, context=None)
        self._keys = cluster.partition("keys", on_change=tell)
        self._keys.join()

    def _leave(self, *_):
        self._keys.leave()


def tell(keys):
    """Tell who the members are."""
    members = len(keys.members)
    line = f"{os.getpid()} {time.monotonic()} {members} {len(keys.mine(KEYS))}\n"
    fd = os.open(_report, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.write(fd, line.encode())
    os.close(fd)


def main():
    """Run until a signal says to end."""
    opts.register_service_opts(CONF)
    CONF([], project="benchmark", default_config_files=[])
    CONF.set_override("cluster_url", _url, "oslo_service")
    CONF.set_override("cluster_lease", int(_lease), "oslo_service")
    launcher = service.ProcessLauncher(CONF)
    launcher.launch_service(Member(), workers=int(_workers))
    launcher.wait()


if __name__ == "__main__":
    main()
