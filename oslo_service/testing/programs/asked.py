# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A service whose workers are asked, and tell; see :mod:`.daemon` for its plan.

On a SIGUSR1 the questions of its plan's settings are asked, and what is answered is
said.
"""

# ruff: noqa: I001 - the daemon comes first: it patches
from oslo_service.testing.programs import daemon

import functools
import os
import sys
import time
from typing import Any

from oslo_config import cfg

from oslo_service import health, opts, service
from oslo_service._common import clock
from oslo_service.monitoring import health_checks, probes, status
from oslo_service.supervisor import current
from oslo_service.supervisor.exchange import registry, to_parent
from oslo_service.supervisor.exchange.inquiries import Answer, Respondent

CONF = cfg.CONF
TRAITS = daemon.PLAN.traits
SETTINGS = daemon.PLAN.settings
say = daemon.say


class Asked(daemon.Daemon):
    """Asks its parent something when it starts, where it is to."""

    name = "asked"

    def start(self) -> None:
        """Tell the parent something, and wait for what it says."""
        super().start()
        if "asks" in TRAITS:
            reply = to_parent.ask_parent("claim", {"pid": os.getpid()}, 20)
            say("reply", reply=reply)
        if "reports" in TRAITS:
            ttl = SETTINGS.get("ttl", 30)
            health.report("database", "ill" not in TRAITS, "as it is", ttl=ttl)
            self.load()
        if "unheard" in TRAITS:
            try:
                to_parent.ask_parent("claim", {}, 20)
            except to_parent.Unheard as exc:
                say("unheard", why=str(exc))

    @health.watch("catalog", LookupError)
    def load(self) -> None:
        """Succeed."""


def who(_args: dict[str, Any]) -> Any:
    """Say which process this is."""
    return os.getpid()


def much(args: dict[str, Any]) -> bytes:
    """Return so many bytes that are this process's own."""
    times: int = args["times"]
    return (b"%d." % os.getpid()) * times


def wait(_args: dict[str, Any]) -> Any:
    """Block for long, in a worker."""
    if is_worker():
        time.sleep(600)


def fail(_args: dict[str, Any]) -> Any:
    """Raise something."""
    raise ValueError("no such thing")


def strange(_args: dict[str, Any]) -> Any:
    """Return what JSON cannot be, in a worker."""
    return object() if is_worker() else None


def is_worker() -> bool:
    """Whether this process has a parent that asks."""
    supervisor = current.known()
    return supervisor is not None and supervisor.has_parent


def hear(sender: Respondent, value: Any) -> Any:
    """Say what a worker tells, and reply."""
    say("heard", worker=sender.worker, value=value)
    return {"granted": sender.pid}


def tell(kind: str, answers: list[Answer]) -> None:
    """Say what has been answered."""
    for one in answers:
        value = one.value
        if isinstance(value, bytes):
            times = SETTINGS["args"]["times"]
            value = value == (b"%d." % one.respondent.pid) * times
        say(
            "answer",
            kind=kind,
            of=one.respondent.pid,
            worker=one.respondent.worker,
            service=one.respondent.service,
            value=value,
            problem=one.problem,
        )
    say("answered", kind=kind, count=len(answers))


def ask(_signum: int, _frame: object) -> None:
    """Ask everything at once."""
    supervisor = current.known()
    assert supervisor is not None
    seconds = SETTINGS.get("seconds", 20)
    for kind in SETTINGS["kinds"]:
        if kind == "status":
            supervisor.exchange.ask(
                status.KIND,
                {},
                seconds,
                lambda answers: say(
                    "status", found=status.of_supervisor(supervisor, answers)
                ),
            )
            continue
        if kind == "probes":
            probe(supervisor, seconds)
            continue
        supervisor.exchange.ask(
            kind,
            SETTINGS.get("args", {}),
            seconds,
            functools.partial(tell, kind),
        )


def probe(supervisor: Any, seconds: float) -> None:
    """Say what probes are answered."""

    def take(answers: list[Answer]) -> None:
        snapshot = supervisor.reporter.snapshot()
        found = [
            (one.respondent, health_checks.known(one.respondent, one.value))
            for one in answers
        ]
        well = probes.health(found, clock.now())
        say(
            "probes",
            live=probes.live(snapshot, 1).status,
            ready=probes.ready(snapshot).status,
            health=well.status,
            body=well.body,
        )

    supervisor.exchange.ask("health", {}, seconds, take)


registry.answer("who", who)
registry.answer("fail", fail)
registry.answer("strange", strange)
registry.answer("much", much, at_length=much)
registry.answer("wait", wait, at_length=wait)
registry.hear("claim", hear)
registry.tell_at_end("bye", os.getpid)
registry.hear("bye", hear)


def main() -> None:
    """Run until told to stop."""
    if "unheard" not in TRAITS:
        registry.want()
    daemon.log_to_stderr()
    CONF.register_opts(daemon.OPTIONS)
    opts.register_service_opts(CONF)
    CONF(daemon.PLAN.arguments, project="asked")
    service.SignalHandler().add_handler("SIGUSR1", ask)
    launcher = service.launch(
        CONF,
        Asked(),
        workers=daemon.PLAN.workers,
        start_method=daemon.PLAN.start_method,
    )
    say("waiting")
    status = launcher.wait()
    say("last", status=status)
    sys.exit(status)


if __name__ == "__main__":
    main()
