# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Who talks to the server: what is asked when, and what is made of the answers."""

import gc
import math
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from oslo_config import cfg

from oslo_service import opts
from oslo_service._common import clock
from oslo_service.backend.exceptions import ClusterOptionError
from oslo_service.clustering import membership
from oslo_service.clustering.candidate import POLL, Candidate
from oslo_service.clustering.clocks import Clocks
from oslo_service.clustering.connection import Connection, Lock, Unreachable
from oslo_service.clustering.lease import Lease
from oslo_service.clustering.lock_listener import Held, LockListener
from oslo_service.clustering.member import Member
from oslo_service.monitoring import health_checks
from oslo_service.supervisor import events
from oslo_service.testing.waiting import LIMIT, run_script

LENGTH = 15.0


class Time(Clocks):
    """A clock that is turned by hand; the time of day is an hour ahead."""

    now = 1000.0

    def since_boot(self) -> float:
        return self.now

    def time_of_day(self) -> float:
        return self.now + 3600.0


class Server(Connection):
    """Answers as it is told, and notes what it is asked."""

    lease = membership = LENGTH

    def __init__(self, time: Time) -> None:
        self.time = time
        self.asked: list[str] = []
        self.answers: list[object] = []
        self.locks = 0

    def answer(self, what: str) -> object:
        self.asked.append(what)
        answer = self.answers.pop(0) if self.answers else True
        if callable(answer):
            answer = answer()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def open(self) -> None:
        self.answer("open")

    def close(self) -> None:
        self.asked.append("close")

    def lock(self, name: str) -> Lock:
        self.locks += 1
        return ALock(self, f"{name}{self.locks}")

    def heartbeat(self) -> None:
        self.answer("heartbeat")

    def join(self, group: str) -> None:
        self.answer(f"join {group}")

    def leave(self, group: str) -> None:
        self.answer(f"leave {group}")

    def members(self, group: str) -> frozenset[str]:
        self.answer(f"members {group}")
        return frozenset({"me"})


class ALock(Lock):
    def __init__(self, server: Server, name: str) -> None:
        self.server, self.name = server, name

    def acquire(self) -> bool:
        return bool(self.server.answer(f"acquire {self.name}"))

    def heartbeat(self) -> bool:
        return bool(self.server.answer(f"keep {self.name}"))

    def release(self) -> None:
        self.server.answer(f"release {self.name}")


class Heard(LockListener):
    def __init__(self) -> None:
        self.heard: list[str] = []

    def taken(self, candidate: Held) -> None:
        self.heard.append("taken")

    def endangered(self) -> None:
        self.heard.append("endangered")

    def lost(self, candidate: Held) -> None:
        self.heard.append("lost")


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def server(time) -> Server:
    return Server(time)


@pytest.fixture
def listener() -> Heard:
    return Heard()


@pytest.fixture
def told() -> list[events.Event]:
    return []


@pytest.fixture
def candidate(time, told, listener) -> Candidate:
    return Candidate("x", Lease(LENGTH), time, told.append, "me", LENGTH, listener)


def later(time: Time, seconds: float, answer: object = True) -> Callable[[], object]:
    """Return an answer that takes so long."""

    def wait() -> object:
        time.now += seconds
        return answer

    return wait


class TestAsking:
    """A lock that somebody else has is asked for again and again."""

    def test_by_the_same_object_until_it_is_taken(self, candidate, server) -> None:
        server.answers = [False, False, True]
        assert [candidate.turn(server) for _ in range(2)] == [POLL, POLL]
        assert candidate.term() is None
        candidate.turn(server)
        assert server.asked == ["acquire x1"] * 3
        assert candidate.term() is not None

    def test_a_term_begins_when_the_answer_has_come(
        self, candidate, server, time
    ) -> None:
        server.answers = [later(time, 2.0)]
        candidate.turn(server)
        term = candidate.term()
        assert term.since == time.time_of_day()
        assert candidate.deadline < 1000.0 + LENGTH  # not so the lease

    def test_what_comes_too_late_is_given_back(
        self, candidate, server, time, listener
    ) -> None:
        server.answers = [later(time, LENGTH)]
        assert candidate.turn(server) == POLL
        assert candidate.term() is None
        assert server.asked == ["acquire x1", "release x1"]
        assert listener.heard == []

    def test_after_no_answer_another_object_asks(self, candidate, server) -> None:
        server.answers = [Unreachable("gone")]
        with pytest.raises(Unreachable):
            candidate.turn(server)
        candidate.turn(server)
        assert server.asked == ["acquire x1", "acquire x2"]

    def test_how_long_nobody_may_have_had_it_goes_by_who_was_known_to(
        self, candidate, server, time
    ) -> None:
        server.answers = [False]
        candidate.turn(server)
        known = time.time_of_day()
        time.now += 100.0
        candidate.turn(server)
        assert candidate.term().vacant_since == known - LENGTH


