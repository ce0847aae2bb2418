# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Clusters: tasks and services that run on one of many hosts, and shared keys.

The options say where the processes of a service find each other, and periodic tasks
how often each is run among them::

    class Manager(periodic_task.PeriodicTasks):
        @periodic_task.periodic_task(spacing=60, scope="cluster")
        def clean_up(self, context):
            remove_what_is_older_than(cluster.due_time() - DAY)

A service that only one process of all is to run is launched as any other::

    launcher = service.launch(CONF, cluster.SingleService(Scheduler()))

And keys can be divided among the processes::

    shards = cluster.partition("volumes")
    for volume in shards.mine(all_volumes()): ...

This is done by tooz, which is imported when it is needed first.
"""

from oslo_config import cfg

from oslo_service._common.public_names import set_modules
from oslo_service.backend.exceptions import ClusterOptionError
from oslo_service.clustering import host
from oslo_service.clustering.partition import OnChange, Partition
from oslo_service.clustering.scoped_task import due_time
from oslo_service.clustering.single_service import SingleService

__all__ = (
    "ClusterOptionError",
    "Partition",
    "SingleService",
    "due_time",
    "partition",
)

set_modules(globals())

# A program that imports this needs workers that can ask their parent, also where what
# asks is made in a worker.
host.prepare()


def partition(
    group: str,
    conf: cfg.ConfigOpts | None = None,
    on_change: OnChange | None = None,
) -> Partition:
    """Return the partition of the keys that the members of a group share.

    :param group: the name that the members share, besides ``cluster_group``.
    :param conf: has the options; the launcher's if not given.
    :param on_change: called with the partition when the members have changed.
    :raises TypeError: ``on_change`` is asynchronous.
    """
    return Partition(group, conf, on_change)
