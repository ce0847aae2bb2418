# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A program that launches as few do; see :mod:`.daemon` for its plan.

It has that program's traits, and its own.
"""

# ruff: noqa: I001 - the daemon comes first: it patches
from oslo_service.testing.programs import daemon

import array
import collections
import contextlib
import dataclasses
import fcntl
import functools
import io
import itertools
import logging
import os
import signal
import sys
import termios
import threading
import time
from collections.abc import Callable
from typing import Any

from oslo_config import cfg

from oslo_service import backend, events, opts, service
from oslo_service.supervisor import readiness

CONF = cfg.CONF
TRAITS = daemon.PLAN.traits
say = daemon.say


class Unusual(daemon.Daemon):
    """Has troubles of its own."""

    name = "unusual"

    def start(self) -> None:
        """Say so, and end everything where that is asked for."""
        super().start()
        if "writing thread" in TRAITS:
            HELD.stream.write("of the worker\n")
            HELD.flush()
            say("wrote")
        if "ends itself" in TRAITS:
            self.tg.add_timer(0.01, LAUNCHERS[-1].stop)

    def stop(self, graceful: bool = False) -> None:
        """Stop, unless told otherwise."""
        say("stop", name=self.name)
        if "GIL" in TRAITS:
            # One call in C, which neither ends nor lets another thread run.
            collections.deque(itertools.repeat(0), maxlen=0)
        if "failing stop" in TRAITS:
            raise RuntimeError("stop fails as asked")
        service.Service.stop(self, graceful)

    def wait(self) -> None:
        """Wait, unless told otherwise."""
        if "failing wait" in TRAITS:
            raise RuntimeError("wait fails as asked")
        super().wait()


class Early(service.ServiceBase):
    """Its wait() returns before stop(): there is nothing to wait for."""

    def start(self) -> None:
        """Say so."""
        say("started", name="early")

    def stop(self) -> None:
        """Say so."""
        say("stop", name="early")

    def wait(self) -> None:
        """Say so."""
        say("wait", name="early")


LAUNCHERS: list[Any] = []


def hit_at_birth() -> None:
    """Send the first worker a signal before it has done anything."""
    signum = next(
        (
            number
            for number in (signal.SIGHUP, signal.SIGTERM)
            if f"{number.name} at birth" in TRAITS
        ),
        None,
    )
    if signum is None:
        return
    with contextlib.suppress(FileExistsError):
        os.close(os.open(daemon.PLAN.gate, os.O_CREAT | os.O_EXCL))
        os.kill(os.getpid(), signum)


HELD: Any = logging.StreamHandler(io.StringIO())


def hold_stream() -> Callable[[], object]:
    """Have a thread write to a log's stream for longer than it takes to fork.

    :returns: lets it go on.
    """
    reader, writer = os.pipe()
    HELD.setStream(os.fdopen(writer, "w"))
    size = fcntl.fcntl(reader, fcntl.F_GETPIPE_SZ)
    native = backend.get_backend().original("threading")
    native.Thread(target=HELD.stream.write, args=("x" * 2 * size,), daemon=True).start()
    pending = array.array("i", [0])
    while pending[0] < size:  # the pipe is not full yet
        fcntl.ioctl(reader, termios.FIONREAD, pending)
    drained = os.fdopen(reader, "rb")
    return native.Thread(target=drained.read, daemon=True).start  # type: ignore[no-any-return]


class NoRoom:
    """Stands in for os.fork(): the first calls fail."""

    def __init__(self) -> None:
        self._fork = os.fork
        self._failures = 2

    def __call__(self) -> int:
        """Fork, or fail."""
        if self._failures:
            self._failures -= 1
            raise BlockingIOError("no room for another process, as asked")
        return self._fork()


class Hanging:
    """Hangs when it is to become text, and so the lock of a log handler is held."""

    def __str__(self) -> str:
        """Hang."""
        say("held up")
        threading.Event().wait()
        return ""


def fill_log(*_: object) -> None:
    """Make the standard error a pipe that is full, and that nobody reads."""
    system = backend.get_backend().original("os")
    _reader, writer = system.pipe()
    system.set_blocking(writer, False)
    for size in (4096, 1):
        with contextlib.suppress(BlockingIOError):
            while True:
                system.write(writer, b"x" * size)
    system.set_blocking(writer, True)
    system.dup2(writer, 2)
    say("held up")


def hold_log_lock(*_: object) -> None:
    """Have a thread hold the lock of the log's handler for ever."""
    thread = threading.Thread(target=logging.error, args=("%s", Hanging()))
    thread.daemon = True
    thread.start()


