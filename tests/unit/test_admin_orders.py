# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What orders do, what they are answered, and which are refused."""

import json
import logging
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest

from oslo_service import events
from oslo_service.admin.deferred_replies import Heard, Outcome
from oslo_service.admin.messages import Ask, Later, Reply
from oslo_service.admin.orders import LOG_LEVEL, Orders, register
from oslo_service.admin.routes import Routes
from oslo_service.supervisor.exchange import registry
from oslo_service.supervisor.exchange.inquiries import Answer, Respondent

FAILED = events.ReloadFailed(error=ValueError("no number"), rolled_back=True)
SLOT = {"service": "api", "worker": 1}


def answered(*happened: events.Event) -> tuple[int, dict[str, Any]] | None:
    """Order a reload; return what is answered after these events, if anything."""
    heard = Heard()
    supervisor = mock.Mock(stopping=False)
    ask = Ask("POST", "/reload", {}, {}, b"", True)
    outcome = Orders(supervisor, heard).reload(ask)
    assert isinstance(outcome, Outcome)
    for event in (events.ReloadStarted(), *happened):
        heard.hear(event)
    reply = outcome.reply(0.0)
    return None if reply is None else (reply.status, json.loads(reply.body))


def test_it_is_finished() -> None:
    assert answered() is None
    assert answered(events.ReloadFinished()) == (
        200,
        {"said": "reloaded", "reload": "finished"},
    )


def test_what_cannot_be_read_changes_nothing() -> None:
    found = answered(events.ReloadFailed(error=ValueError("no number")))
    error = "the reload failed, all is as it was: no number"
    assert found == (409, {"error": error, "reload": "failed"})


def test_one_that_is_taken_back_is_answered_when_it_has_been() -> None:
    assert answered(FAILED) is None
    error = "the reload failed, all is as it was: no number"
    assert answered(FAILED, events.ReloadFinished()) == (
        409,
        {"error": error, "reload": "failed"},
    )


def test_one_that_cannot_be_taken_back_is_answered_and_says_so() -> None:
    stuck = events.RollbackFailed(**SLOT, error="no database")
    found = answered(FAILED, stuck)
    assert found is not None
    assert found[0] == 409
    assert found[1]["error"] == (
        "the reload failed, no number; worker 1 of api does not get back what it had,"
        " which is tried again, and has the new configuration until then: no database"
    )


def test_a_crash_loop_is_no_reason_to_wait_for_ever() -> None:
    paused = events.SlotPaused(**SLOT, deaths=3, seconds=0.1, error="no database")
    found = answered(paused)
    assert found is not None
    assert (found[0], found[1]["reload"]) == (409, "failed")
    assert "3 times in a row" in found[1]["error"]
    assert found[1]["error"].endswith("no database")


@pytest.mark.parametrize(
    "event",
    [
        events.Draining(),
        events.RestartLimitReached(service="api", limit=1, seconds=30, error="x"),
        events.ServiceFailed(service="a", method="start", error=OSError(), fatal=True),
    ],
)
def test_the_end_of_the_service_is_the_end_of_it(event: events.Event) -> None:
    for before in ((), (FAILED,)):
        found = answered(*before, event)
        assert found is not None
        assert (found[0], found[1]["reload"]) == (409, "ended")


# What clients of the control socket have done, through the paths that they ask


class Told:
    """What is supervised, as far as orders are concerned; notes what it is told."""

    def __init__(self, **services: int) -> None:
        self.services = services
        self.stopping = False
        self.room = 10**6
        self.told: list[Any] = []
        self.answers: list[Answer] = []

    def services_in_workers(self) -> list[str]:
        return list(self.services)

    def reload(self) -> None:
        self.told.append("reload")

    def terminate(self) -> None:
        self.told.append("terminate")

    def resize(self, wanted: Callable[[int], int], service: str | None) -> int:
        self.told.append(("resize", service, [wanted(now) for now in (1, 7)]))
        return int(bool(service and self.services[service]))

    def recycle(self, service: str, worker: int | None) -> int:
        self.told.append(("recycle", service, worker))
        count = self.services[service]
        return count if worker is None else int(worker < count)

    @property
    def exchange(self) -> "Told":
        return self

    def ask(self, kind: str, args: dict[str, Any], seconds: float, done: Any) -> None:
        assert 0 < seconds < 10, "less than who asks waits"
        if len(str(args)) > self.room:
            raise ValueError(f"room for {self.room}")
        self.told.append((kind, args))
        done(self.answers)


