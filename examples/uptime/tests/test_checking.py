# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The service sees whether targets can be reached, on every driver."""

import socket

import pytest
from oslo_config import cfg

from oslo_service import fixture
from uptime import checking, options

pytestmark = pytest.mark.usefixtures("oslo_service_driver")


@pytest.fixture
def clock():
    """The clock of loops: it goes on only where a test says so."""
    with fixture.ClockFixture() as clock:
        yield clock


@pytest.fixture
def target():
    """Somebody who listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


@pytest.fixture
def conf(target):
    conf = cfg.ConfigOpts()
    options.register(conf)
    conf([])
    conf.set_override("targets", [name(target)], options.GROUP)
    return conf


@pytest.fixture
def results():
    return checking.Results()


@pytest.fixture
def checker(conf, results, clock):
    checker = checking.Checker(conf, results)
    checker.start()
    yield checker
    checker.stop()
    checker.wait()


def name(target):
    return "{}:{}".format(*target.getsockname())


def test_it_looks_once_per_interval(checker, results, clock, target):
    where = name(target)
    clock.advance(0)
    assert results.all() == {where: True}

    target.close()
    clock.advance(9)
    assert results.all() == {where: True}
    clock.advance(1)
    assert results.all() == {where: False}


def test_it_adapts_to_other_options(checker, results, conf, clock):
    conf.set_override("targets", ["127.0.0.1:no-port"], options.GROUP)
    checker.reset()
    clock.advance(0)

    assert results.all() == {"127.0.0.1:no-port": False}
