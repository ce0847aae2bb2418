# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Contract: random programs do on a driver what they do in a simple model."""

import hypothesis
from hypothesis import strategies

from oslo_service.backend.base import Driver
from oslo_service.testing import _model

PROGRAMS = strategies.lists(
    strategies.tuples(
        strategies.sampled_from(_model.STEPS),
        strategies.sampled_from([0, 1]),
        strategies.sampled_from(_model.ACTORS),
    ),
    min_size=5,
    max_size=25,
)


class TestPrograms:
    """Tasks, events, semaphores and a descriptor, used at random."""

    primitive = "what the last steps of the program use"

    # The same programs each time: what is found once is found again.
    @hypothesis.settings(
        max_examples=60,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=[*hypothesis.HealthCheck],
    )
    @hypothesis.given(program=PROGRAMS)
    def test_a_program_does_as_the_model_says(
        self, driver: Driver, program: list[tuple[str, int, str]]
    ) -> None:
        run = _model.Run(driver)
        for step in program:
            run.do(*step)
        run.close()