class Socket:
    """The paths of the control socket that orders are sent to."""

    def __init__(self, supervisor: Told) -> None:
        self.supervisor = supervisor
        self.heard = Heard()
        orders = Orders(supervisor, self.heard)  # type: ignore[arg-type]
        self._routes = Routes()
        self._routes.post("/reload", orders.reload)
        self._routes.post("/workers", orders.resize)
        self._routes.post("/recycle", orders.recycle)
        self._routes.post("/stop", orders.stop)
        self._routes.post("/log-level", orders.set_level)

    def ask(self, path: str, body: object = None) -> Any:
        """Send an order; return what answers it."""
        if not isinstance(body, bytes):
            body = b"" if body is None else json.dumps(body).encode()
        return self._routes.answer(Ask("POST", path, {}, {}, body, True))

    def post(self, path: str, body: object = None) -> tuple[int, dict[str, Any]]:
        """Likewise; return the status and the content of the answer."""
        answer = self.ask(path, body)
        reply = answer.reply(0.0) if isinstance(answer, Later) else answer
        assert isinstance(reply, Reply)
        return reply.status, json.loads(reply.body)

    def refused(self, path: str, body: object = None) -> tuple[int, str]:
        """Likewise, of an order with which nothing is done."""
        status, content = self.post(path, body)
        assert self.supervisor.told == []
        assert list(content) == ["error"]
        return status, content["error"]


@pytest.fixture
def there() -> Socket:
    """A process with a service that three workers run, and one that two run."""
    return Socket(Told(api=3, agent=2))


@pytest.fixture
def only() -> Socket:
    """One with a single service, which two workers run."""
    return Socket(Told(api=2))


def log_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage() for one in caplog.records]


class TestReload:
    """POST /reload."""

    def test_who_does_not_wait_is_told_that_it_is_ordered(self, there, caplog) -> None:
        caplog.set_level(logging.INFO)
        assert there.post("/reload", {"wait": False}) == (202, {"said": "ordered"})
        assert there.supervisor.told == ["reload"]
        assert there.heard.outcomes == [], "nobody waits for it"
        assert log_of(caplog) == [
            "Asked through the control socket: reading the configuration again"
        ]

    @pytest.mark.parametrize("body", [None, {}, {"wait": True}])
    def test_else_it_is_ordered_and_the_answer_comes_when_it_is_done(
        self, there, body
    ) -> None:
        assert there.ask("/reload", body).reply(0.0) is None
        assert there.supervisor.told == ["reload"]
        (outcome,) = there.heard.outcomes
        there.heard.hear(events.ReloadFinished())
        assert outcome.reply(0.0).status == 200
        assert there.heard.outcomes == []

    def test_what_happens_while_it_is_ordered_is_heard(self, there) -> None:
        there.supervisor.reload = lambda: there.heard.hear(events.ReloadFinished())
        assert there.post("/reload")[0] == 200

    def test_whether_to_wait_is_true_or_false(self, there) -> None:
        status, error = there.refused("/reload", {"wait": 0})
        assert status == 400
        assert error == (
            "'wait' cannot be 0: true or false: whether to answer when it is done"
        )

    def test_there_is_none_of_what_is_stopping(self, there) -> None:
        there.supervisor.stopping = True
        assert there.refused("/reload") == (409, "everything was told to stop")
        assert there.heard.outcomes == []


