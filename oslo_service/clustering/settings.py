# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The options of the cluster, as they are set."""

import os
import re
import sys

from oslo_config import cfg

from oslo_service import opts
from oslo_service._common.records import Record
from oslo_service.clustering import host
from oslo_service.clustering.simulated import simulated
from oslo_service.supervisor import current
from oslo_service.supervisor.configuration import check_cluster

__all__ = ("Settings", "configured", "read")

_WITHOUT = (
    "[oslo_service] cluster_url is not set: what is to run once per cluster runs once"
    " per host"
)
_GROUP = "The group of this process in the cluster: {!r}, "
_SET = _GROUP + "as cluster_group says"
_UNSET = _GROUP + (
    "the name of the program: where several programs are one service, set"
    " [oslo_service] cluster_group, the same for all"
)


class Settings(Record):
    """The options of a cluster.

    :ivar url: where the server is; empty: there is no cluster.
    :ivar group: the name that all processes of the service share.
    :ivar lease: how long a lock is kept without a heartbeat, in seconds.
    :ivar skew: by how many seconds the clocks of two hosts may differ.
    """

    url: str
    group: str
    lease: int
    skew: float


def configured() -> cfg.ConfigOpts:
    """Return the configuration to use by default: the launcher's, or the global one."""
    supervisor = current.known()
    conf = None if supervisor is None or supervisor.left else supervisor.conf
    return cfg.CONF if conf is None else conf


def read(conf: cfg.ConfigOpts) -> Settings:
    """Return the options of the cluster; they are registered if need be.

    Logs, once, what the group is, or that there is no cluster where there is none.

    :raises ClusterOptionError: there is none, and ``cluster_required`` is set.
    """
    opts.register_cluster_opts(conf)
    if not isinstance(conf, cfg.ConfigOpts):  # a stand-in, which cannot say
        return Settings(url="", group="service", lease=15, skew=1.0)
    options = conf.oslo_service
    group = _plain(options.cluster_group or _program(conf))
    if simulated.get() is None:
        check_cluster(conf)
        named = _SET if options.cluster_group else _UNSET
        host.say_once(named.format(group) if options.cluster_url else _WITHOUT)
    return Settings(
        url=options.cluster_url or "",
        group=group,
        lease=options.cluster_lease,
        skew=options.cluster_skew,
    )


def _program(conf: cfg.ConfigOpts) -> str:
    """Return the name of the program, without its path; of a package, the package's."""
    path = getattr(conf, "prog", None) or sys.argv[0]
    name = os.path.basename(path).removesuffix(".py")  # noqa: PTH119
    if name == "__main__":  # python -m PACKAGE
        name = os.path.basename(os.path.dirname(sys.argv[0]))  # noqa: PTH119
    return name or "service"


def _plain(name: str) -> str:
    """Return a name in characters that every server accepts."""
    return re.sub(r"[^A-Za-z0-9_.-]", lambda found: f"%{ord(found[0]):x}", name)
