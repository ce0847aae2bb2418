# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What cannot go to another interpreter is found, and named."""

import threading

import pytest
from oslo_config import cfg

from oslo_service.supervisor.workers import pickling


class Service:
    """Has what it is given."""

    def __init__(self, **attributes: object) -> None:
        vars(self).update(attributes)


def refusal(service: Service) -> str:
    """Return why it is refused."""
    with pytest.raises(TypeError) as raised:
        pickling.check_picklable(service, cfg.ConfigOpts())
    return str(raised.value)


def test_what_can_be_pickled_is_not_refused() -> None:
    pickling.check_picklable(Service(numbers=[1, 2], other=Service()), cfg.ConfigOpts())


def test_what_is_in_the_way_is_named_by_its_path() -> None:
    told = refusal(Service(parts={"lock": threading.Lock()}))
    assert "parts['lock'] (<unlocked _thread.lock" in told


def test_a_module_is_not_looked_into() -> None:
    assert "used (<module 'threading'" in refusal(Service(used=threading))


def test_objects_that_refer_to_each_other_are_looked_at_once() -> None:
    crowd = [Service(lock=threading.Lock()) for _ in range(40)]
    for one in crowd:
        one.others = crowd
    assert "crowd[0].lock (<unlocked" in refusal(Service(crowd=crowd))