class TestResize:
    """POST /workers."""

    def test_the_only_service_need_not_be_named(self, only, caplog) -> None:
        caplog.set_level(logging.INFO)
        assert only.post("/workers", {"workers": 4}) == (
            202,
            {"said": "api is to have 4 workers", "service": "api", "workers": 4},
        )
        assert only.supervisor.told == [("resize", "api", [4, 4])]
        assert log_of(caplog) == ["Asked through the control socket: api, 4 workers"]

    def test_one_of_several_is_named(self, there) -> None:
        assert there.post("/workers", {"workers": 1, "service": "agent"}) == (
            202,
            {"said": "agent is to have 1 worker", "service": "agent", "workers": 1},
        )
        assert there.supervisor.told == [("resize", "agent", [1, 1])]

    def test_two_are_several(self, only) -> None:
        _, found = only.post("/workers", {"workers": 2})
        assert found["said"] == "api is to have 2 workers"

    def test_which_of_several_has_to_be_said(self, there) -> None:
        assert there.refused("/workers", {"workers": 1}) == (
            400,
            "say which 'service'; there are: api, agent",
        )

    @pytest.mark.parametrize("world", ["only", "there"])
    def test_one_that_is_not_there_is_not_found(self, world, request) -> None:
        there = request.getfixturevalue(world)
        status, error = there.refused("/workers", {"workers": 1, "service": "web"})
        assert status == 404
        names = ", ".join(there.supervisor.services)
        assert error == f"no service is 'web'; there are: {names}"

    def test_it_has_none_where_nothing_runs_in_workers(self) -> None:
        alone = Socket(Told())
        reason = "nothing runs in worker processes here: workers=1"
        assert alone.refused("/workers", {"workers": 2}) == (409, reason)

    @pytest.mark.parametrize("number", [0, -1, 1001, 10**9, 1.0, "2", None, True, [2]])
    def test_no_other_number_than_one_to_a_thousand_will_do(self, only, number) -> None:
        status, error = only.refused("/workers", {"workers": number})
        why = f"'workers' cannot be {number!r}: a whole number, 1 to 1000"
        assert (status, error) == (400, why)

    def test_the_number_is_required(self, only) -> None:
        for body in (None, {}, {"service": "api"}):
            status, error = only.refused("/workers", body)
            assert status == 400
            assert error.startswith("'workers' is missing; accepted is")

    @pytest.mark.parametrize("name", ["", None, 7])
    def test_a_service_has_a_name(self, only, name) -> None:
        status, error = only.refused("/workers", {"workers": 1, "service": name})
        why = f"'service' cannot be {name!r}: which service, as /status calls it"
        assert (status, error) == (400, why)

    def test_there_is_none_of_what_is_stopping(self, only) -> None:
        only.supervisor.stopping = True
        assert only.refused("/workers", {"workers": 1})[0] == 409

    def test_one_that_stops_has_another_number_no_more(self, only) -> None:
        only.supervisor.services["api"] = 0
        found = only.post("/workers", {"workers": 1})
        assert found == (409, {"error": "api was told to stop"})


class TestRecycle:
    """POST /recycle."""

    def test_without_more_it_is_all_workers_of_all_services(
        self, there, caplog
    ) -> None:
        caplog.set_level(logging.INFO)
        assert there.post("/recycle") == (
            202,
            {"said": "5 workers are to be replaced", "workers": 5},
        )
        assert there.supervisor.told == [
            ("recycle", "api", None),
            ("recycle", "agent", None),
        ]
        assert log_of(caplog) == [
            "Asked through the control socket: 5 workers are replaced"
        ]

    def test_a_service_may_be_named(self, there) -> None:
        _, found = there.post("/recycle", {"service": "agent"})
        assert found == {"said": "2 workers are to be replaced", "workers": 2}
        assert there.supervisor.told == [("recycle", "agent", None)]

    @pytest.mark.parametrize("slot", [0, 1])
    def test_so_may_a_worker_of_it_the_first_one_too(self, there, slot) -> None:
        found = there.post("/recycle", {"service": "agent", "worker": slot})
        assert found == (202, {"said": "1 worker is to be replaced", "workers": 1})
        assert there.supervisor.told == [("recycle", "agent", slot)]

    @pytest.mark.parametrize("slot", [0, 1])
    def test_a_worker_of_the_only_service_is_known_by_its_slot(
        self, only, slot
    ) -> None:
        assert only.post("/recycle", {"worker": slot})[0] == 202
        assert only.supervisor.told == [("recycle", "api", slot)]

    @pytest.mark.parametrize("slot", [0, 1])
    def test_of_several_services_it_has_to_be_said_which(self, there, slot) -> None:
        status, error = there.refused("/recycle", {"worker": slot})
        assert (status, error) == (400, "say which 'service'; there are: api, agent")

    def test_a_slot_that_is_not_there_is_not_found(self, only) -> None:
        found = only.post("/recycle", {"worker": 2})
        assert found == (404, {"error": "api has no worker 2"})

    def test_of_one_that_stops_no_worker_is_replaced(self, only) -> None:
        only.supervisor.services["api"] = 0
        for body, what in ((None, "everything"), ({"service": "api"}, "api")):
            error = f"{what} was told to stop"
            assert only.post("/recycle", body) == (409, {"error": error})

    def test_a_service_that_is_not_there_is_not_found(self, there) -> None:
        assert there.refused("/recycle", {"service": "web"})[0] == 404

    @pytest.mark.parametrize("slot", [-1, "0", 0.0, False, None])
    def test_a_slot_is_a_number(self, only, slot) -> None:
        status, error = only.refused("/recycle", {"worker": slot})
        why = f"'worker' cannot be {slot!r}: a whole number, 0 or more"
        assert (status, error) == (400, why)

    def test_what_else_is_sent_is_refused_with_what_may_be(self, only) -> None:
        error = (
            "'slot' is not known; accepted is a JSON object with 'service' (optional;"
            " which service, as /status calls it; without it, all); 'worker' (optional;"
            " a whole number, 0 or more)"
        )
        assert only.refused("/recycle", {"slot": 1}) == (400, error)

    def test_it_has_none_where_nothing_runs_in_workers(self) -> None:
        alone = Socket(Told())
        for body in (None, {"worker": 0}, {"service": "api"}):
            assert alone.refused("/recycle", body) == (
                409,
                "nothing runs in worker processes here: workers=1",
            )

    def test_there_is_none_of_what_is_stopping(self, there) -> None:
        there.supervisor.stopping = True
        assert there.refused("/recycle")[0] == 409


