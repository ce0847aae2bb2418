# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Which keys are one member's, by tooz's hash ring."""

from collections.abc import Collection

from oslo_service._common.extras import need, without_eventlet

__all__ = ("Ring",)


class Ring:
    """Which keys are one member's, of those that some share.

    All members hash all keys whenever one comes or goes; so what is asked is whether a
    place on the ring is one's own. The ring itself would list its members for each key.

    :param members: who share.
    :param member: whose keys are asked for.
    """

    def __init__(self, members: Collection[str], member: str) -> None:
        with without_eventlet():
            hashring = need("tooz.hashring", "cluster")
        ring = hashring.HashRing(sorted(members))
        self._place_of = ring._get_partition
        places = range(len(ring))
        self._own = frozenset(one for one in places if ring._get_node(one) == member)

    def owns(self, key: object) -> bool:
        """Whether a key is the member's: bytes, or what has a text."""
        name = key if isinstance(key, bytes) else str(key).encode()
        return self._place_of(name) in self._own
