# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Workers in a fresh interpreter know what the parent knows, and go on so."""

import signal
import sys

import pytest

from oslo_service.testing.live import Live

pytestmark = pytest.mark.starts_processes

PROGRAM = """
import json
import os
import sys

from oslo_config import cfg

from oslo_service import backend, service

CONF = cfg.CONF
CONF.register_opts([
    cfg.StrOpt("plain", default="default"),
    cfg.StrOpt("soft", default="default", mutable=True),
    cfg.StrOpt("overridden", default="default"),
])
CONF.register_opts([cfg.StrOpt("deep", default="default")], group="group")
CONF.register_cli_opts([cfg.StrOpt("cli", default="default")])


def say(what, **details):
    line = json.dumps({"event": what, "pid": os.getpid(), **details})
    sys.stdout.write(line + "\\n")
    sys.stdout.flush()


def hook(conf, fresh):
    say("hook", right=conf is CONF, fresh=sorted(name for _, name in fresh))


class Worker(service.Service):
    def __init__(self):
        super().__init__()
        self.conf = CONF
        self.made_in = os.getpid()

    def start(self):
        self.tell("start")
        say("started")

    def tell(self, what):
        say(
            what,
            parent=self.made_in != os.getpid() and __name__ != "__main__",
            conf=self.conf is CONF is cfg.CONF,
            plain=CONF.plain,
            soft=CONF.soft,
            overridden=CONF.overridden,
            deep=CONF.group.deep,
            cli=CONF.cli,
        )

    def reset(self):
        self.tell("reset")


if __name__ == "__main__":
    restart_method, path = sys.argv[1:]
    CONF(["--config-file", path, "--cli", "given"], project="spawned")
    CONF.set_override("overridden", "by the parent")
    CONF.register_mutate_hook(hook)
    backend.init_backend("threading")
    launcher = service.launch(
        CONF,
        Worker(),
        workers=2,
        restart_method=restart_method,
        start_method="spawn",
    )
    sys.exit(launcher.wait())
"""
GIVEN = {
    "parent": True,
    "conf": True,
    "overridden": "by the parent",
    "cli": "given",
}


def text(value):
    return f"[DEFAULT]\nplain = {value}\nsoft = {value}\n[group]\ndeep = {value}\n"


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "spawned.conf"
    path.write_text(text("old"))
    return path


@pytest.fixture
def spawned(request, tmp_path, config):
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    program = Live([str(path), request.param, str(config)], {})
    try:
        program.expect("started", 2)
        yield program
    finally:
        program.clean_up()


def values(plain, soft=None):
    soft = plain if soft is None else soft
    return {**GIVEN, "plain": plain, "deep": plain, "soft": soft}


@pytest.mark.parametrize("spawned", ["reload", "mutate"], indirect=True)
def test_a_worker_has_the_service_and_the_configuration(spawned):
    assert len(spawned.expect("start", 2, **values("old"))) == 2
    assert len(spawned.events("start")) == 2
    assert spawned.end() == 0


@pytest.mark.parametrize("spawned", ["reload"], indirect=True)
def test_the_workers_that_a_reload_starts_see_the_new_values(spawned, config):
    config.write_text(text("new"))
    spawned.kill(signal.SIGHUP)
    spawned.expect("reset", 2, **values("new"))
    spawned.expect("start", 2, **values("new"))
    assert spawned.end() == 0


@pytest.mark.parametrize("spawned", ["reload"], indirect=True)
def test_a_worker_can_read_its_files_again_by_itself(spawned, config):
    pid = spawned.pids("started")[0]
    config.write_text(text("new"))
    spawned.kill(signal.SIGHUP, pid)
    spawned.expect("reset", pid=pid, **values("new"))
    assert spawned.end() == 0


@pytest.mark.parametrize("spawned", ["mutate"], indirect=True)
def test_a_worker_mutates_what_may_be_and_calls_the_hooks(spawned, config):
    pids = set(spawned.pids("started"))
    config.write_text(text("new"))
    spawned.kill(signal.SIGHUP)
    for pid in pids:
        spawned.expect("reset", pid=pid, **values("old", soft="new"))
        spawned.expect("hook", pid=pid, right=True, fresh=["soft"])
    assert set(spawned.pids("started")) == pids
    assert spawned.end() == 0


@pytest.mark.parametrize("spawned", ["mutate"], indirect=True)
def test_a_worker_that_is_replaced_has_the_values_of_its_parent(spawned, config):
    config.write_text(text("new"))
    spawned.kill(signal.SIGHUP)
    spawned.expect("reset", 2, soft="new")
    spawned.kill(signal.SIGKILL, spawned.pids("started")[0])
    spawned.expect("started", 3)
    spawned.expect("start", 1, **values("old", soft="new"))
    assert spawned.end() == 0


@pytest.mark.parametrize("spawned", ["reload"], indirect=True)
def test_a_file_that_does_not_parse_keeps_no_worker_from_starting(spawned, config):
    config.write_text("nonsense")
    spawned.kill(signal.SIGHUP)
    spawned.expect("start", 4, **values("old"))
    spawned.kill(signal.SIGKILL, spawned.pids("started")[-1])
    spawned.expect("start", 5, **values("old"))
    config.write_text(text("new"))
    spawned.kill(signal.SIGHUP)
    spawned.expect("start", 2, **values("new"))
    assert spawned.end() == 0