def hang_on_signal(*_: object) -> None:
    """Have what is told of the next event hang."""

    def hang(_event: events.Event) -> None:
        say("hangs")
        while True:
            time.sleep(600)

    events.subscribe(hang)
    say("held up")


def terminated_when_told(*_: object) -> None:
    """The same, with a SIGTERM that comes when that has just begun to be told."""
    hang_on_signal()
    sys.setprofile(raise_when_lent)


def raise_when_lent(frame: Any, event: str, _arg: object) -> None:
    """Have a SIGTERM come when it has just been looked for orders."""
    if event == "call" and frame.f_code.co_name == "lend":
        sys.setprofile(None)
        signal.raise_signal(signal.SIGTERM)


def terminate_and_await_end(event: events.Event) -> None:
    """Have a SIGTERM come, and others do what it means before this goes on."""
    if not isinstance(event, events.Ready):
        return
    signal.raise_signal(signal.SIGTERM)
    runner = LAUNCHERS[-1].services._runner
    while not runner.ended.is_set():
        time.sleep(0.01)


def hold_up() -> None:
    """Have something block at SIGUSR1, and what happens before told."""
    handlers = {
        "full log": fill_log,
        "held log lock": hold_log_lock,
        "hanging subscriber": hang_on_signal,
        "terminated when told": terminated_when_told,
    }
    for trait, handler in handlers.items():
        if trait in TRAITS:
            events.subscribe(tell)
            service.SignalHandler().add_handler("SIGUSR1", handler)


def subscribe() -> None:
    """Have what happens told, among those who misbehave."""
    if "hanging from the start" in TRAITS:
        hang_on_signal()
    if "failing subscriber" in TRAITS:
        events.subscribe(lambda _event: 1 / 0)
    if "exiting subscriber" in TRAITS:
        events.subscribe(lambda _event: sys.exit(3))
        events.subscribe(functools.partial(fail_with, KeyboardInterrupt))
    if "failing log" in TRAITS:
        events.subscribe(break_log)
    if "subscribed" in TRAITS:
        events.subscribe(tell)
    if "stopping subscriber" in TRAITS:
        events.subscribe(
            lambda event: isinstance(event, events.Ready) and LAUNCHERS[-1].stop()
        )
    if "terminated while told" in TRAITS:
        events.subscribe(terminate_and_await_end)
    if "unsubscribed" in TRAITS:
        end = events.subscribe(tell)
        end()
        end()


def break_log(event: events.Event) -> None:
    """Have every line that is logged from now on raise something."""

    def fail(_record: logging.LogRecord) -> bool:
        raise RuntimeError("this log is broken")

    if isinstance(event, events.Ready):
        for handler in logging.getLogger().handlers:
            handler.addFilter(fail)


def slow_down_log() -> None:
    """Have every error take a while to be written."""
    native = backend.get_backend().original("time")

    def pause(record: logging.LogRecord) -> bool:
        if record.levelno >= logging.ERROR:
            native.sleep(0.55)  # what stands behind the alarm waits for 0.5
        return True

    for handler in logging.getLogger().handlers:
        handler.addFilter(pause)


def tell(event: events.Event) -> None:
    """Say what has happened, and to whom."""
    fields = {
        field.name: str(getattr(event, field.name))
        for field in dataclasses.fields(event)
    }
    about = fields.pop("pid", "")
    say("happened", kind=type(event).__name__, about=about, **fields)