class TestStop:
    """POST /stop."""

    def test_it_is_what_sigterm_does(self, there, caplog) -> None:
        caplog.set_level(logging.INFO)
        assert there.post("/stop") == (202, {"said": "stopping"})
        assert there.supervisor.told == ["terminate"]
        assert log_of(caplog) == ["Asked through the control socket: stopping"]

    def test_it_may_be_said_again(self, there) -> None:
        there.supervisor.stopping = True
        assert there.post("/stop")[0] == 202

    def test_it_takes_nothing_along(self, there) -> None:
        status, error = there.refused("/stop", {"force": True})
        assert status == 400
        assert error == "'force' is not known; accepted is an empty body, or {}"


class TestLogLevel:
    """POST /log-level."""

    @pytest.mark.parametrize("level", ["DEBUG", "debug", "Debug"])
    def test_every_process_is_asked_to_set_it(self, there, level) -> None:
        workers = [Respondent(11, "api", 0, 1), Respondent(12, "api", 1, 2)]
        there.supervisor.answers = [Answer(one) for one in workers]
        assert there.post("/log-level", {"level": level}) == (
            200,
            {"said": "set in 2 processes", "processes": 2, "failed": []},
        )
        assert there.supervisor.told == [(LOG_LEVEL, {"level": "DEBUG", "logger": ""})]

    def test_a_logger_may_be_named(self, there) -> None:
        there.supervisor.answers = [Answer(Respondent(10))]
        _, found = there.post("/log-level", {"level": "INFO", "logger": "oslo.db"})
        assert found["said"] == "set in 1 process"
        ((_, args),) = there.supervisor.told
        assert args == {"level": "INFO", "logger": "oslo.db"}

    def test_who_has_not_set_it_is_named(self, there) -> None:
        there.supervisor.answers = [
            Answer(Respondent(10)),
            Answer(Respondent(11, "api", 0, 1), problem="no answer"),
            Answer(Respondent(12, "api", 1, 2), problem="has ended"),
        ]
        assert there.post("/log-level", {"level": "INFO"}) == (
            200,
            {
                "said": "set in 1 process; not in 11 (no answer), 12 (has ended)",
                "processes": 1,
                "failed": [
                    {"pid": 11, "problem": "no answer"},
                    {"pid": 12, "problem": "has ended"},
                ],
            },
        )

    @pytest.mark.parametrize("level", ["LOUD", "", 10, None])
    def test_a_level_is_one_that_logging_knows(self, there, level) -> None:
        status, error = there.refused("/log-level", {"level": level})
        assert status == 400
        assert error.startswith(f"'level' cannot be {level!r}: one of CRITICAL, ")

    def test_it_is_required(self, there) -> None:
        status, error = there.refused("/log-level", {"logger": "oslo.db"})
        assert status == 400
        assert error.startswith("'level' is missing; accepted is")
        assert error.endswith("'logger' (optional; which logger; without it, the root)")

    def test_a_name_that_no_worker_can_be_told_is_refused(self, there) -> None:
        there.supervisor.room = 4000
        body = {"level": "INFO", "logger": "x" * 5000}
        status, error = there.refused("/log-level", body)
        assert (status, error) == (400, "'logger' is too long: room for 4000")

    def test_it_is_set_while_everything_stops_too(self, there) -> None:
        there.supervisor.stopping = True
        there.supervisor.answers = [Answer(Respondent(10))]
        assert there.post("/log-level", {"level": "INFO"})[0] == 200

    def test_a_process_that_is_asked_sets_it(self) -> None:
        logger, root = logging.getLogger("of.this.test"), logging.getLogger()
        before = root.level
        register()
        answering = registry.answers(LOG_LEVEL)
        assert answering is not None
        try:
            answering.call({"level": "ERROR", "logger": "of.this.test"})
            assert (logger.level, root.level) == (logging.ERROR, before)
            answering.call({"level": "CRITICAL", "logger": ""})
            assert root.level == logging.CRITICAL
        finally:
            root.setLevel(before)