UNFIT = """
import sys
import threading

from oslo_config import cfg

from oslo_service import backend, service


class Store:
    def __init__(self):
        self.name = "store"
        self.pool = {"first": [threading.Lock()]}


class Holder(service.Service):
    def __init__(self, what):
        super().__init__()
        self.fine = 1
        if what == "attribute":
            self.lock = threading.Lock()
        if what == "nested":
            self.store = Store()
        if what == "function":
            self.callback = lambda: None


class Plain(service.Service):
    pass


def main(what):
    class Local(service.Service):
        pass

    conf = cfg.ConfigOpts()
    conf([])
    if what == "option":
        conf.register_opt(cfg.Opt("odd", type=lambda text: text))
    if what == "hook":
        conf.register_mutate_hook(lambda conf, fresh: None)
    one = {"local": Local, "option": Plain, "hook": Plain}.get(what)
    service.launch(
        conf, one() if one else Holder(what), workers=2, start_method="spawn"
    )


if __name__ == "__main__":
    backend.init_backend("threading")
    try:
        main(sys.argv[1])
    except TypeError as exc:
        print(exc)
        sys.exit(7)
"""


@pytest.mark.parametrize(
    ("what", "named"),
    [
        ("attribute", ["__main__.Holder", "lock", "_thread.lock"]),
        ("nested", ["__main__.Holder", "store.pool['first'][0]", "_thread.lock"]),
        ("function", ["__main__.Holder", "callback", "lambda"]),
        ("local", ["main.<locals>.Local", "its class"]),
        ("option", ["the configuration", "odd"]),
        ("hook", ["the configuration", "mutate hook", "lambda"]),
    ],
)
def test_what_cannot_be_pickled_is_refused_by_name(what, named, tmp_path):
    path = tmp_path / "unfit.py"
    path.write_text(UNFIT)
    program = Live([str(path), what], {})
    try:
        assert program.wait() == 7, program.transcript
    finally:
        program.clean_up()
    for one in ["start_method='spawn'", "fork", *named]:
        assert one in program.transcript


DEFAULT = """
import os
import sys

from oslo_config import cfg

from oslo_service import backend, service

# In the parent only: a fresh interpreter would not have it.
MADE = []


class Worker(service.Service):
    def start(self):
        # Forked: it has what the parent had, and the lambda below too.
        os.write(WRITER, b"y" if MADE else b"n")


if __name__ == "__main__":
    MADE.append(1)
    READER, WRITER = os.pipe()
    backend.init_backend(sys.argv[1])
    worker = Worker()
    worker.callback = lambda: None
    launcher = service.launch(cfg.ConfigOpts(), worker, workers=2)

    def end():
        told = os.read(READER, 1) + os.read(READER, 1)
        launcher.stop()
        return told

    task = backend.get_backend().spawn(end, name="end")
    status = launcher.wait()
    print(task.wait())
    sys.exit(status)
"""


def test_workers_are_forked_unless_it_is_said(tmp_path):
    path = tmp_path / "default.py"
    path.write_text(DEFAULT)
    program = Live([str(path), "threading"], {})
    try:
        assert program.wait() == 0, program.transcript
    finally:
        program.clean_up()
    assert "b'yy'" in program.transcript


UNGUARDED = """
import sys

from oslo_config import cfg

from oslo_service import backend, service

backend.init_backend("threading")
cfg.CONF([], project="unguarded")
launcher = service.launch(
    cfg.CONF, service.Service(), workers=int(sys.argv[1]), start_method="spawn"
)
sys.exit(launcher.wait())
"""


def test_a_program_without_its_guard_is_told_of_it(tmp_path) -> None:
    path = tmp_path / "unguarded.py"
    path.write_text(UNGUARDED)
    program = Live([str(path), "2"], {})
    try:
        program.expect_text("that belongs behind if __name__ == '__main__':", 4)
        program.kill(signal.SIGTERM)
        program.wait()
        assert not program.left()
    finally:
        program.clean_up()


ELSEWHERE = """
import os
import sys

from oslo_config import cfg

from oslo_service import backend, service


class Worker(service.Service):
    def start(self):
        print("started", flush=True)


if __name__ == "__main__":
    backend.init_backend("threading")
    cfg.CONF([], project="elsewhere")
    os.chdir(sys.argv[1])
    if sys.argv[2] == "removed":
        os.rmdir(sys.argv[1])
    launcher = service.launch(
        cfg.CONF, Worker(), workers=2, start_method="spawn"
    )
    sys.exit(launcher.wait())
"""


@pytest.mark.parametrize("what", ["shadowing", "removed"])
def test_the_working_directory_makes_no_difference(what, tmp_path) -> None:
    if what == "removed" and sys.version_info[:3] == (3, 13, 0):
        pytest.skip("this Python itself cannot import socket there")
    path, directory = tmp_path / "elsewhere.py", tmp_path / "directory"
    path.write_text(ELSEWHERE)
    directory.mkdir()
    if what == "shadowing":
        (directory / "select.py").write_text("raise RuntimeError('shadowed')\n")
    program = Live([str(path), str(directory), what], {})
    try:
        program.expect_text("started\n", 2)
        assert program.end() == 0
    finally:
        program.clean_up()


FROZEN = """
import sys

from oslo_config import cfg

from oslo_service import backend, service

if __name__ == "__main__":
    sys.frozen = True
    backend.init_backend("threading")
    try:
        service.launch(
            cfg.ConfigOpts(), service.Service(), workers=2, start_method="spawn"
        )
    except backend.exceptions.UnsupportedBackendError as exc:
        print(exc)
        sys.exit(7)
"""


def test_a_frozen_program_is_refused(tmp_path) -> None:
    path = tmp_path / "frozen.py"
    path.write_text(FROZEN)
    program = Live([str(path)], {})
    try:
        assert program.wait() == 7, program.transcript
    finally:
        program.clean_up()
    assert "start_method='fork'" in program.transcript
