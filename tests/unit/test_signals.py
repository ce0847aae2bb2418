# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The signals of a process: who is called, when, and what is left at the end."""

import errno
import functools
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from oslo_service import backend, service
from oslo_service._common import clock
from oslo_service.supervisor import signals
from oslo_service.supervisor.repeated_signals import RepeatedSignals
from oslo_service.supervisor.signals import Signals
from oslo_service.supervisor.waker import Waker
from oslo_service.testing.scripted import ScriptedDriver
from oslo_service.testing.waiting import LIMIT

# Nothing but these tests has them in this process, and by default they are ignored,
# all but the last.
URGENT, WINDOW, USER = signal.SIGURG, signal.SIGWINCH, signal.SIGUSR2
USED = (URGENT, WINDOW, USER, signal.SIGINT, signal.SIGHUP, signal.SIGTERM)
# glibc keeps it for its threads, nptl(7): nobody else can have it.
RESERVED = 32


@pytest.fixture
def caught(monkeypatch: pytest.MonkeyPatch) -> Iterator[Signals]:
    monkeypatch.setattr(backend, "selected", lambda: None)
    before = {signum: signal.getsignal(signum) for signum in USED}
    wakeup = signal.set_wakeup_fd(-1)
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    yield Signals()
    signal.set_wakeup_fd(wakeup)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    for signum, handler in before.items():
        signal.signal(signum, handler)


@pytest.fixture
def waker() -> Iterator[Waker]:
    with ScriptedDriver() as driver:
        waker = Waker(driver)
        yield waker
        waker.close()


@pytest.fixture
def seen() -> list[str]:
    return []


@pytest.fixture
def note(seen: list[str]) -> Callable[[str], Callable[..., None]]:
    """Make a handler, or a reaction, that notes that it was called."""
    return lambda name: lambda *_args: seen.append(name)


def is_woken(waker: Waker) -> bool:
    try:
        # The interpreter's own byte comes before the handler, and may be read before.
        return os.read(waker.fileno(), 100).endswith(b"!")
    except BlockingIOError:
        return False


def elsewhere(call: Callable[[], object]) -> None:
    thread = threading.Thread(target=call)
    thread.start()
    thread.join(LIMIT)


class TestRefusals:
    """What the system lets nobody handle."""

    @pytest.mark.parametrize(
        "signum", [signal.SIGKILL, signal.SIGSTOP, RESERVED], ids=str
    )
    def test_a_signal_that_cannot_be_had_is_refused_and_forgotten(
        self, caught, signum, note
    ) -> None:
        with pytest.raises(OSError, match=f"Errno {errno.EINVAL}"):
            caught.add(signum, note("never"))
        assert caught.install() == {}


class TestHandlers:
    """The handlers of users, without a launcher."""

    def test_the_latest_runs_first_and_each_once(self, caught, seen, note) -> None:
        first, second = note("first"), note("second")
        caught.add(USER, first)
        caught.add(USER, second)
        caught.add(USER, first)
        signal.raise_signal(USER)
        assert seen == ["second", "first"]

    def test_they_get_the_number_of_the_signal(self, caught) -> None:
        got = []
        caught.add(USER, lambda *args: got.append(args))
        signal.raise_signal(USER)
        assert got == [(USER, None)]

    @pytest.mark.parametrize(
        "error", [ZeroDivisionError, GeneratorExit, KeyboardInterrupt]
    )
    def test_one_that_fails_is_logged_and_the_others_run(
        self, caught, seen, note, caplog, error
    ) -> None:
        def failing(*_args: object) -> None:
            raise error

        caught.react({signal.SIGINT: note("SIGINT")})
        caught.add(USER, note("first"))
        caught.add(USER, failing)
        signal.raise_signal(USER)
        assert seen == ["first"]
        [record] = caplog.records
        assert "failing" in record.getMessage()
        assert "SIGUSR2" in record.getMessage()

    def test_ctrl_c_is_passed_on_where_it_is_the_programs(self, caught) -> None:
        def interrupted(*_args: object) -> None:
            raise KeyboardInterrupt

        caught.add(USER, interrupted)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(USER)

    def test_a_driver_is_asked_to_run_them_where_one_is_selected(
        self, caught, seen, note, monkeypatch
    ) -> None:
        deferred = []

        class Driver:
            defer = staticmethod(deferred.append)

        monkeypatch.setattr(backend, "selected", Driver)
        caught.add(USER, note("handler"))
        signal.raise_signal(USER)
        assert seen == []
        [dispatch] = deferred
        dispatch()
        assert seen == ["handler"]

    def test_what_was_before_is_there_when_the_last_is_removed(
        self, caught, note
    ) -> None:
        first, second, stranger = note("first"), note("second"), note("stranger")
        before = signal.getsignal(USER)
        caught.add(USER, first)
        caught.add(USER, second)
        caught.remove(USER, stranger)
        caught.remove(USER, first)
        assert signal.getsignal(USER) != before
        caught.remove(USER, second)
        assert signal.getsignal(USER) == before

    def test_one_from_another_thread_takes_effect_later_which_is_said(
        self, caught, seen, note, caplog
    ) -> None:
        elsewhere(functools.partial(caught.add, URGENT, note("handler")))
        signal.raise_signal(URGENT)
        assert seen == []
        assert "SIGURG takes effect when a launcher's wait()" in caplog.text
        caught.install()
        signal.raise_signal(URGENT)
        assert seen == ["handler"]

    def test_nothing_is_said_of_one_where_something_is_launched(
        self, caught, note, caplog
    ) -> None:
        caught.unattended = note("unattended")
        elsewhere(functools.partial(caught.add, URGENT, note("handler")))
        assert caplog.text == ""


