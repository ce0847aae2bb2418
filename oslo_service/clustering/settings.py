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

    Logs, once, that there is no cluster where there is none.

    :raises ClusterOptionError: there is none, and ``cluster_required`` is set.
    """
    opts.register_cluster_opts(conf)
    if not isinstance(conf, cfg.ConfigOpts):  # a stand-in, which cannot say
        return Settings(url="", group="service", lease=15, skew=1.0)
    options = conf.oslo_service
    if simulated.get() is None:
        check_cluster(conf)
        if not options.cluster_url:
            host.say_once(_WITHOUT)
    return Settings(
        url=options.cluster_url or "",
        group=_plain(options.cluster_group or _program(conf)),
        lease=options.cluster_lease,
        skew=options.cluster_skew,
    )


def _program(conf: cfg.ConfigOpts) -> str:
    """Return the name of the service: of the program, without its path."""
    name = getattr(conf, "prog", None) or sys.argv[0]
    return os.path.basename(name).removesuffix(".py") or "service"  # noqa: PTH119


def _plain(name: str) -> str:
    """Return a name in characters that every server accepts."""
    return re.sub(r"[^A-Za-z0-9_.-]", lambda found: f"%{ord(found[0]):x}", name)