class TestWhatIsSent:
    """The content of an order is a JSON object, whatever the order."""

    @pytest.mark.parametrize(
        ("body", "reason"),
        [
            (b"[" * 60000, "the body is not JSON ("),
            (b"workers=3", "the body is not JSON (Expecting value"),
            (b"[3]", "the body is no JSON object; accepted is"),
            (b'"3"', "the body is no JSON object"),
            (b'{"worker": 3}', "'worker' is not known; accepted is"),
        ],
    )
    def test_what_is_none_is_refused(self, only, body: bytes, reason: str) -> None:
        status, error = only.refused("/workers", body)
        assert status == 400
        assert error.startswith(reason)

    def test_blanks_are_nothing(self, there) -> None:
        assert there.post("/stop", b" \r\n")[0] == 202


class TestWhatBecomesOfAReload:
    """Said in words, to who waits for it."""

    def test_a_service_that_has_failed_is_named_where_that_is_the_end(self) -> None:
        failed = {"service": "api", "method": "start", "error": OSError("no port")}
        found = answered(events.ServiceFailed(**failed, fatal=True))
        assert found == (
            409,
            {
                "error": "api has failed, and everything is stopped: no port",
                "reload": "ended",
            },
        )
        assert answered(events.ServiceFailed(**failed, fatal=False)) is None

    def test_why_it_gives_up_is_said(self) -> None:
        event = events.RestartLimitReached(
            service="api", limit=3, seconds=30, error="no database"
        )
        found = answered(event)
        assert found is not None
        end = "the last error: no database; everything is stopped"
        assert found[1]["error"].endswith(end)

    def test_an_end_that_was_ordered_is_said(self) -> None:
        found = answered(events.Draining())
        assert found == (409, {"error": "it was told to stop", "reload": "ended"})

    def test_a_crash_loop_is_described(self) -> None:
        paused = events.SlotPaused(**SLOT, deaths=3, seconds=0.1, error="no database")
        found = answered(paused)
        assert found is not None
        assert found[1]["error"] == (
            "the reload failed, worker 1 of api has ended 3 times in a row at its"
            " start, which is tried again: no database"
        )

    def test_a_crash_loop_of_one_that_is_taken_back_is_waited_for(self) -> None:
        paused = events.SlotPaused(**SLOT, deaths=3, seconds=0.1, error="no database")
        assert answered(FAILED, paused) is None

    def test_a_rollback_that_fails_of_an_earlier_one_says_nothing_of_this(self) -> None:
        assert answered(events.RollbackFailed(**SLOT, error="no database")) is None

    def test_one_that_is_the_end_of_the_start_is_finished_when_all_is_ready(
        self,
    ) -> None:
        found = answered(events.Ready())
        assert found == (200, {"said": "reloaded", "reload": "finished"})

    def test_what_else_happens_is_not_its_end(self) -> None:
        assert answered(events.WorkerReady(**SLOT, pid=7, seconds=1.0)) is None

    def test_the_first_that_is_known_counts(self) -> None:
        found = answered(events.ReloadFinished(), events.Draining())
        assert found is not None
        assert found[0] == 200
