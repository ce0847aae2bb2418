# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What the servers that tooz knows can do: tested, as tooz itself does not tell."""

import math

from oslo_service._common.records import Record
from oslo_service.backend.exceptions import ClusterOptionError

__all__ = ("SCHEMES", "Scheme", "known")


class Scheme(Record):
    """What one kind of server can do.

    :ivar package: the package of its client; None: tooz needs none.
    :ivar leases: whether it takes a lock from who is cut off, or paused, once the
        lease is over; else only from who has ended.
    :ivar hosts: whether it joins processes of several hosts.
    :ivar lasting: whether a lock is kept as long as the connection is.
    :ivar slack: by how many seconds it may count a lease earlier than it was asked.
    """

    package: str | None
    leases: bool = True
    hosts: bool = True
    lasting: bool = False
    slack: float = 0.0

    def lease(self, seconds: float) -> float:
        """Return the length of its leases, where so many seconds are asked for."""
        return seconds if self.leases else math.inf


_ETCD = Scheme("etcd3gw")
# A follower of an ensemble tells the leader of what it has heard once in half a tick,
# which is 1 s by default.
_ZOOKEEPER = Scheme("kazoo", lasting=True, slack=1.0)

#: What can be in ``cluster_url``.
SCHEMES = {
    "etcd3+http": _ETCD,
    "etcd3+https": _ETCD,
    "redis": Scheme("redis"),
    "zookeeper": _ZOOKEEPER,
    "kazoo": _ZOOKEEPER,
    # It counts whole seconds, by a clock of its own.
    "memcached": Scheme("pymemcache", slack=1.0),
    "file": Scheme(None, leases=False, hosts=False, lasting=True),
}

# What tooz knows besides, and why that will not do.
_REFUSED = {
    "mysql": "its locks have no lease, and it has no groups",
    "postgresql": "its locks have no lease, and it has no groups",
    "ipc": "it has no lease, and leaves locks behind; use file:",
    "kubernetes": "it has no groups, and its locks cannot be confirmed",
}


def known(scheme: str) -> Scheme:
    """Return what a scheme can do.

    :raises ClusterOptionError: it is none that will do.
    """
    if scheme in SCHEMES:
        return SCHEMES[scheme]
    reason = _REFUSED.get(scheme, "there is no such scheme")
    raise ClusterOptionError(
        f"[oslo_service] cluster_url: {scheme}: {reason}. What will do:"
        f" {', '.join(sorted(SCHEMES))}"
    )