class TestKeeping:
    """What is held is confirmed every fifth of the lease."""

    @pytest.fixture(autouse=True)
    def taken(self, candidate, server) -> None:
        assert candidate.turn(server) == 3.0
        server.asked.clear()

    def test_not_before_it_is_due(self, candidate, server, time) -> None:
        time.now += 1.0
        assert candidate.turn(server) == 2.0
        assert server.asked == []
        time.now += 2.0
        assert candidate.turn(server) == 3.0
        assert server.asked == ["keep x1"]

    def test_an_answer_after_the_deadline_confirms_nothing(
        self, candidate, server, time, listener
    ) -> None:
        time.now += 3.0
        server.answers = [later(time, LENGTH)]
        candidate.turn(server)
        assert candidate.term() is None
        assert listener.heard == ["taken", "lost"]

    def test_neither_does_one_that_comes_when_it_was_given_up(
        self, candidate, server, time, listener
    ) -> None:
        def too_late() -> bool:
            time.now += LENGTH
            candidate.look()  # by another task
            return True

        time.now += 3.0
        server.answers = [too_late]
        candidate.turn(server)
        assert candidate.term() is None
        assert listener.heard == ["taken", "lost"]

    def test_no_answer_is_not_a_loss_before_the_deadline(
        self, candidate, server, time, listener
    ) -> None:
        time.now += 3.0
        server.answers = [Unreachable("gone")]
        with pytest.raises(Unreachable):
            candidate.turn(server)
        assert candidate.term() is not None
        time.now += LENGTH - 3.0
        assert candidate.term() is None
        candidate.look()
        assert listener.heard == ["taken", "lost"]

    def test_who_watches_says_when_it_may_go_and_when_it_is_gone(
        self, candidate, time, listener
    ) -> None:
        assert candidate.look() == pytest.approx(10.0)
        time.now += 10.0
        left = candidate.look()
        assert listener.heard == ["taken", "endangered"]
        assert left == pytest.approx(candidate.deadline - time.now)
        time.now += left
        assert candidate.look() == math.inf
        assert listener.heard == ["taken", "endangered", "lost"]

    def test_when_the_server_says_that_it_is_lost_another_object_asks(
        self, candidate, server, time, listener, told
    ) -> None:
        time.now += 3.0
        server.answers = [False]
        candidate.turn(server)
        assert listener.heard == ["taken", "lost"]
        assert [type(event).__name__ for event in told] == [
            "LeadershipTaken",
            "LeadershipLost",
        ]
        candidate.turn(server)
        assert server.asked == ["keep x1", "acquire x2"]

    def test_two_terms_are_not_the_same(self, candidate, server, time) -> None:
        first = candidate.term()
        time.now += 3.0
        server.answers = [False]
        candidate.turn(server)
        candidate.turn(server)
        with candidate.using(first) as goes_on:
            assert not goes_on
        with candidate.using(candidate.term()) as goes_on:
            assert goes_on


class TestGivingBack:
    """What is not wanted any more is given back, when nobody uses it."""

    def test_at_once_where_nobody_does(self, candidate, server, listener) -> None:
        candidate.turn(server)
        candidate.release_soon()
        assert candidate.term() is None
        candidate.turn(server)
        assert server.asked[-1] == "release x1"
        assert candidate.done
        assert listener.heard == ["taken"]

    def test_later_where_somebody_does_who_keeps_it_until_then(
        self, candidate, server, time
    ) -> None:
        candidate.turn(server)
        with candidate.using(candidate.term()):
            candidate.release_soon()
            time.now += 3.0
            candidate.turn(server)
            assert server.asked[-1] == "keep x1"
        candidate.turn(server)
        assert server.asked[-1] == "release x1"

    def test_also_what_is_granted_when_it_is_not_wanted_any_more(
        self, candidate, server, listener
    ) -> None:
        def grant() -> bool:
            candidate.release_soon()
            return True

        server.answers = [grant]
        candidate.turn(server)
        assert server.asked == ["acquire x1", "release x1"]
        assert candidate.done
        assert listener.heard == []

    def test_also_what_was_told_when_it_was_not_wanted_any_more(
        self, candidate, server, listener
    ) -> None:
        listener.taken = Candidate.release_soon
        assert candidate.turn(server) == 0.0
        candidate.turn(server)
        assert server.asked == ["acquire x1", "release x1"]
        assert candidate.done

    def test_what_was_lost_meanwhile_is_not(self, candidate, server, time) -> None:
        candidate.turn(server)
        with candidate.using(candidate.term()):
            candidate.release_soon()
            time.now += LENGTH
            candidate.look()
        candidate.turn(server)
        assert "release x1" not in server.asked
        assert candidate.done


