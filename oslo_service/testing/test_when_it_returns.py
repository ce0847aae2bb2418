# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Contract: what is done when a launcher's stop() or restart() returns."""

import pytest

from oslo_service.testing.waiting import LIMIT, run_script

pytestmark = pytest.mark.starts_processes

PROGRAM = f"""
import signal, sys, threading
from oslo_service import backend, loopingcall, service
backend.init_backend(sys.argv[1])
driver = backend.get_backend()
driver.prepare_process()
from oslo_config import cfg
conf = cfg.ConfigOpts()
conf.register_opt(cfg.StrOpt("word", default="none", mutable=True))
conf([], default_config_files=[])
conf.register_mutate_hook(lambda conf, fresh: said.append("hook"))
said, begun, gate = [], driver.event(), driver.event()
gate.set()

class Talker(service.ServiceBase):
    def start(self):
        said.append("start")

    def stop(self):
        gate.wait()
        driver.sleep(0.05)
        said.append("stop")

    def wait(self):
        begun.set()

    def reset(self):
        gate.wait()
        driver.sleep(0.05)
        said.append("reset")

def launch(method="reload"):
    launcher = service.ServiceLauncher(conf, restart_method=method)
    launcher.launch_service(Talker())
    assert begun.wait({LIMIT})
    return launcher

def end(launcher):
    launcher.stop()
    assert launcher.wait() == 0
"""


def run(driver_name: str, code: str) -> None:
    done = run_script(PROGRAM + code, driver_name)
    assert done.returncode == 0, done.stderr


def test_stop_has_called_every_stop(driver_name: str) -> None:
    run(
        driver_name,
        "launcher = launch()\nlauncher.launch_service(Talker())\n"
        "while len(said) < 2: driver.sleep(0.01)\nlauncher.stop()\n"
        "assert sorted(said) == ['start', 'start', 'stop', 'stop'], said\n"
        "launcher.stop()\nassert launcher.wait() == 0\n",
    )


def test_stop_in_the_process_of_no_fork_has_called_it_too(driver_name: str) -> None:
    run(
        driver_name,
        "launcher = service.ProcessLauncher(conf, no_fork=True)\n"
        "launcher.launch_service(Talker())\nassert begun.wait(60)\n"
        "launcher.stop()\nassert said == ['start', 'stop'], said\n",
    )


def test_restart_has_read_the_configuration_and_called_reset(driver_name: str) -> None:
    run(
        driver_name,
        "launcher = launch('reload')\nlauncher.restart()\n"
        "assert said[:3] == ['start', 'stop', 'reset'], said\nend(launcher)\n",
    )
    run(
        driver_name,
        "launcher = launch('mutate')\nlauncher.restart()\n"
        "assert said == ['start', 'hook', 'reset'], said\nend(launcher)\n",
    )


def test_a_restart_does_not_wait_for_a_start_that_blocks(driver_name: str) -> None:
    run(
        driver_name,
        "class Slow(Talker):\n"
        "    def start(self):\n"
        "        begun.set()\n"
        "        gate.wait()\n"
        "gate.clear()\n"
        "launcher = service.ServiceLauncher(conf, restart_method='mutate')\n"
        "launcher.launch_service(Slow())\n"
        f"assert begun.wait({LIMIT})\n"
        "launcher.restart()\n"
        "assert said == ['hook'], said\n"
        "gate.set()\nend(launcher)\n"
        "assert said[:2] in (['hook', 'reset'], ['hook', 'stop']), said\n",
    )


@pytest.mark.parametrize("method", ["stop", "restart"])
def test_in_a_task_of_the_library_they_only_post(driver_name: str, method: str) -> None:
    run(
        driver_name,
        "launcher = launch()\nfound = []\n"
        "def call():\n"
        "    gate.clear()\n"
        f"    launcher.{method}()\n"
        "    found.append(list(said))\n"
        "    gate.set()\n"
        "    raise loopingcall.LoopingCallDone\n"
        "loopingcall.FixedIntervalLoopingCall(call).start(1).wait()\n"
        "assert found == [['start']], found\n"
        "end(launcher)\n",
    )


@pytest.mark.parametrize(
    "install",
    [
        "signal.signal(signal.SIGUSR1, handler)",
        "signal.signal(signal.SIGUSR1, Handler().method)",
        "signal.signal(signal.SIGUSR1, bound)",
        "service.SignalHandler().add_handler('SIGUSR1', handler)",
        "signal.signal(signal.SIGUSR1, once)",
    ],
    ids=["plain", "a method", "a partial", "added", "one that is no more"],
)
@pytest.mark.parametrize("waiting", [True, False])
def test_in_a_signal_handler_they_only_post(
    driver_name: str, install: str, *, waiting: bool
) -> None:
    run(
        driver_name,
        "import functools, os\n"
        "found = []\n"
        "def handler(signum, frame):\n"
        "    gate.clear()\n"
        "    launcher.stop()\n"
        "    found.append(list(said))\n"
        "    gate.set()\n"
        "bound = functools.partial(lambda one, *both: handler(*both), 1)\n"
        "def once(*both):\n"
        "    signal.signal(signal.SIGUSR1, signal.SIG_DFL)\n"
        "    handler(*both)\n"
        "class Handler:\n"
        "    def method(self, signum, frame):\n"
        "        handler(signum, frame)\n"
        f"launcher = launch()\n{install}\n"
        "kill = lambda: os.kill(os.getpid(), signal.SIGUSR1)\n"
        + (
            "driver.spawn(kill, name='kill')\n"
            if waiting
            else "kill()\nwhile not found: driver.sleep(0.01)\n"
        )
        + "assert launcher.wait() == 0\n"
        "assert found == [['start']], found\nassert said == ['start', 'stop'], said\n",
    )


