# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What is known of the workers of a pool, at one moment."""

from collections.abc import Iterable, Iterator, Mapping

from oslo_service.supervisor.facts import ServiceFacts, State, WorkerFacts
from oslo_service.supervisor.tally import Tally
from oslo_service.supervisor.workers import crash_loops, state

__all__ = ("Sightings",)


class Sightings:
    """What a parent has seen of its workers, beyond what decides on their fate."""

    def __init__(self) -> None:
        self._heard: dict[state.Worker, float] = {}
        # The slots of which a worker has been ready, and its successor has not failed.
        self._served: set[state.Slot] = set()

    def heard(self, worker: state.Worker, now: float) -> None:
        """Record that something was heard of a worker."""
        self._heard[worker] = now
        if worker.ready_at is not None:
            self._served.add(worker.slot)

    def gone(self, worker: state.Worker) -> None:
        """Record that a worker has ended."""
        self._heard.pop(worker, None)
        if worker.ready_at is None and not worker.ordered:
            self._served.discard(worker.slot)

    def services(
        self,
        pool: state.PoolState,
        pids: Mapping[state.Worker, int],
        tally: Tally,
        now: float,
    ) -> Iterator[ServiceFacts]:
        """Return the services of a pool.

        :param pids: of its workers.
        :param tally: what has happened before.
        """
        surplus = dict.fromkeys(
            one.slot for one in pool.workers.values() if one.slot.surplus
        )
        for slots in _by_service(pool.slots):
            name, spec = str(slots[0].spec), slots[0].spec
            workers: list[WorkerFacts] = []
            # Surplus workers finish their work.
            for slot in (*slots, *(one for one in surplus if one.spec is spec)):
                restarts = tally.of_slot(name, slot.index)
                found = [one for one in pool.workers.values() if one.slot is slot]
                workers += [
                    self._worker(one, pids.get(one), restarts, now) for one in found
                ]
                running = pool.goal is state.Goal.RUN
                if slot.current is None and running and not slot.surplus:
                    workers.append(_vacant(slot, restarts))
            ready = any(self._serves(slot, now) for slot in slots)
            yield ServiceFacts(name, len(slots), ready, tuple(workers))

    def _worker(
        self,
        worker: state.Worker,
        pid: int | None,
        restarts: dict[str, int],
        now: float,
    ) -> WorkerFacts:
        watched = not (worker.ordered or worker.ready_at is None)
        heard = None
        if watched or worker.hung or worker.is_silent(now):
            heard = now - self._heard.get(worker, worker.started_at)
        return WorkerFacts(
            slot=worker.slot.index,
            state=_state(worker),
            pid=pid,
            generation=worker.generation,
            age=now - worker.started_at,
            heard=heard,
            number=worker.number,
            restarts=restarts,
        )

    def _serves(self, slot: state.Slot, now: float) -> bool:
        """Whether a slot has a worker, or is about to have one again."""
        worker = slot.current
        if worker is None:
            failing = slot.crashes >= crash_loops.CRASHES or slot.refusals
            return slot in self._served and not failing
        if worker.ordered and now >= worker.ordered_at + state.STARTING:
            return False  # it does not make way for the next one
        if worker.ready_at is not None:
            return not worker.hung
        return slot in self._served and now < worker.started_at + state.STARTING


def _by_service(slots: list[state.Slot]) -> Iterable[list[state.Slot]]:
    found: dict[int, list[state.Slot]] = {}
    for slot in slots:
        found.setdefault(id(slot.spec), []).append(slot)
    return found.values()


def _vacant(slot: state.Slot, restarts: dict[str, int]) -> WorkerFacts:
    what = State.REFUSED if slot.refusals else State.PAUSED
    return WorkerFacts(slot.index, what, restarts=restarts)


def _state(worker: state.Worker) -> State:
    if worker.killed:
        return State.KILLED
    if worker.hung:
        return State.HUNG
    if worker.stopped:
        return State.DRAINING
    if worker.ordered:
        return State.STOPPING
    return State.STARTING if worker.ready_at is None else State.READY
