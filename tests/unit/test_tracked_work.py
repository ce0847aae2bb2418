# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Work that is tracked: what the end waits for, and who is told when it is over."""

import asyncio
import threading
from typing import Any

import pytest

from oslo_service import work
from oslo_service.supervisor import tracked_work


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


def test_what_is_past_its_limit_is_overdue() -> None:
    with (
        work.track("unlimited"),
        work.track("short", limit=3) as short,
        work.track("long", limit=9) as long,
    ):
        assert tracked_work.overdue(short.began + 2.9) == []
        assert tracked_work.next_limit(short.began) == short.began + 3
        assert tracked_work.overdue(short.began + 3) == [short]
        assert tracked_work.next_limit(short.began + 3) == long.began + 9
        assert tracked_work.next_limit(long.began + 9) is None
    assert tracked_work.next_limit(0) is None


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


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(TypeError, match="takes a future"):
        work.track_future(object(), "nothing")
    with pytest.raises(TypeError, match="takes a function or a name"):
        work.tracked(7)  # type: ignore[call-overload]


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
