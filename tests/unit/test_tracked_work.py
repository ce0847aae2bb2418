# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Work that is tracked: what the end waits for, and who is told when it is over."""

import asyncio
import concurrent.futures
import threading
import types
from typing import Any

import pytest

from oslo_service import work
from oslo_service.supervisor import tracked_work
from oslo_service.supervisor.loop import Supervisor
from oslo_service.supervisor.work_limits import WorkLimits
from oslo_service.supervisor.workers.limits import Limits


@pytest.fixture(autouse=True)
def nobody_waits() -> Any:
    yield
    assert not tracked_work.running()
    tracked_work.running().on_idle = None
    tracked_work.running().on_limit = None


def elsewhere(piece: Any, release: threading.Event) -> threading.Thread:
    """Have a piece of work in progress in another thread."""
    begun = threading.Event()

    def run() -> None:
        with piece:
            begun.set()
            release.wait(30)

    thread = threading.Thread(target=run)
    thread.start()
    assert begun.wait(30)
    return thread


def test_who_waits_is_told_when_the_last_one_is_over() -> None:
    release, told = threading.Event(), []
    with work.track("here"):
        thread = elsewhere(work.track("there"), release)
        assert tracked_work.is_awaited(lambda: told.append(True))
    assert not told
    release.set()
    thread.join(30)
    assert told == [True]
    with work.track("nobody waits for this"):
        pass
    assert told == [True]
    assert not tracked_work.is_awaited(lambda: None)


def test_nobody_waits_for_work_that_he_is_at_himself() -> None:
    with work.track("here"):
        assert not tracked_work.is_awaited(lambda: None)
        release = threading.Event()
        thread = elsewhere(work.track("there"), release)
        assert tracked_work.is_awaited(lambda: None)
        release.set()
        thread.join(30)


def test_one_with_a_limit_is_told_when_it_begins() -> None:
    told: list[Any] = []
    tracked_work.running().on_limit = told.append
    with work.track("unlimited"), work.track("limited", limit=3) as piece:
        assert told == [piece]
        assert piece.limit == 3


def test_what_has_a_limit_is_known() -> None:
    with (
        work.track("unlimited"),
        work.track("short", limit=3) as short,
        work.track("long", limit=9) as long,
    ):
        found = sorted(tracked_work.limited(), key=lambda one: one[0])
        assert found == [(short.began + 3, short), (long.began + 9, long)]
    assert tracked_work.limited() == []


class TestLimits:
    """A worker tells its parent of work that takes too long."""

    @pytest.fixture
    def told(self) -> list[str]:
        return []

    @pytest.fixture
    def wakes(self) -> list[bool]:
        return []

    @pytest.fixture
    def limits(self, told, wakes) -> WorkLimits:
        return WorkLimits(told.append, lambda: wakes.append(True))

    def test_it_is_told_once_of_each(self, limits, told) -> None:
        with (
            work.track("resize", id=7, limit=3) as piece,
            work.track("upload", limit=9),
            work.track("unlimited"),
        ):
            assert limits.deadline == piece.began + 3
            limits.advance(piece.began + 2.9)
            assert told == []
            for _ in range(2):
                limits.advance(piece.began + 3)
            assert told == ["resize 7 takes longer than 3 s"]
            assert limits.deadline > piece.began + 8
            limits.advance(piece.began + 20)
            assert told[1:] == ["upload takes longer than 9 s"]
            assert limits.deadline is None
        assert limits.deadline is None
        assert not limits._told, "what is over is not kept"
        with work.track("resize", limit=3) as piece:
            limits.advance(piece.began + 3)
        assert len(told) == 3

    def test_who_turns_looks_again_when_one_begins(self, limits, wakes) -> None:
        assert limits.deadline is None
        with work.track("unlimited"):
            assert wakes == []
            with work.track("resize", limit=3):
                assert wakes == [True]

    def test_it_does_only_where_hangs_are_looked_for(self, driver, told) -> None:
        link: Any = types.SimpleNamespace(outbox=None, tell_overdue=told.append)
        settings: Any = types.SimpleNamespace(limits=Limits())
        supervisor = Supervisor(driver, link)
        supervisor._limiting = settings
        try:
            assert supervisor._limits_of_work() is None
            settings.limits = Limits(worker_timeout=30)
            limits = supervisor._limits_of_work()
            assert limits is not None
            with work.track("resize", limit=3) as piece:
                limits.advance(piece.began + 9)
            assert told == ["resize takes longer than 3 s"]
            assert supervisor._limits_of_work() is limits
        finally:
            supervisor.abandon()


def test_coroutines_are_in_progress_until_they_have_ended() -> None:
    @work.tracked("sleeping")
    async def sleep() -> list[str]:
        await asyncio.sleep(0)
        return [one.name for one in tracked_work.running()]

    async def run() -> list[list[str]]:
        return await asyncio.gather(sleep(), sleep())

    assert asyncio.run(run()) == [["sleeping"] * 2, ["sleeping"]]


def test_a_future_of_asyncio() -> None:
    async def run() -> None:
        future = asyncio.get_running_loop().create_future()
        assert work.track_future(future, "waiting") is future
        assert len(tracked_work.running()) == 1
        future.set_result(None)
        await asyncio.sleep(0)

    asyncio.run(run())


def test_who_has_a_future_tracked_waits_for_it() -> None:
    future: concurrent.futures.Future[None] = concurrent.futures.Future()
    told: list[bool] = []
    work.track_future(future, "upload")
    assert tracked_work.is_awaited(lambda: told.append(True))
    assert not told
    future.set_result(None)
    assert told == [True]


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(TypeError, match="takes a future"):
        work.track_future(object(), "nothing")
    with pytest.raises(TypeError, match="takes a function or a name"):
        work.tracked(7)  # type: ignore[call-overload]


@pytest.mark.parametrize("limit", [-1, float("nan"), float("inf")])
def test_a_limit_that_nobody_could_keep_is_refused(limit: float) -> None:
    with pytest.raises(ValueError, match="limit must be 0 or more, and finite"):
        work.track("upload", limit=limit)
    with pytest.raises(ValueError, match="limit must be 0 or more, and finite"):
        work.tracked("upload", limit=limit)


def test_so_is_one_that_is_no_number() -> None:
    limit: Any = "30"
    with pytest.raises(TypeError, match="limit is a number of seconds, or None"):
        work.track("upload", limit=limit)
    with pytest.raises(TypeError, match="limit is a number of seconds, or None"):
        work.tracked(limit=limit)


def test_what_is_in_progress_says_what_it_is() -> None:
    assert repr(work.track("upload", id=7)) == "<work in progress: upload 7>"
    assert repr(work.track("upload")) == "<work in progress: upload>"


def test_the_oldest_comes_first() -> None:
    with work.track("first") as first, work.track("second") as second:
        now = second.began + 1
        assert tracked_work.in_progress(now) == [
            (first, now - first.began),
            (second, 1.0),
        ]
