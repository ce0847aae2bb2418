# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A service that says what happens to it, and misbehaves as it is told.

Run as ``python daemon.py PLAN``, where the plan is a JSON object: see
:class:`Plan`. Says one JSON object a line on standard output.
"""

import io
import json
import os
import sys


class Plan:
    """What the program is to do.

    :ivar driver: the name of the driver, which prepares the process.
    :ivar workers: how many; None is passed on.
    :ivar restart_method: passed on.
    :ivar traits: how the service misbehaves, and what the program does besides.
    :ivar gate: a path: what is held up goes on when there is such a file.
    :ivar arguments: the command line for the configuration.
    :ivar settings: parameters of what the program makes.
    """

    def __init__(self, text: str) -> None:
        values = json.loads(text)
        self.driver = values["driver"]
        self.workers = values.get("workers", 1)
        self.restart_method = values.get("restart_method", "reload")
        self.start_method = values.get("start_method")
        self.traits = set(values.get("traits", ()))
        self.gate = values.get("gate", "")
        self.arguments = values.get("arguments", [])
        self.settings = values.get("settings", {})


PLAN = Plan(sys.argv[1])
os.environ["OS_OSLO_SERVICE__BACKEND"] = PLAN.driver
if "unpatched" not in PLAN.traits:
    from oslo_service import backend

    backend.bootstrap(argv=[])
if "no pidfd" in PLAN.traits:
    del os.pidfd_open

import atexit  # noqa: E402
import logging  # noqa: E402
import signal  # noqa: E402
import subprocess  # noqa: E402
import threading  # noqa: E402
import time  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

from oslo_config import cfg  # noqa: E402

from oslo_service import backend, loopingcall, opts, service, systemd  # noqa: E402
from oslo_service.supervisor import signal_policy  # noqa: E402
from oslo_service.supervisor.repeated_signals import RepeatedSignals  # noqa: E402

CONF = cfg.CONF
OPTIONS = [
    cfg.IntOpt("plain", default=0),
    cfg.IntOpt("mutable", default=0, mutable=True),
]


def say(event: str, **details: Any) -> None:
    """Say that something happened, in one write."""
    text = json.dumps({"event": event, "pid": os.getpid(), **details}) + "\n"
    # Past the buffer: a signal handler may interrupt this, and say something itself,
    # and a child that is forked meanwhile would find the buffer locked. Not
    # os.write(): Eventlet's lets nobody else write while one does.
    io.FileIO(1, "w", closefd=False).write(text.encode())


def green() -> list[str]:
    """Tell what this process has loaded of other models' libraries."""
    return sorted({"eventlet", "gevent", "greenlet"}.intersection(sys.modules))


def spin() -> None:
    """Compute without end, letting others run."""
    while True:
        turn()
        time.sleep(0)


turns = 0


def turn() -> int:
    """Compute for a moment."""
    global turns
    turns += 1
    return sum(range(10_000))


def await_gate(gate: str = PLAN.gate) -> None:
    """Block until a gate is open."""
    while not Path(gate).exists():
        time.sleep(0.01)


