# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Workers that begin in a fresh interpreter, with nothing of the parent's.

The service and its configuration are pickled; ``__main__`` is prepared as
multiprocessing does it, so that classes that are defined there are found.
"""

import logging
import multiprocessing.spawn
import os
import pickle
import subprocess
import sys
import tempfile
from typing import Any, NoReturn

from oslo_config import cfg

from oslo_service import backend
from oslo_service._common import naming
from oslo_service.supervisor import launching, signals
from oslo_service.supervisor.configuration import Settings
from oslo_service.supervisor.exchange.pipe import Outbox
from oslo_service.supervisor.workers import worker
from oslo_service.supervisor.workers.channel import Channel, ControlPipes
from oslo_service.supervisor.workers.parent_link import ParentLink
from oslo_service.supervisor.workers.plan import WorkerPlan
from oslo_service.supervisor.workers.process import open_pidfd
from oslo_service.supervisor.workers.stacks import StacksOfWorker

__all__ = ("main", "spawn")

LOG = logging.getLogger(__name__)

# The path first: whatever lies in the working directory, it is not imported.
_COMMAND = (
    "import sys; sys.path[:] = {path!r};"
    " from oslo_service.supervisor.workers.spawning import main; main()"
)
_UNGUARDED = (
    "a spawned worker imports the program's main module, which launches services as"
    " it is imported: that belongs behind if __name__ == '__main__':"
)
# The attributes of a ConfigOpts that its call has set, and the parameters that
# take them again.
_CALL = {
    **{name: name for name in ("project", "prog", "version", "usage")},
    "default_config_files": "default_config_files",
    "default_config_dirs": "default_config_dirs",
    "_args": "args",
    "_use_env": "use_env",
    "_validate_default_values": "validate_default_values",
}


def spawn(plan: WorkerPlan, pipes: ControlPipes) -> int:
    """Start a worker in a fresh interpreter; return its pid.

    The parent's end of the pipes is not inherited.

    :raises OSError: the system has no room for another process.
    """
    with tempfile.TemporaryFile() as file:
        mask = signals.of_process().block()
        try:
            preparation = _prepare()
            command = _COMMAND.format(path=preparation["sys_path"])
            _write(file, plan, preparation, mask)
            fds = [pipes.reader, pipes.writer, file.fileno()]
            stacks = pipes.stacks
            # -1: there is none.
            others = [-1 if one is None else one for one in (pipes.answers, stacks.fd)]
            numbers = (pipes.number, stacks.offset, *fds, *others)
            fds += [one for one in others if one >= 0]
            process = subprocess.Popen(  # noqa: S603 - it is this interpreter
                [
                    sys.executable,
                    *subprocess._args_from_interpreter_flags(),  # type: ignore[attr-defined]
                    *("-c", command, *map(str, numbers)),
                ],
                pass_fds=fds,
            )
        finally:
            signals.unblock(mask)
    # The supervisor waits for the process; to this object it is over, or it
    # would take the exit status away when it is collected.
    process.returncode = 0
    return process.pid


def _prepare() -> dict[str, Any]:
    """Return what multiprocessing tells a fresh interpreter, but for what is inherited.

    It asks for the working directory, which may be gone.
    """
    try:
        found = multiprocessing.spawn.get_preparation_data("worker")
    except FileNotFoundError:
        here = os.open(".", os.O_RDONLY)
        os.chdir("/")
        try:
            found = multiprocessing.spawn.get_preparation_data("worker")
        finally:
            os.fchdir(here)
            os.close(here)
    found.pop("dir", None)
    found.pop("authkey", None)  # not to be written to a file
    return found


def _write(
    file: Any, plan: WorkerPlan, preparation: dict[str, Any], mask: set[Any]
) -> None:
    """Write what the worker needs of this process."""
    conf = plan.settings.conf
    called = hasattr(conf, "prog")
    pickle.dump(preparation, file)
    body = {
        "driver": plan.driver.name,
        "conf": conf,
        "call": called and {to: getattr(conf, name) for name, to in _CALL.items()},
        "hooks": conf._mutate_hooks,
        "restart_method": plan.settings.restart_method,
        "limits": plan.settings.in_force(),
        "prepare": plan.prepare,
        "service": plan.service,
        "reset": plan.reset,
        "ready_anyway": plan.ready_anyway,
        "parent": os.getpid(),
        "mask": {int(signum) for signum in mask},
    }
    pickle.dump(body, file)
    file.flush()
    file.seek(0)


def main() -> NoReturn:
    """Be a worker: called in the fresh interpreter, with signals blocked."""
    number, offset, reader, writer, written, answers, stacks = map(int, sys.argv[1:])
    for fd in (reader, writer, answers, stacks):
        if fd >= 0:
            os.set_inheritable(fd, False)
    outbox = Outbox(os, answers, number) if answers >= 0 else None
    channel = Channel(os, reader, writer, number, outbox)
    left = StacksOfWorker(stacks if stacks >= 0 else None, offset)

    def live() -> int:
        body = _read(written)
        plan = _plan(body)
        parent = body["parent"]
        pidfd = open_pidfd(parent) if os.getppid() == parent else None
        link = ParentLink(channel, parent, left, pidfd)
        return worker.live(plan, link, body["mask"])

    worker.run(live, channel)


def _read(fd: int) -> dict[str, Any]:
    """Return what :func:`_write` has written; import the program before."""
    with os.fdopen(fd, "rb") as file:
        with launching.forbidden(_UNGUARDED):
            multiprocessing.spawn.prepare(pickle.load(file))  # noqa: S301
        body: dict[str, Any] = pickle.load(file)  # noqa: S301
    return body


def _plan(body: dict[str, Any]) -> WorkerPlan:
    conf = body["conf"]
    for hook in body["hooks"]:
        conf.register_mutate_hook(hook)
    if body["call"]:
        _make_readable(conf, body["call"])
    _set_up_logging(conf)
    backend.init_backend(body["driver"])
    return WorkerPlan(
        backend.commit(conf),
        Settings(conf, body["restart_method"], body["limits"]),
        body["prepare"],
        body["service"],
        naming.describe(body["service"]),
        body["reset"],
        body["ready_anyway"],
    )


def _make_readable(conf: Any, call: dict[str, Any]) -> None:
    """Let a configuration read its files again.

    Its values stay those of the parent, which may be others than those in the
    files now: only mutable ones may have changed, or the files do not parse.
    """
    values = conf._namespace, conf._mutable_ns
    try:
        conf(**call)
    except (cfg.Error, SystemExit):
        LOG.debug("The configuration files cannot be read now", exc_info=True)
    conf._namespace, conf._mutable_ns = values
    conf.register_opts([])  # forgets what it has looked up meanwhile


def _set_up_logging(conf: Any) -> None:
    oslo_log = sys.modules.get("oslo_log.log")
    if oslo_log is not None and "log_config_append" in conf:
        oslo_log.setup(conf, conf.project or conf.prog)