class TestPassingOn:
    """What nobody wants any more, though nobody could take our handler out."""

    def removed_elsewhere(self, caught: Signals, signum: int) -> None:
        def handler(*_args: object) -> None:
            pytest.fail("it was removed")

        caught.add(signum, handler)
        elsewhere(functools.partial(caught.remove, signum, handler))

    def test_a_handler_of_the_programs_own_is_called_from_then_on(
        self, caught, seen, note
    ) -> None:
        own = note("own")
        signal.signal(URGENT, own)
        self.removed_elsewhere(caught, URGENT)
        signal.raise_signal(URGENT)
        assert seen == ["own"]
        assert signal.getsignal(URGENT) is own

    def test_one_that_was_ignored_is_ignored(self, caught, monkeypatch) -> None:
        killed = []
        monkeypatch.setattr(os, "kill", lambda *args: killed.append(args))
        signal.signal(USER, signal.SIG_IGN)
        self.removed_elsewhere(caught, USER)
        signal.raise_signal(USER)
        assert killed == []
        assert signal.getsignal(USER) == signal.SIG_IGN

    def test_what_the_system_does_with_one_it_does(self, caught, monkeypatch) -> None:
        killed = []
        monkeypatch.setattr(os, "kill", lambda *args: killed.append(args))
        signal.signal(USER, signal.SIG_DFL)
        self.removed_elsewhere(caught, USER)
        signal.raise_signal(USER)
        assert killed == [(os.getpid(), USER)]
        assert signal.getsignal(USER) == signal.SIG_DFL


class TestReactions:
    """The library's own, inside the signal's handler."""

    @pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGHUP])
    def test_what_nohup_has_ignored_stays_ignored(self, caught, signum, note) -> None:
        signal.signal(signum, signal.SIG_IGN)
        caught.react({signum: note("reaction")})
        assert signal.getsignal(signum) == signal.SIG_IGN

    def test_sigterm_is_heard_though_it_was_ignored(self, caught, seen, note) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        caught.react({signal.SIGTERM: note("reaction")})
        signal.raise_signal(signal.SIGTERM)
        assert seen == ["reaction"]

    def test_what_was_ignored_before_a_handler_stays_so_for_reactions(
        self, caught, seen, note
    ) -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        caught.add(signal.SIGHUP, note("handler"))
        caught.react({signal.SIGHUP: note("reaction")})
        signal.raise_signal(signal.SIGHUP)
        assert seen == ["handler"]

    def test_they_are_given_back_when_there_are_no_more(self, caught, note) -> None:
        before = signal.getsignal(URGENT)
        caught.react({URGENT: note("reaction")})
        assert signal.getsignal(URGENT) != before
        caught.react({})
        assert signal.getsignal(URGENT) == before

    @pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGHUP])
    def test_one_that_repeats_what_was_done_does_nothing_for_a_while(
        self, caught, note, monkeypatch, signum
    ) -> None:
        killed, now = [], clock.now()
        monkeypatch.setattr(clock, "now", lambda: now)
        monkeypatch.setattr(os, "kill", lambda *args: killed.append(args))
        signal.signal(signum, signal.SIG_DFL)
        caught.react({signum: note("reaction")})
        caught.react({}, RepeatedSignals(now + 1))
        signal.raise_signal(signum)
        assert killed == []
        now += 1
        signal.raise_signal(signum)
        assert killed == [(os.getpid(), signum)]
        assert signal.getsignal(signum) == signal.SIG_DFL

    @pytest.mark.parametrize("own", [signal.SIG_IGN, print])
    def test_what_the_program_does_with_one_that_repeats_is_its_own_affair(
        self, caught, note, own
    ) -> None:
        signal.signal(signal.SIGTERM, own)
        caught.react({signal.SIGTERM: note("reaction")})
        caught.react({}, RepeatedSignals(clock.now() + 600))
        assert signal.getsignal(signal.SIGTERM) == own

    def test_one_that_repeats_is_handled_though_it_is_given_back_late(
        self, caught, note, monkeypatch
    ) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        caught.react({signal.SIGTERM: note("reaction")})
        monkeypatch.setattr(signals, "in_main_thread", lambda: False)
        caught.react({}, RepeatedSignals(clock.now() + 600))
        signal.raise_signal(signal.SIGTERM)

    def test_with_nobody_to_wait_for_it_a_signal_is_said_to_be_unattended(
        self, caught, seen, note
    ) -> None:
        caught.unattended = note("unattended")
        caught.react({URGENT: note("reaction")})
        signal.raise_signal(URGENT)
        assert seen == ["reaction", "unattended"]

    def test_a_child_that_somebody_forked_does_what_it_would_without_us(
        self, caught, seen, note, monkeypatch
    ) -> None:
        killed = []
        monkeypatch.setattr(os, "kill", lambda *args: killed.append(args))
        before = signal.getsignal(USER)
        caught.react({USER: note("reaction")})
        monkeypatch.setattr(caught, "_pid", os.getppid())
        signal.raise_signal(USER)
        assert seen == []
        assert killed == [(os.getpid(), USER)]
        assert signal.getsignal(USER) == before


