# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Contract: workers answer their parent's questions, and tell it things."""

import signal
from typing import Any

import pytest

from oslo_service.testing.live import DAEMON, Idle, Live, live

pytestmark = pytest.mark.starts_processes

ASKED = DAEMON.with_name("asked.py")
SIGUSR1 = signal.SIGUSR1


def asked(driver: str, *kinds: str, **plan: Any) -> Any:
    """Return a program that asks those questions on a SIGUSR1."""
    settings = {"kinds": kinds, **plan.pop("settings", {})}
    return live(driver, program=ASKED, settings=settings, **plan)


def answers(program: Live, kind: str, workers: int) -> dict[int | None, Any]:
    """Return the answers to a question, by worker, when they are there."""
    count = workers + (workers != 0)
    told = program.expect("answered", kind=kind)
    assert told[0]["count"] == (count or 1)
    return {one["worker"]: one for one in program.events("answer", kind=kind)}


class TestAnswers:
    """Every process answers, or it is said why there is no answer."""

    def test_of_workers_and_their_parent(self, driver_name: str) -> None:
        kinds = ("who", "much", "fail", "strange", "nothing")
        args = {"times": 200_000}
        with asked(driver_name, *kinds, workers=2, settings={"args": args}) as program:
            pids = [one["pid"] for one in program.expect("started", 2)]
            program.until_waiting()
            program.kill(SIGUSR1)
            who = answers(program, "who", 2)
            assert who[None]["value"] == program.pid
            assert sorted(who[one]["value"] for one in (0, 1)) == sorted(pids)
            assert all(one["value"] == one["of"] for one in who.values())
            assert who[1]["service"].endswith("Asked")
            much = answers(program, "much", 2)
            assert [one["value"] for one in much.values()] == [True] * 3
            fail = answers(program, "fail", 2)
            assert {one["problem"] for one in fail.values()} == {
                "ValueError: no such thing"
            }
            strange = answers(program, "strange", 2)
            assert all("TypeError" in strange[one]["problem"] for one in (0, 1))
            nothing = answers(program, "nothing", 2)
            assert all("'nothing'" in one["problem"] for one in nothing.values())
            assert program.end() == 0

    def test_of_a_single_process(self, driver_name: str) -> None:
        with asked(driver_name, "who", "fail") as program:
            program.expect("started")
            program.until_waiting()
            program.kill(SIGUSR1)
            (who,) = answers(program, "who", 0).values()
            assert who["value"] == program.pid
            (fail,) = answers(program, "fail", 0).values()
            assert fail["problem"] == "ValueError: no such thing"
            assert program.end() == 0

    def test_nobody_waits_for_a_worker_that_hangs(self, driver_name: str) -> None:
        settings = {"seconds": 2}
        with asked(driver_name, "who", workers=2, settings=settings) as program:
            pids = [one["pid"] for one in program.expect("started", 2)]
            program.until_waiting()
            program.kill(signal.SIGSTOP, pids[0])
            program.kill(SIGUSR1)
            found = {one["of"]: one for one in answers(program, "who", 2).values()}
            assert found[pids[0]]["problem"] == "no answer"
            assert found[pids[1]]["value"] == pids[1]
            program.kill(signal.SIGCONT, pids[0])
            assert program.end() == 0

    def test_nobody_wakes_up_while_nobody_asks(self, driver_name: str) -> None:
        with asked(driver_name, "who", workers=2) as program:
            pids = [one["pid"] for one in program.expect("started", 2)]
            program.until_waiting()
            program.kill(SIGUSR1)
            answers(program, "who", 2)
            idle = Idle([program.pid, *pids], driver_name)
            assert idle.counted(2) <= idle.allowed
            assert program.end() == 0

    def test_a_question_that_takes_long_holds_up_no_other(
        self, driver_name: str
    ) -> None:
        with asked(driver_name, "wait", "who", workers=2) as program:
            pids = [one["pid"] for one in program.expect("started", 2)]
            program.until_waiting()
            program.kill(SIGUSR1)
            answers(program, "who", 2)
            for pid in pids:
                program.kill(signal.SIGKILL, pid)
            waited = answers(program, "wait", 2)
            assert [waited[one]["problem"] for one in (0, 1)] == ["has ended"] * 2
            program.expect("started", 4)
            assert program.end() == 0

    @pytest.mark.needs_capability("spawn_workers")
    def test_of_workers_that_are_spawned(self, driver_name: str) -> None:
        with asked(
            driver_name, "who", workers=2, start_method="spawn", traits=["asks"]
        ) as program:
            pids = [one["pid"] for one in program.expect("reply", 2)]
            program.kill(SIGUSR1)
            who = answers(program, "who", 2)
            assert sorted(who[one]["value"] for one in (0, 1)) == sorted(pids)
            assert program.end() == 0


class TestTelling:
    """A worker tells its parent something, and may have a reply."""

    def test_the_parent_replies(self, driver_name: str) -> None:
        with asked(driver_name, workers=2, traits=["asks"]) as program:
            replies = program.expect("reply", 2)
            for one in replies:
                assert one["reply"] == {"granted": one["pid"]}
            heard = {one["value"]["pid"] for one in program.expect("heard", 2)}
            assert heard == {one["pid"] for one in replies}
            assert program.end() == 0
            # What a worker says at its end is heard, too.
            last = {one["value"] for one in program.events("heard")[2:]}
            assert last == heard

    def test_a_process_without_a_parent_tells_itself(self, driver_name: str) -> None:
        with asked(driver_name, traits=["asks"]) as program:
            (reply,) = program.expect("reply")
            assert reply["reply"] == {"granted": program.pid}
            assert program.end() == 0

    def test_there_is_no_way_where_nobody_wants_it(self, driver_name: str) -> None:
        with asked(driver_name, "who", workers=2, traits=["unheard"]) as program:
            assert "without a way" in program.expect("unheard", 2)[0]["why"]
            program.until_waiting()
            program.kill(SIGUSR1)
            who = answers(program, "who", 2)
            assert {who[one]["problem"] for one in (0, 1)} == {"cannot be asked"}
            assert program.end() == 0
