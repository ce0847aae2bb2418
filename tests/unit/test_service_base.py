# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""ServiceBase as one of several bases, as oslo.messaging's servers have it."""

import pytest
from oslo_config import cfg

from oslo_service import service


class Beside:
    def __init__(self):
        super().__init__()
        self.prepared = True


class Both(service.ServiceBase, Beside):
    def start(self):
        pass

    def stop(self):
        pass

    def wait(self):
        pass


@pytest.mark.parametrize("arguments", [(), (cfg.ConfigOpts(),)])
def test_the_constructors_of_further_bases_run(arguments):
    both = Both(*arguments)

    assert both.prepared
    assert [both.conf] == list(arguments) if arguments else not hasattr(both, "conf")


class Scheduler:
    """As APScheduler's: it has parameters of its own."""

    def __init__(self, settings, **options):
        super().__init__()
        self.given = settings, options


class Scheduled(service.ServiceBase, Scheduler):
    start = stop = wait = Both.start


def test_what_the_constructor_does_not_know_goes_to_the_next_base():
    scheduled = Scheduled({"jobs": 1}, executors=3)

    assert scheduled.given == ({"jobs": 1}, {"executors": 3})
    assert not hasattr(scheduled, "conf")


def test_a_configuration_is_kept_and_goes_to_the_next_base_that_takes_one():
    conf = cfg.ConfigOpts()
    scheduled = Scheduled(conf, executors=3)

    assert scheduled.given == (conf, {"executors": 3})
    assert scheduled.conf is conf


def test_a_configuration_can_be_given_by_name():
    conf = cfg.ConfigOpts()
    both = Both(conf=conf)

    assert both.prepared
    assert both.conf is conf


@pytest.mark.parametrize(("args", "kwargs"), [((1, 2), {}), ((), {"config": 1})])
def test_what_nobody_takes_is_a_type_error(args, kwargs):
    class Plain(service.ServiceBase):
        start = stop = wait = Both.start

    with pytest.raises(TypeError, match="__init__"):
        Plain(*args, **kwargs)
    with pytest.raises(TypeError):
        Both(*args, **kwargs)
