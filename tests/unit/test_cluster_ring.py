# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Which keys are whose: what tooz says, asked in a quicker way."""

from oslo_service._common.extras import without_eventlet
from oslo_service.clustering.ring import Ring

MEMBERS = [f"host:{number}:{number:08x}" for number in range(7)]
KEYS = [f"volume-{number}" for number in range(500)]


def test_a_key_is_whose_tooz_says() -> None:
    with without_eventlet():
        from tooz import hashring

    theirs = hashring.HashRing(sorted(MEMBERS))
    for member in MEMBERS:
        ring = Ring(MEMBERS, member)
        own = [key for key in KEYS if ring.owns(key)]
        assert own == [key for key in KEYS if member in theirs[key.encode()]]
        assert own


def test_each_key_is_one_members() -> None:
    rings = [Ring(MEMBERS, member) for member in MEMBERS]
    for key in (*KEYS, 7, b"bytes", ""):
        assert sum(ring.owns(key) for ring in rings) == 1