class TestAttention:
    """Signals wait for whoever turns the supervisor."""

    def test_reactions_are_called_at_once_and_handlers_when_dispatched(
        self, caught, waker, seen, note
    ) -> None:
        caught.unattended = note("unattended")
        caught.react({USER: note("reaction")})
        caught.add(USER, note("handler"))
        caught.attend(waker)
        signal.raise_signal(USER)
        assert seen == ["reaction"]
        assert is_woken(waker)
        caught.dispatch()
        caught.dispatch()
        assert seen == ["reaction", "handler"]

    def test_one_that_exits_is_not_stopped(self, caught, waker) -> None:
        def leave(*_args: object) -> None:
            raise SystemExit(5)

        caught.add(USER, leave)
        caught.attend(waker)
        signal.raise_signal(USER)
        with pytest.raises(SystemExit):
            caught.dispatch()

    def test_what_the_program_has_taken_since_is_taken_back_until_the_end(
        self, caught, waker, seen, note, caplog
    ) -> None:
        reaction, own = note("reaction"), note("own")
        caught.react({signal.SIGTERM: reaction, signal.SIGHUP: reaction})
        signal.signal(signal.SIGTERM, own)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        caught.attend(waker)
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGHUP)
        assert seen == ["reaction"]
        assert "has installed for SIGTERM, since" in caplog.text

        caught.release()
        caught.react({})
        assert signal.getsignal(signal.SIGTERM) is own

    def test_who_was_woken_by_signals_before_is_again(self, caught, waker) -> None:
        reader, writer = os.pipe2(os.O_NONBLOCK)
        try:
            signal.set_wakeup_fd(writer)
            caught.attend(waker)
            caught.attend(waker)
            assert signal.set_wakeup_fd(waker.writing_end()) == waker.writing_end()
            caught.release()
            assert signal.set_wakeup_fd(-1) == writer
            signal.set_wakeup_fd(reader)
            caught.release()
            assert signal.set_wakeup_fd(-1) == reader
        finally:
            os.close(reader)
            os.close(writer)

    def test_what_whoever_started_it_has_blocked_is_heard_which_is_said(
        self, caught, waker, seen, note, caplog
    ) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, (USER, WINDOW))
        caught.react({USER: note("reaction")})
        caught.attend(waker)
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ())
        assert USER not in blocked
        assert WINDOW in blocked
        assert f"process {os.getpid()} has blocked SIGUSR2: unblocked" in caplog.text
        caplog.clear()
        caught.attend(waker)
        assert caplog.text == ""

    def test_who_adds_a_handler_elsewhere_waits_until_it_is_installed(
        self, caught, waker, seen, note, monkeypatch
    ) -> None:
        monkeypatch.setattr(signals, "_INSTALLING", LIMIT)
        self.event_of(monkeypatch)
        caught.attend(waker)
        add = functools.partial(caught.add, URGENT, note("handler"))
        thread = threading.Thread(target=add)
        thread.start()
        while not is_woken(waker):
            assert thread.is_alive()
        assert thread.is_alive()
        caught.install()
        thread.join(LIMIT)
        assert not thread.is_alive()
        signal.raise_signal(URGENT)
        caught.dispatch()
        assert seen == ["handler"]

    def test_who_adds_one_before_a_worker_attends_waits_as_well(
        self, caught, waker, seen, note, monkeypatch
    ) -> None:
        monkeypatch.setattr(signals, "_INSTALLING", LIMIT)
        self.event_of(monkeypatch)
        caught.begin()
        add = functools.partial(caught.add, URGENT, note("handler"))
        thread = threading.Thread(target=add)
        thread.start()
        thread.join(0.05)
        assert thread.is_alive()
        caught.attend(waker)
        while thread.is_alive():  # as who attends does, each time it is woken
            caught.install()
        signal.raise_signal(URGENT)
        caught.dispatch()
        assert seen == ["handler"]

    def test_who_adds_one_elsewhere_is_told_that_it_cannot_be_had(
        self, caught, waker, note, monkeypatch
    ) -> None:
        monkeypatch.setattr(signals, "_INSTALLING", LIMIT)
        monkeypatch.setattr(signals, "_uncatchable", lambda _signum: OSError("none"))
        self.event_of(monkeypatch)
        caught.attend(waker)
        refusals = []

        def add() -> None:
            with pytest.raises(OSError, match="none") as refusal:
                caught.add(RESERVED, note("never"))
            refusals.append(refusal)

        thread = threading.Thread(target=add)
        thread.start()
        while not is_woken(waker):
            assert thread.is_alive()
        caught.install()
        thread.join(LIMIT)
        assert len(refusals) == 1

    def test_a_main_thread_that_is_busy_is_not_waited_for_which_is_said(
        self, caught, waker, note, monkeypatch, caplog
    ) -> None:
        monkeypatch.setattr(signals, "_INSTALLING", 0.01)
        self.event_of(monkeypatch)
        caught.attend(waker)
        elsewhere(functools.partial(caught.add, URGENT, note("handler")))
        assert "The main thread is busy" in caplog.text

    @staticmethod
    def event_of(monkeypatch: pytest.MonkeyPatch) -> None:
        class Driver:
            event = threading.Event

        monkeypatch.setattr(backend, "selected", Driver)


