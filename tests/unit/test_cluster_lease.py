# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""For how long a lock is sure to be held."""

import math

import pytest

from oslo_service.clustering.lease import Lease

LENGTH = 15.0
MARGIN = 0.75


@pytest.fixture
def lease() -> Lease:
    return Lease(LENGTH)


def test_it_is_not_held_before_it_was_taken(lease) -> None:
    assert not lease.held
    assert not lease.is_sure(0.0)
    assert not lease.passed(1e9)
    assert lease.confirm_at == lease.endangered_at == math.inf


def test_it_lasts_from_before_the_server_was_asked_less_a_margin(lease) -> None:
    assert lease.taken(asked=100.0, now=103.0)
    assert lease.is_sure(100.0 + LENGTH - MARGIN - 0.001)
    assert not lease.is_sure(100.0 + LENGTH - MARGIN)


@pytest.mark.parametrize(("seconds", "margin"), [(5.0, 0.5), (60.0, 3.0)])
def test_the_margin_grows_with_the_lease_and_is_half_a_second_at_least(
    seconds, margin
) -> None:
    lease = Lease(seconds)
    lease.taken(0.0, 0.0)
    assert lease.deadline == pytest.approx(seconds - margin)


def test_a_server_that_counts_earlier_has_that_taken_off(lease) -> None:
    slack = Lease(LENGTH, slack=1.0)
    for one in (lease, slack):
        one.taken(0.0, 0.0)
    assert slack.deadline == lease.deadline - 1.0


def test_an_answer_that_takes_longer_than_the_lease_gives_nothing(lease) -> None:
    assert not lease.taken(asked=100.0, now=100.0 + LENGTH)
    assert not lease.held


def test_a_confirmation_counts_from_before_it_was_asked_for(lease) -> None:
    lease.taken(0.0, 0.0)
    assert lease.confirmed(asked=3.0, now=9.0)
    assert lease.deadline == 3.0 + LENGTH - MARGIN


def test_a_confirmation_after_the_deadline_confirms_nothing(lease) -> None:
    lease.taken(0.0, 0.0)
    assert not lease.confirmed(asked=3.0, now=LENGTH - MARGIN)
    assert not lease.held
    assert not lease.is_sure(LENGTH - MARGIN)


def test_what_was_given_up_is_not_confirmed(lease) -> None:
    lease.taken(0.0, 0.0)
    lease.give_up()
    assert not lease.confirmed(asked=1.0, now=1.0)
    assert not lease.is_sure(1.0)


def test_time_that_has_passed_is_told_of_once(lease) -> None:
    lease.taken(0.0, 0.0)
    assert not lease.passed(LENGTH / 2)
    assert lease.passed(LENGTH)
    assert not lease.passed(LENGTH)
    assert not lease.held


def test_it_is_confirmed_three_times_before_it_is_endangered(lease) -> None:
    lease.taken(0.0, 0.0)
    assert lease.confirm_at == 3.0
    assert lease.beat == 3.0
    assert lease.endangered_at == 10.0
    assert lease.endangered_at < lease.deadline


def test_one_without_a_length_lasts_until_it_is_given_up() -> None:
    lease = Lease(math.inf)
    assert lease.taken(0.0, 1e9)
    assert lease.is_sure(1e12)
    assert not lease.passed(1e12)
    assert lease.endangered_at == math.inf
    assert lease.beat == 60.0
