# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What a parent knows of its workers: their states, and whether a service is ready."""

from collections.abc import Callable

import pytest

from oslo_service.supervisor.facts import ServiceFacts
from oslo_service.supervisor.tally import Tally
from oslo_service.supervisor.workers import crash_loops, state
from oslo_service.supervisor.workers.facts import Sightings


class Pool:
    """A pool whose workers do as they are told here, by a clock turned by hand."""

    def __init__(self, **services: int) -> None:
        self.now = 0.0
        self.state = state.PoolState(lambda: 60.0)
        self.seen = Sightings()
        for name, workers in services.items():
            self.state.add(name, workers)
        self.actions: list[state.Action] = []
        self.advance()

    def advance(self, seconds: float = 0.0) -> None:
        self.now += seconds
        self.actions += self.state.advance(self.now)

    def current(self, slot: int) -> state.Worker:
        worker = self.state.slots[slot].current
        assert worker is not None
        return worker

    def ready(self, *slots: int) -> None:
        for slot in slots:
            worker = self.current(slot)
            self.state.ready(worker, self.now)
            self.seen.heard(worker, self.now)

    def stopped(self, worker: state.Worker) -> None:
        self.state.stopped(worker)
        self.seen.heard(worker, self.now)
        self.advance()

    def die(self, slot: int) -> None:
        worker = self.current(slot)
        self.seen.gone(worker)
        self.state.gone(worker, 1, self.now)
        self.advance()

    def services(self) -> list[ServiceFacts]:
        pids = {one: 100 + one.number for one in self.state.workers.values()}
        return list(self.seen.services(self.state, pids, Tally(), self.now))

    def states(self) -> list[str]:
        return [one.state.value for one in self.services()[0].workers]

    @property
    def serves(self) -> bool:
        return self.services()[0].ready


def test_a_worker_from_its_start_to_its_end() -> None:
    pool = Pool(api=1)
    assert pool.states() == ["starting"]
    pool.ready(0)
    assert pool.states() == ["ready"]
    pool.state.stop()
    pool.advance()
    assert pool.states() == ["stopping"]
    pool.stopped(pool.current(0))
    assert pool.states() == ["draining"]
    pool.advance(100)
    assert pool.states() == ["killed"]
    pool.die(0)
    assert pool.services()[0].workers == ()


def test_what_is_known_of_each() -> None:
    pool = Pool(api=2, rpc=1)
    pool.ready(0, 1)
    pool.advance(7.5)
    pool.seen.heard(pool.current(1), pool.now)
    pool.advance(2.5)
    api, rpc = pool.services()
    assert (api.name, api.slots, rpc.name, rpc.slots) == ("api", 2, "rpc", 1)
    first, second = api.workers
    assert (first.slot, first.pid, first.number, first.generation) == (0, 101, 1, 0)
    assert (second.slot, second.pid) == (1, 102)
    assert (first.age, first.heard, second.heard) == (10.0, 10.0, 2.5)
    # One that starts has its own time for that, up to a limit.
    assert rpc.workers[0].heard is None
    pool.advance(state.STARTING + state.BEGINNING)
    assert pool.services()[1].workers[0].heard == pytest.approx(45.0)


def test_one_that_hangs_is_still_to_be_heard_of() -> None:
    pool = Pool(api=2)
    pool.ready(0, 1)
    pool.advance(7.5)
    worker = pool.current(0)
    worker.hung = worker.ordered = True
    first, second = pool.services()[0].workers
    assert (first.state.value, first.heard) == ("hung", 7.5)
    assert second.state.value == "ready"
    assert pool.serves
    pool.current(1).hung = True
    assert not pool.serves


def test_one_that_finishes_its_work_stands_beside_its_successor() -> None:
    pool = Pool(api=1)
    pool.ready(0)
    pool.state.reload()
    pool.advance()
    pool.stopped(pool.current(0))
    assert pool.states() == ["draining", "starting"]
    assert [one.generation for one in pool.services()[0].workers] == [0, 1]


def test_an_empty_slot_says_why() -> None:
    pool = Pool(api=1)
    for _ in range(3):
        pool.die(0)
    assert pool.states() == ["paused"]
    pool.advance(1.0)
    pool.state.refused(pool.current(0), pool.now)
    assert pool.states() == ["refused"]


class TestReady:
    """A reload does not make a service unready, nor does one death."""

    def test_it_is_not_before_the_first_worker_is(self) -> None:
        pool = Pool(api=2)
        assert not pool.serves
        pool.ready(1)
        assert pool.serves

    def test_a_reload_does_not_change_that(self) -> None:
        pool = Pool(api=1)
        pool.ready(0)
        pool.state.reload()
        pool.advance()
        assert pool.serves
        pool.stopped(pool.current(0))
        assert pool.states() == ["draining", "starting"]
        assert pool.serves

    def test_but_who_never_stops_for_it_does(self) -> None:
        pool = Pool(api=1)
        pool.ready(0)
        pool.advance(60)
        pool.state.reload()
        pool.advance()
        pool.advance(state.STARTING - 0.1)
        assert pool.serves
        pool.advance(0.1)
        assert not pool.serves

    def test_one_death_does_not_either_but_a_second_does(self) -> None:
        pool = Pool(api=1)
        pool.ready(0)
        pool.advance(60)
        pool.die(0)
        assert pool.states() == ["starting"]
        assert pool.serves
        pool.die(0)
        assert not pool.serves
        pool.ready(0)
        assert pool.serves

    def test_a_successor_has_its_time_to_start_and_no_more(self) -> None:
        pool = Pool(api=1)
        pool.ready(0)
        pool.advance(60)
        pool.die(0)
        pool.advance(state.STARTING - 0.1)
        assert pool.serves
        pool.advance(0.1)
        assert not pool.serves

    @pytest.mark.parametrize("lose", [lambda pool: pool.die(0), lambda pool: None])
    def test_siblings_that_are_ready_do(self, lose: Callable[[Pool], None]) -> None:
        pool = Pool(api=2)
        pool.ready(0, 1)
        for _ in range(4):
            lose(pool)
            pool.advance(0.5)
        assert pool.serves

    def test_a_crash_loop_is_not_ready(self) -> None:
        pool = Pool(api=1)
        for _ in range(crash_loops.CRASHES):
            pool.ready(0)
            pool.die(0)
        assert pool.states() == ["paused"]
        assert not pool.serves


def test_a_worker_that_is_one_too_many_is_shown_until_it_has_ended() -> None:
    pool = Pool(service=2)
    pool.ready(0, 1)
    surplus = pool.current(1)
    pool.state.resize(surplus.slot.spec, 1)
    pool.advance()
    (service,) = pool.services()
    assert (service.slots, service.ready) == (1, True)
    assert pool.states() == ["ready", "stopping"]
    pool.stopped(surplus)
    assert pool.states() == ["ready", "draining"]
    pool.seen.gone(surplus)
    pool.state.gone(surplus, 0, pool.now)
    pool.advance()
    assert pool.states() == ["ready"]
