# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The collector's tests, for pytest."""

import socket
import threading
import time

import collector
import pytest

LIMIT = 30.0
pytestmark = pytest.mark.usefixtures("oslo_service_driver")


def until(condition):
    """Wait for a condition: time.sleep() lets others run on every driver."""
    end = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)


@pytest.fixture
def collecting():
    """Makes collectors that ask once, and stops them afterwards."""
    made = []

    def collect(**sources):
        made.append(collector.Collector(sources, period=3600.0))
        made[-1].start()
        return made[-1]

    yield collect
    for one in made:
        one.stop()


def test_every_source_is_asked(collecting):
    collected = collecting(one=lambda: 1.0, two=lambda: 2.0)

    until(lambda: collected.values == {"one": 1.0, "two": 2.0})


def test_sources_are_asked_side_by_side(collecting):
    # Each waits for the other: one after the other, they would wait for ever.
    meeting = threading.Barrier(2, timeout=LIMIT)
    collected = collecting(
        left=lambda: float(meeting.wait() >= 0), right=lambda: float(meeting.wait() < 2)
    )

    until(lambda: collected.values == {"left": 1.0, "right": 1.0})


def test_a_source_may_wait_for_the_network(collecting):
    here, there = socket.socketpair()
    with here, there:
        collected = collecting(network=lambda: float(here.recv(10)))
        assert collected.values == {}
        there.sendall(b"21")
        until(lambda: collected.values == {"network": 21.0})


def test_the_driver_is_told(oslo_service_driver):
    assert oslo_service_driver.name
    assert oslo_service_driver.is_prepared()