def is_second() -> bool:
    """Whether this is the second process that asks, or a later one."""
    try:
        os.close(os.open(PLAN.gate, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return True
    return False


def block() -> None:
    """Block the whole process, as a call into a library in C may, until then."""
    say("blocking")
    original = backend.get_backend().original("time")
    while not Path(PLAN.gate).exists():
        original.sleep(0.01)


class Daemon(service.Service):
    """Says what happens to it."""

    name = "daemon"

    def start(self) -> None:
        say("start", name=self.name, plain=CONF.plain, mutable=CONF.mutable)
        self.misbehave()
        self.employ()
        level = logging.getLogger().level
        port = vars(self).get("backdoor_port")
        say("started", name=self.name, backdoor=port, level=level)

    def misbehave(self) -> None:
        """Make trouble at the start."""
        if "slow start" in PLAN.traits:
            await_gate()
        if "failing start" in PLAN.traits:
            raise RuntimeError("start fails as asked")
        if "failing at 9" in PLAN.traits and CONF.plain == 9:
            raise RuntimeError("start fails at 9, as asked")
        if "second failing at 9" in PLAN.traits and CONF.plain == 9 and is_second():
            raise RuntimeError("start fails at 9, as asked")
        if "exiting start" in PLAN.traits:
            os._exit(3)
        if "telling" in PLAN.traits:
            systemd.notify()
        if "blocking handler" in PLAN.traits:
            service.SignalHandler().add_handler("SIGUSR1", lambda *_: block())

    def employ(self) -> None:
        """Use what the library has, and what the system has."""
        if "stubborn thread" in PLAN.traits:
            self.tg.add_thread(time.sleep, 600)
        if "spinning thread" in PLAN.traits:
            self.tg.add_thread(spin)
        if "timers" in PLAN.traits:
            self.tg.add_timer(0.01, int)
            self.tg.add_thread(int).wait()
        if "handlers" in PLAN.traits:
            handlers = service.SignalHandler()
            handlers.add_handler("SIGUSR1", lambda *_: say("first handler"))
            handlers.add_handler("SIGUSR1", lambda *_: say("second handler"))
            handlers.add_handler("SIGTERM", lambda *_: say("own SIGTERM handler"))
        if "nested" in PLAN.traits:
            self.nested = service.Launcher(CONF)
            self.nested.launch_service(Inner())
            self.tg.add_thread(self.wait_for_nested)
        if "helper" in PLAN.traits:
            helper = subprocess.Popen(["/bin/sleep", "600"])
            say("helper", helper=helper.pid)
        if "forked helper" in PLAN.traits and os.fork() == 0:
            while True:
                signal.pause()
        if "exit handler" in PLAN.traits:
            atexit.register(say, "worker's exit handler")

    def wait_for_nested(self) -> None:
        say("nested ended", status=self.nested.wait())

    def stop(self, graceful: bool = False) -> None:
        say("stop", name=self.name, green=green())
        if "hanging stop" in PLAN.traits:
            time.sleep(600)
        if "spinning stop" in PLAN.traits:
            while True:
                pass
        super().stop("nested" in PLAN.traits or graceful)

    def wait(self) -> None:
        super().wait()
        if "hanging wait" in PLAN.traits:
            time.sleep(600)
        if "draining" in PLAN.traits:
            # Its own, where what else is held up goes on before it is told to stop.
            await_gate(PLAN.settings.get("draining gate", PLAN.gate))
            say("drained")

    def reset(self) -> None:
        if "slow reset" in PLAN.traits:
            say("resetting")
            await_gate()
        values = {"plain": CONF.plain, "mutable": CONF.mutable}
        say("reset", name=self.name, level=logging.getLogger().level, **values)


class Inner(Daemon):
    """A second service, which behaves."""

    name = "inner"

    def start(self) -> None:
        say("start", name=self.name)

    def stop(self, graceful: bool = False) -> None:
        say("stop", name=self.name)
        service.Service.stop(self, graceful)

    def wait(self) -> None:
        service.Service.wait(self)


class Delegating(Daemon):
    """Answers everything, as a service that delegates to a manager does."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *_args, **_kwargs: name


def launch() -> Any:
    """Launch what the plan says."""
    daemon = Delegating() if "delegating" in PLAN.traits else Daemon()
    if "several" in PLAN.traits:
        launcher = service.ProcessLauncher(CONF, restart_method=PLAN.restart_method)
        launcher.launch_service(daemon, workers=2)
        launcher.launch_service(Inner(), workers=1)
        return launcher
    if "no fork" in PLAN.traits:
        return service.launch(CONF, daemon, workers=PLAN.workers, no_fork=True)
    return service.launch(
        CONF,
        daemon,
        workers=PLAN.workers,
        restart_method=PLAN.restart_method,
        start_method=PLAN.start_method,
    )


def act(launcher: Any) -> None:
    """Do what the plan says besides, before waiting."""
    handlers = service.SignalHandler()
    if "stopped before wait" in PLAN.traits:
        launcher.stop()
        launcher.stop()
    if "stopped by a thread" in PLAN.traits:
        threading.Thread(target=stop_from_thread, args=(launcher,)).start()
    if "stopping handler" in PLAN.traits:
        handlers.add_handler("SIGUSR1", lambda *_: stop_from_handler(launcher))
    if "signalled at attention" in PLAN.traits:
        sys.setprofile(raise_at_attention)
    if "signalled at the end" in PLAN.traits:
        signal_policy.REPEATED = 600.0  # however busy the machine
    if "restarting handler" in PLAN.traits:
        handlers.add_handler("SIGUSR2", lambda *_: launcher.restart())
    if "own child" in PLAN.traits:
        child = subprocess.Popen([sys.executable, "-c", "raise SystemExit(7)"])
        handlers.add_handler("SIGUSR2", lambda *_: say("child", status=child.wait()))


def raise_at_attention(frame: Any, event: str, _arg: object) -> None:
    """Have a signal come when the launcher's wait() has just begun."""
    if event == "call" and frame.f_code.co_name == "attend":
        sys.setprofile(None)
        signal.raise_signal(signal.SIGUSR1)


def stop_from_thread(launcher: Any) -> None:
    """Stop, when the gate is open."""
    await_gate()
    launcher.stop()
    launcher.stop()


def stop_from_handler(launcher: Any) -> None:
    """Try to wait where that is not possible, and stop."""
    try:
        launcher.wait()
    except RuntimeError as exc:
        say("refused", why=str(exc))
    launcher.stop()


def log_to_stderr() -> None:
    """Have the log where the tests read it."""
    level = logging.DEBUG if "debug" in PLAN.traits else logging.INFO
    logging.basicConfig(
        level=level, format="%(levelname)s %(process)d %(name)s %(message)s"
    )


def is_default(signum: int) -> bool:
    """Whether a signal has been left to the system, or is in a moment."""
    handler = signal.getsignal(signum)
    return handler is signal.SIG_DFL or isinstance(handler, RepeatedSignals)


class SignalledAtTheVeryEnd:
    """Is sent a SIGTERM as the interpreter is taken down."""

    def __init__(self) -> None:
        self.kill, self.pid = os.kill, os.getpid()

    def __del__(self) -> None:
        self.kill(self.pid, 15)


def signal_again() -> None:
    """Have what may repeat the order come when all is done, and still later."""
    for signum in (signal.SIGTERM, signal.SIGHUP):
        signal.raise_signal(signum)
    globals()["taken down"] = SignalledAtTheVeryEnd()


def main() -> None:
    """Run until told to stop."""
    log_to_stderr()
    CONF.register_opts(OPTIONS)
    opts.register_service_opts(CONF)
    CONF(PLAN.arguments, project="daemon")
    if "exit handler" in PLAN.traits:
        atexit.register(say, "parent's exit handler")
    if "watched" in PLAN.traits:
        os.environ["WATCHDOG_PID"] = str(os.getpid())
    if "printing" in PLAN.traits:
        sys.stdout.write("printed before the fork\n")
    if "other thread" in PLAN.traits:
        idler = threading.Thread(target=time.sleep, args=(600,), name="idler")
        idler.daemon = True
        idler.start()
    if "loop" in PLAN.traits:
        loopingcall.FixedIntervalLoopingCall(int).start(0.01)
    launcher = launch()
    others = None
    if "second launcher" in PLAN.traits:
        others = service.ServiceLauncher(CONF)
        others.launch_service(Inner())
    act(launcher)
    say("waiting")
    status = launcher.wait()
    if others is not None:
        say("second ended", status=others.wait())
    say("last", status=status, green=green())
    if "signalled at the end" in PLAN.traits:
        signal_again()
    sys.exit(status)


if __name__ == "__main__":
    main()