def test_a_stop_that_comes_in_between_lets_restart_return(driver_name: str) -> None:
    run(
        driver_name,
        "launcher = launch()\n"
        "def stop(self):\n"
        "    launcher.stop()\n"
        "    said.append('stop')\n"
        "Talker.stop = stop\n"
        "launcher.restart()\n"
        "assert launcher.wait() == 0\nassert said == ['start', 'stop'], said\n",
    )


def test_it_returns_where_all_has_ended_already(driver_name: str) -> None:
    run(
        driver_name,
        "launcher = launch()\nend(launcher)\n"
        "launcher.stop()\nlauncher.restart()\nlauncher.stop()\n",
    )


def test_it_returns_in_a_process_that_was_forked(driver_name: str) -> None:
    run(
        driver_name,
        "import os\nlauncher = launch()\n"
        "pid = os.fork()\n"
        "if not pid:\n"
        "    launcher.stop()\n    launcher.restart()\n    os._exit(7)\n"
        "assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7\n"
        "end(launcher)\n",
    )


def test_services_alone_do_the_same_by_their_restart_method(driver_name: str) -> None:
    for method, expected in (
        ("reload", ["start", "stop", "reset"]),
        ("mutate", ["start", "reset"]),
    ):
        run(
            driver_name,
            f"services = service.Services(restart_method={method!r})\n"
            "services.add(Talker())\nassert begun.wait(60)\n"
            "services.restart()\n"
            f"assert said[:{len(expected)}] == {expected}, said\n"
            "services.stop()\nassert said[-1] == 'stop', said\nservices.wait()\n",
        )


def test_services_refuse_a_restart_method_that_there_is_not(driver_name: str) -> None:
    run(
        driver_name,
        "try:\n    service.Services(restart_method='again')\n"
        "except ValueError as exc:\n    assert 'reload, mutate' in str(exc), exc\n"
        "else:\n    raise AssertionError('it was taken')\n",
    )


def test_the_children_of_a_launcher_are_its_workers(driver_name: str) -> None:
    run(
        driver_name,
        "import os, time\n"
        "launcher = service.ProcessLauncher(conf)\n"
        "assert launcher.children == {} and launcher.running\n"
        "launcher.launch_service(Talker(), workers=2)\n"
        "launcher.launch_service(Talker(), workers=1)\n"
        "while len(launcher.children) < 3: driver.sleep(0.01)\n"
        "for pid in launcher.children: os.kill(pid, 0)\n"
        "found = set(launcher.children.values())\n"
        "assert sorted(len(one.children) for one in found) == [1, 2]\n"
        "assert set().union(*(one.children for one in found)) "
        "== set(launcher.children)\n"
        "started = sorted(time.time() - at for one in found for at in one.forktimes)\n"
        "assert len(started) == 3 and -60 < started[0] <= started[2] < 600\n"
        "launcher.stop()\n"
        "assert launcher.wait() == 0\n"
        "assert not launcher.running and launcher.children == {}\n"
        "assert not any(one.children for one in found)\n",
    )


def test_wait_returns_though_no_descriptor_is_left(driver_name: str) -> None:
    run(
        driver_name,
        """
import os, resource

class Ending(Talker):
    def start(self):
        os.read(reader, 1)
        os.kill(os.getppid(), signal.SIGTERM)

reader, writer = os.pipe()
launcher = service.ProcessLauncher(conf)
launcher.launch_service(Ending())
free = os.dup(writer)
os.close(free)
resource.setrlimit(resource.RLIMIT_NOFILE, (free, free))
backend.get_backend().original("os").write(writer, b"!")
assert launcher.wait() == 0
""",
    )


@pytest.mark.parametrize("method", ["start", "stop", "wait", "reset"])
@pytest.mark.parametrize(
    ("kind", "launch"),
    [
        ("ServiceLauncher(conf)", "launch_service"),
        ("ProcessLauncher(conf, no_fork=True)", "launch_service"),
        ("Services()", "add"),
    ],
)
def test_wait_refuses_a_method_that_it_would_wait_for(
    driver_name: str, kind: str, launch: str, method: str
) -> None:
    run(
        driver_name,
        f"launcher = service.{kind}\n"
        "class Own(Talker):\n"
        f"    def {method}(self):\n"
        "        try:\n"
        "            launcher.wait()\n"
        "        except RuntimeError as exc:\n"
        "            said.append(str(exc))\n"
        f"        super().{method}()\n"
        f"launcher.{launch}(Own())\n"
        f"assert begun.wait({LIMIT})\n"
        "launcher.restart()\nlauncher.stop()\nassert not launcher.wait()\n"
        f"assert any('{method}() of __main__.Own' in one for one in said), said\n",
    )
