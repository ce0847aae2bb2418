# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The schemes of ``cluster_url``: what each kind of server can do.

Found out by tests, as tooz does not tell.
"""

import math

from oslo_service._common.records import Record
from oslo_service.backend.exceptions import ClusterOptionError

__all__ = ("SCHEMES", "Scheme", "known")


class Scheme(Record):
    """What one kind of server can do.

    :ivar package: the module of its client; None: tooz needs none.
    :ivar leases: whether a process that is cut off, or paused, loses its locks when
        the lease is over; else only one that has ended does.
    :ivar hosts: whether it joins processes of several hosts.
    :ivar lasting: see :class:`~oslo_service.clustering.connection.Connection`.
    :ivar slack: see there; in seconds.
    """

    package: str | None
    leases: bool = True
    hosts: bool = True
    lasting: bool = False
    slack: float = 0.0

    def lease(self, seconds: float) -> float:
        """Return the length of its leases in seconds, where so many are configured."""
        return seconds if self.leases else math.inf


_ETCD = Scheme("etcd3gw")
# A follower of an ensemble reports heartbeats to its leader once in half a tick, which
# is 1 s by default.
_ZOOKEEPER = Scheme("kazoo", lasting=True, slack=1.0)

#: By the scheme of ``cluster_url``.
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

# Other schemes of tooz, and why they will not do.
_REFUSED = {
    "mysql": "its locks have no lease, and it has no groups",
    "postgresql": "its locks have no lease, and it has no groups",
    "ipc": "it has no lease, and leaves locks behind; use file:",
    "kubernetes": "it has no groups, and its locks cannot be confirmed",
}


def known(scheme: str) -> Scheme:
    """Return what a scheme can do.

    :raises ClusterOptionError: it is unknown, or will not do.
    """
    if scheme in SCHEMES:
        return SCHEMES[scheme]
    reason = _REFUSED.get(scheme, "there is no such scheme")
    raise ClusterOptionError(
        f"[oslo_service] cluster_url: {scheme}: {reason}. What will do:"
        f" {', '.join(sorted(SCHEMES))}"
    )