def launch_while_reading() -> None:
    """Have another service launched while the configuration is read again."""
    read = CONF.reload_config_files

    def launch_and_read() -> bool:
        LAUNCHERS[-1].launch_service(daemon.Inner())
        say("reading")
        daemon.await_gate()
        return bool(read())

    CONF.reload_config_files = launch_and_read


def launch() -> Any:
    """Launch what the plan says."""
    plan = daemon.PLAN
    first = Early() if "early" in TRAITS else Unusual()
    if "two services" in TRAITS:
        launcher: Any = service.ServiceLauncher(CONF)
        launcher.launch_service(daemon.Inner())
    elif plan.workers > 1:
        launcher = service.ProcessLauncher(CONF, restart_method=plan.restart_method)
    else:
        launcher = service.ServiceLauncher(CONF, restart_method=plan.restart_method)
    LAUNCHERS.append(launcher)
    launcher.launch_service(first, workers=plan.workers)
    if "own SIGTERM" in TRAITS:
        signal.signal(signal.SIGTERM, lambda *_: say("own SIGTERM"))
    return launcher


def wait(launcher: Any) -> int:
    """Wait for the launcher, from where the plan says."""
    if "late wait" in TRAITS:
        say("launched")
        daemon.await_gate()
    if "wait in a thread" not in TRAITS:
        return int(launcher.wait())
    results: list[int] = []
    thread = threading.Thread(target=lambda: results.append(launcher.wait()))
    thread.start()
    daemon.await_gate()
    launcher.stop()
    thread.join()
    return results[0]


def add_handlers() -> None:
    """Add handlers that misbehave."""
    handlers = service.SignalHandler()
    errors: list[type[BaseException]] = []
    if "failing handler" in TRAITS:
        errors += [ZeroDivisionError, GeneratorExit]
    if "interrupting handler" in TRAITS:
        errors.append(KeyboardInterrupt)
    for error in errors:
        handlers.add_handler("SIGTERM", functools.partial(fail_with, error))
    if "exiting handler" in TRAITS:
        handlers.add_handler("SIGUSR1", exit_with_5)
    if "slow handler" in TRAITS:
        handlers.add_handlers(["SIGUSR1", "SIGUSR2"], slow_handler)


def fail_with(error: type[BaseException], *_args: object) -> None:
    """Fail, as the program's own code may."""
    raise error


def exit_with_5(signum: int, _frame: object) -> None:
    """End the program, as upstream's handlers may."""
    raise service.SignalExit(signum, 5)


def slow_handler(signum: int, _frame: object) -> None:
    """Block until the gate is open."""
    say("handler begins", signum=signum)
    daemon.await_gate()
    say("handler ends", signum=signum)


def handle_without_launcher() -> None:
    """Have a handler where there is no launcher."""
    over = threading.Event()

    def handler(*_: object) -> None:
        time.sleep(0)  # switches to another green thread
        say("handled")
        over.set()

    service.SignalHandler().add_handler("SIGUSR1", handler)
    say("waiting")
    while not over.is_set():
        time.sleep(0.01)


def main() -> None:
    """Run until told to stop."""
    os.register_at_fork(after_in_child=hit_at_birth)
    if "no room" in TRAITS:
        os.fork = NoRoom()
    if "impatient" in TRAITS:
        readiness.PATIENCE = 0.5
    daemon.log_to_stderr()
    CONF.register_opts(daemon.OPTIONS)
    opts.register_service_opts(CONF)
    CONF(daemon.PLAN.arguments, project="unusual")
    if "no launcher" in TRAITS:
        handle_without_launcher()
        return
    add_handlers()
    subscribe()
    hold_up()
    if "slow log" in TRAITS:
        slow_down_log()
    if "launches while reading" in TRAITS:
        launch_while_reading()
    let_go = hold_stream() if "writing thread" in TRAITS else None
    launcher = launch()
    if let_go is not None:
        let_go()
    say("waiting")
    status = wait(launcher)
    if "twice" in TRAITS:
        say("first ended", status=status)
        status = wait(launch())
    default = daemon.is_default(signal.SIGTERM)
    say("last", status=status, default=default)
    sys.exit(status)


if __name__ == "__main__":
    main()