class TestLasting:
    """Where a lock lasts as long as the connection, one that was lost is freed."""

    @pytest.fixture(autouse=True)
    def taken(self, candidate, server) -> None:
        server.lasting = True
        candidate.turn(server)
        server.asked.clear()

    def test_before_another_object_asks(self, candidate, server, time) -> None:
        time.now += LENGTH
        candidate.look()
        candidate.turn(server)
        assert server.asked == ["release x1", "acquire x2"]

    def test_also_when_it_is_not_wanted_any_more(self, candidate, server, time) -> None:
        time.now += 3.0
        server.answers = [False]
        candidate.turn(server)
        candidate.release_soon()
        assert not candidate.done
        candidate.turn(server)
        assert server.asked == ["keep x1", "release x1"]
        assert candidate.done

    @pytest.mark.parametrize("given_back", [True, False])
    def test_again_where_there_was_no_answer(
        self, candidate, server, time, given_back
    ) -> None:
        if given_back:
            candidate.release_soon()
        else:
            time.now += LENGTH
            candidate.look()
        server.answers = [Unreachable("gone")]
        with pytest.raises(Unreachable):
            candidate.turn(server)
        assert not candidate.done
        candidate.turn(server)
        assert server.asked[:2] == ["release x1", "release x1"]

    def test_not_where_the_connection_is_a_new_one(
        self, candidate, server, time
    ) -> None:
        time.now += LENGTH
        candidate.look()
        candidate.renew()
        candidate.turn(server)
        assert server.asked == ["acquire x2"]

    def test_what_was_not_answered_is_asked_by_the_same_object(
        self, candidate, server, time
    ) -> None:
        time.now += LENGTH
        candidate.look()
        server.answers = [True, Unreachable("gone")]
        with pytest.raises(Unreachable):
            candidate.turn(server)
        candidate.turn(server)
        assert server.asked == ["release x1", "acquire x2", "acquire x2"]


