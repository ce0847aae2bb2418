# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""How many requests a worker answers before it says that it is enough."""

import random
import threading
from typing import Any
from unittest import mock

import pytest

from oslo_service.supervisor.request_limit import RequestLimit
from oslo_service.supervisor.workers.limits import Limits


class Worker:
    """One that counts, with a chance that is given."""

    def __init__(self, chance: float = 0.0, **limits: Any) -> None:
        self.settings = mock.Mock(limits=Limits(**limits))
        self.told = 0
        with mock.patch.object(random, "random", return_value=chance):
            self.request_limit = RequestLimit(self.settings, self._tell)

    def _tell(self) -> None:
        self.told += 1

    def answers(self, count: int) -> int:
        """Answer so many; return how often it has told so far."""
        for _ in range(count):
            self.request_limit.count()
        return self.told


def test_it_tells_once_when_it_has_answered_as_many() -> None:
    worker = Worker(worker_max_requests=10)
    assert worker.answers(9) == 0
    assert worker.answers(1) == 1
    assert worker.answers(100) == 1


@pytest.mark.parametrize(("chance", "most"), [(0.0, 100), (0.5, 95), (1.0, 90)])
def test_chance_takes_a_part_of_it(chance: float, most: int) -> None:
    worker = Worker(chance, worker_max_requests=100, worker_jitter=0.1)
    assert worker.answers(most - 1) == 0
    assert worker.answers(1) == 1


def test_without_a_limit_nothing_is_counted_and_one_that_comes_counts_from_then() -> (
    None
):
    worker = Worker()
    assert worker.answers(1000) == 0
    worker.settings.limits = Limits(worker_max_requests=10)
    assert worker.answers(9) == 0
    assert worker.answers(1) == 1


def test_threads_that_count_together_lose_none() -> None:
    worker = Worker(worker_max_requests=4000)
    threads = [threading.Thread(target=worker.answers, args=(999,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert worker.told == 0
    assert worker.answers(4) == 1
