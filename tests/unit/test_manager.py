# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""How what is to be said gets to systemd, or does not."""

import pytest

from oslo_service.supervisor.systemd.notifier import Manager
from oslo_service.testing.receiver import Receiver


class Flag:
    def __init__(self):
        self.up = False

    def is_set(self):
        return self.up


class Unit:
    """Stands for a launcher's services: what it is asked is set by hand."""

    def __init__(self, readings=0):
        self.workers = self.places = 1
        self.readings = readings
        self.stopping = False
        self.ended = Flag()


@pytest.fixture
def receiver():
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def manager(receiver, monkeypatch):
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    return Manager(receiver.environment["NOTIFY_SOCKET"])


def announce(manager, units):
    manager.ready(units, 100.0, lambda *_: False)


def test_a_reload_is_told_also_after_a_launcher_has_gone(manager, receiver):
    gone, unit = Unit(readings=2), Unit()
    announce(manager, [gone, unit])
    assert not manager.tell([unit], 101.0)
    unit.readings = 1
    assert manager.tell([unit], 102.0)
    assert not manager.tell([unit], 103.0)
    assert ["RELOADING=1", "MONOTONIC_USEC=102000000"] in receiver.rest()


def test_what_cannot_be_said_now_is_said_later_in_order(manager, receiver):
    unit = Unit()
    announce(manager, [unit])
    while manager.deadline is None:
        unit.places += 1
        manager.tell([unit], 101.0)
    unit.readings = 1
    assert manager.tell([unit], 101.1)
    manager.ready([unit], 101.1, lambda *_: None)
    received = receiver.rest()
    assert "STATUS=1 of 2 workers, 0 restarts" in received[1]
    manager.tell([unit], manager.deadline)
    assert [lines[0] for lines in receiver.rest()] == [
        f"STATUS=1 of {unit.places} workers, 0 restarts",
        "RELOADING=1",
        "READY=1",
    ]
    assert manager.deadline is None


def test_that_nobody_listens_is_logged_once(manager, receiver, caplog):
    unit = Unit()
    announce(manager, [unit])
    caplog.clear()
    receiver.close()
    for number in range(3):
        unit.places += 1
        manager.tell([unit], 101.0 + number)
    assert len(caplog.records) == 1
    assert "NOTIFY_SOCKET" in caplog.text
    assert manager.deadline is None