@pytest.mark.usefixtures("driver")
class TestMember:
    """One connection for all, which is made anew when something was lost."""

    @pytest.fixture
    def member(self, server, time, told, driver) -> Member:
        return Member(driver, server, "me", time, told.append)

    def turns(self, member: Member, count: int = 1) -> None:
        for _ in range(count):
            member._talk()

    def test_after_a_loss_it_is_closed_and_opened(self, member, server, time) -> None:
        member.add(member.candidate("x"))
        self.turns(member)
        time.now += LENGTH
        member._watch()
        server.asked.clear()
        self.turns(member)
        assert server.asked == ["close", "open", "acquire x2"]

    def test_not_while_another_lock_is_held(self, member, server, time) -> None:
        for name in ("x", "y"):
            member.add(member.candidate(name))
        self.turns(member)
        time.now += 3.0
        server.asked.clear()
        server.answers = [False, True]  # x is lost, y is kept
        self.turns(member)
        server.asked.clear()
        time.now += 1.0
        self.turns(member)
        assert server.asked == ["acquire x3"]

    def test_members_join_again_on_a_new_connection(self, member, server, time) -> None:
        seen: list[frozenset[str]] = []
        member.add(member.group("g", seen.append))
        self.turns(member)
        assert server.asked == ["open", "heartbeat", "join g", "members g"]
        time.now += LENGTH
        member._watch()
        server.asked.clear()
        self.turns(member)
        assert server.asked == ["close", "open", "heartbeat", "join g", "members g"]
        assert seen == [{"me"}, frozenset(), {"me"}]
        time.now += 3.0
        server.asked.clear()
        self.turns(member)
        assert server.asked == ["heartbeat", "members g"], "once"

    def test_one_stays_a_member_though_it_takes_long_to_see_who_the_others_are(
        self, member, server, time
    ) -> None:
        group = member.group("g", lambda _members: None)
        member.add(group)
        self.turns(member)
        for _ in range(2):
            time.now += 3.0
            server.answers = [True, Unreachable("slow")]
            self.turns(member)
            member._watch()
        assert group.members == {"me"}
        time.now += 3.0
        server.answers = [True, later(time, LENGTH / 2, answer=Unreachable("slow"))]
        self.turns(member)
        member._watch()
        assert group.members == frozenset()
        server.asked.clear()
        self.turns(member)
        assert group.members == {"me"}
        assert "close" not in server.asked
        assert "join g" not in server.asked

    def test_a_server_that_is_silent_for_a_lease_gets_another_connection(
        self, member, server, time
    ) -> None:
        member.add(member.candidate("x"))
        server.answers = [True, False]
        self.turns(member)
        time.now += 100.0
        server.answers = [Unreachable("a")]
        self.turns(member)
        time.now += LENGTH / 2
        server.answers = [Unreachable("b")]
        self.turns(member)
        assert "close" not in server.asked
        time.now += LENGTH
        self.turns(member)
        assert server.asked[-3:-1] == ["close", "open"]

    def test_a_server_that_is_gone_is_told_once_and_so_is_its_return(
        self, member, server, time, told
    ) -> None:
        server.answers = [Unreachable("a"), Unreachable("b")]
        self.turns(member, 2)
        time.now += 5.0
        self.turns(member)
        assert [type(event).__name__ for event in told] == [
            "ClusterUnreachable",
            "ClusterReachable",
        ]
        assert told[1].seconds == 5.0

    def test_nobody_waits_for_a_server_that_does_not_answer(
        self, server, time, told, driver
    ) -> None:
        server.lease = 0.05
        silent, asked, answered = driver.event(), driver.event(), driver.event()

        def answer() -> bool:
            asked.set()
            silent.wait(LIMIT)
            answered.set()
            return False

        member = Member(driver, server, "me", time, told.append)
        member.start()
        server.answers = [answer]
        member.add(member.candidate("x"))
        assert asked.wait(LIMIT)
        member.add(member.candidate("y"))
        member.stop(0.05)
        assert not answered.is_set()
        silent.set()
        assert member._left.wait(LIMIT)
        assert server.asked[-1] == "close"
        assert not any("y" in one for one in server.asked)

    def test_who_has_left_is_asked_for_nothing(self, member, server) -> None:
        member.start()
        member.stop(LIMIT)
        member.add(member.candidate("x"))
        assert server.asked == ["open", "close"]
        for loop in member._loops:
            loop.wait()

    def test_who_leaves_keeps_the_connection_as_long_as_a_lock_is_in_use(
        self, member, server
    ) -> None:
        candidate = member.candidate("x")
        member.add(candidate)
        self.turns(member)
        with candidate.using(candidate.term()):
            member.retire()
            self.turns(member)
            assert server.asked == ["open", "acquire x1"]
            assert not member._left.is_set()
        self.turns(member)
        assert server.asked[2:] == ["release x1", "close"]
        assert member._left.is_set()

    def test_what_was_given_back_is_looked_at_no_more(self, member, server) -> None:
        kept, given_back = [member.candidate(name) for name in ("x", "y")]
        for one in (kept, given_back):
            member.add(one)
        self.turns(member)
        given_back.release_soon()
        self.turns(member)
        assert server.asked[-1] == "release y2"
        assert member._subjects == [kept]

    def test_the_next_turn_is_when_the_first_has_something_to_do(
        self, member, server
    ) -> None:
        member.add(member.candidate("x"))
        member.add(member.candidate("y"))
        server.answers = [True, True, False]  # x is had, y is not
        assert member._talk() == POLL

    @pytest.mark.parametrize(
        ("lease", "again", "watch"),
        [(LENGTH, 1.0, 5.0), (3.0, 0.3, 1.0), (math.inf, 1.0, 20.0)],
    )
    def test_a_server_that_does_not_answer_is_asked_again_soon(
        self, server, time, told, driver, lease, again, watch
    ) -> None:
        server.lease = lease
        member = Member(driver, server, "me", time, told.append)
        assert member.reachable
        server.answers = [Unreachable("gone")]
        assert member._talk() == pytest.approx(again)
        assert not member.reachable
        assert member._watch() == pytest.approx(watch)
        self.turns(member)
        assert member.reachable

    def test_what_is_measured(self, member, server) -> None:
        for name in ("x", "y"):
            member.add(member.candidate(name))
        member.add(member.group("g", lambda _members: None))
        server.answers = [True, True, False]  # x is had, y is not
        self.turns(member)
        server.answers = [Unreachable("gone")] * 9
        values = [one.value for one in member.readings()]
        assert values == [1.0, 1.0, 0.0], "the server answers; x leads, y does not"
        self.turns(member)
        assert next(iter(member.readings())).value == 0.0

    def test_what_it_reports_is_what_is_wrong(self, server, time, told, driver) -> None:
        reports: list[str] = []
        member = Member(driver, server, "me", time, told.append, reports.append)
        server.answers = [True, Unreachable("no route")]
        member.add(member.candidate("x"))
        self.turns(member, 2)
        assert reports == ["out of reach: no route", ""]

    def test_what_never_will_do_is_raised_at_the_start_only(
        self, member, server
    ) -> None:
        server.answers = [ClusterOptionError("cluster_url: no")]
        with pytest.raises(ClusterOptionError, match="cluster_url"):
            member.start()
        with pytest.raises(ClusterOptionError, match="cluster_url"):
            member.start()
        assert server.asked == ["open"]

    def test_later_it_is_a_server_that_is_gone(
        self, member, server, time, told
    ) -> None:
        server.answers = [Unreachable("gone"), ClusterOptionError("no")]
        self.turns(member, 3)
        assert [type(event).__name__ for event in told] == [
            "ClusterUnreachable",
            "ClusterReachable",
        ]