class TestForks:
    """What a process takes along, and what it gives back."""

    def test_what_is_handled_is_blocked_until_the_mask_is_put_back(
        self, caught, seen, note
    ) -> None:
        caught.add(USER, note("handler"))
        mask = caught.block()
        signal.raise_signal(USER)
        assert seen == []
        signals.unblock(mask)
        assert seen == ["handler"]

    def test_a_fresh_worker_forgets_handlers_but_not_what_was_before(
        self, caught, waker, note
    ) -> None:
        before = signal.getsignal(USER)
        caught.add(USER, note("handler"))
        caught.attend(waker)
        caught.start_over()
        assert signal.set_wakeup_fd(-1) == -1
        assert signal.getsignal(USER) != before
        caught.install()
        assert signal.getsignal(USER) == before

    def test_in_a_process_of_somebody_else_all_is_given_back(
        self, caught, waker, note
    ) -> None:
        before = signal.getsignal(USER)
        caught.add(USER, note("handler"))
        caught.attend(waker)
        caught.leave()
        assert signal.getsignal(USER) == before
        assert signal.set_wakeup_fd(-1) == -1

    def test_a_wakeup_that_is_not_ours_is_left_alone_in_it(self, caught) -> None:
        reader, writer = os.pipe2(os.O_NONBLOCK)
        try:
            signal.set_wakeup_fd(writer)
            caught.leave()
            assert signal.set_wakeup_fd(-1) == writer
        finally:
            os.close(reader)
            os.close(writer)


def test_a_handler_never_runs_inside_another_that_a_signal_interrupts() -> None:
    first, second = signal.SIGUSR1, signal.SIGUSR2
    caught, order = signals.Signals(), []

    def interrupted(*_: object) -> None:
        order.append("begins")
        caught._pending.append(second)
        caught.dispatch()
        order.append("ends")

    caught._handlers = {first: [interrupted], second: [lambda *_: order.append("next")]}
    caught._pending.append(first)
    caught.dispatch()
    assert order == ["begins", "ends", "next"]


def test_a_handler_that_is_added_at_every_start_is_kept_once(caught, monkeypatch):
    def handler(*_args: object) -> None:
        """Do nothing."""

    monkeypatch.setattr(signals, "of_process", lambda: caught)
    handlers = service.SignalHandler()
    handlers.add_handler("SIGUSR2", handler)
    once = sys.getrefcount(handler)

    for _ in range(10):
        handlers.add_handler("SIGUSR2", handler)

    assert sys.getrefcount(handler) == once
    handlers.clear()
    assert signal.getsignal(USER) == signal.SIG_DFL


def test_a_handler_that_is_refused_is_forgotten(caught, monkeypatch):
    monkeypatch.setattr(signals, "of_process", lambda: caught)
    handlers = service.SignalHandler()
    before = list(handlers._added)

    with pytest.raises(OSError, match="SIGKILL"):
        handlers.add_handler("SIGKILL", print)

    assert handlers._added == before