@pytest.mark.usefixtures("driver")
class TestProcess:
    """What the options have said is left when they say something else."""

    @pytest.fixture(autouse=True)
    def servers(self, time, monkeypatch) -> Iterator[list[Server]]:
        made: list[Server] = []

        def connection(*_: object) -> Connection:
            made.append(Server(time))
            return made[-1]

        monkeypatch.setattr(membership, "_connection", connection)
        yield made
        membership.retire()

    def configured(self, group: str) -> cfg.ConfigOpts:
        conf = cfg.ConfigOpts()
        conf([], prog="svc", default_config_files=[])
        opts.register_service_opts(conf)
        conf.set_override("cluster_url", "etcd3+http://host", "oslo_service")
        conf.set_override("cluster_group", group, "oslo_service")
        return conf

    def test_it_gives_back_what_it_has_there(self, servers) -> None:
        conf = self.configured("one")
        before = membership.member(conf)
        before.add(before.candidate("x"))
        conf.set_override("cluster_lease", 20, "oslo_service")
        assert membership.member(conf) is not before
        assert before._left.wait(LIMIT)
        assert servers[0].asked == ["open", "acquire x1", "release x1", "close"]

    def test_not_where_one_that_is_gone_has_said_the_same(self, servers) -> None:
        shared = membership.member(self.configured("four"))
        gc.collect()
        assert membership.member(self.configured("four")) is shared
        assert not shared._ending

    def test_not_where_another_configuration_says_so_still(self, servers) -> None:
        first, other = self.configured("two"), self.configured("two")
        shared = membership.member(first)
        assert membership.member(other) is shared
        first.set_override("cluster_group", "three", "oslo_service")
        assert membership.member(first) is not shared
        assert membership.member(other) is shared
        assert not shared._ending
        assert len(servers) == 2


def test_health_warns_while_the_server_is_out_of_reach() -> None:
    def status() -> tuple[str, str]:
        (check,) = [one for one in health_checks.of_process() if one.name == "cluster"]
        return check.status(clock.now() + 0.001), check.detail

    membership._report("")
    assert status() == ("pass", "")
    membership._report("out of reach: no route")
    assert status() == ("warn", "out of reach: no route")
    membership._report("")
    assert status() == ("pass", "")


def test_nothing_crosses_a_fork(tmp_path: Path) -> None:
    code = f"""
import os, sys
from oslo_config import cfg
from oslo_service import backend, opts
from oslo_service.clustering import membership
conf = cfg.ConfigOpts()
conf([], prog="svc", default_config_files=[])
opts.register_service_opts(conf)
conf.set_override("cluster_url", "file://{tmp_path}", "oslo_service")
backend.init_backend("threading")
ours = membership.member(conf)
pid = os.fork()
if not pid:
    backend.get_backend().after_fork()
    theirs = membership.member(conf)
    fine = theirs is not ours and theirs.name != ours.name and theirs.reachable
    os._exit(0 if fine else 1)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
assert membership.member(conf) is ours
"""
    done = run_script(code)
    assert done.returncode == 0, done.stderr
