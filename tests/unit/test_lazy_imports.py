# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What is imported lazily, and by whom: nobody pays for what no option asks for."""

import sys
import types
from unittest import mock

import pytest

from oslo_service._common import lazy_imports
from oslo_service.testing.waiting import LIMIT, run_script

# Prints what of these is there: in a worker that has started, and in a parent that has
# started workers, lost one, and stopped.
SERVICE = """
import os, signal, sys
from oslo_config import cfg
from oslo_service import service

LAZY = sys.argv[1].split(",")

def tell(who):
    there = [one for one in LAZY if f"oslo_service.supervisor.{one}" in sys.modules]
    os.write(1, " ".join([who, *there, "\\n"]).encode())

class Short(service.Service):
    def start(self):
        tell("worker")
        if os.path.exists(sys.argv[2]):
            os.kill(os.getppid(), signal.SIGTERM)
        else:
            open(sys.argv[2], "w").close()
            os._exit(3)

cfg.CONF([f"--config-file={sys.argv[3]}"], project="short")
launcher = service.launch(
    cfg.CONF, Short(), workers=2, restart_method=sys.argv[4]
)
launcher.wait()
tell("parent")
"""

POLICIES = ("workers.hangs", "workers.lifespan", "workers.succession")
DUMPS = ("workers.stack_dumps",)
EXCHANGE = ("exchange.exchange", "exchange.inquiries", "exchange.pipe")
# That a parent looks what is in progress at its end is another matter.
WORK = ("tracked_work",)


def told(tmp_path, options: str, restart_method: str = "reload") -> dict[str, set[str]]:
    config = tmp_path / "conf"
    config.write_text(f"[oslo_service]\n{options}\n")
    modules = ",".join((*POLICIES, *DUMPS, *EXCHANGE, "snapshot", *WORK))
    done = run_script(
        SERVICE, modules, str(tmp_path / "lost"), str(config), restart_method
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, set[str]] = {"worker": set(), "parent": set()}
    for who, *there in map(str.split, done.stdout.splitlines()):
        found[who].update(there)
    return found


def test_without_options_nothing_of_it_is_imported(tmp_path) -> None:
    """Neither for a worker that is lost, nor for the end."""
    found = told(tmp_path, "")
    assert found["worker"] == set()
    assert found["parent"] <= set(WORK)


def test_a_pool_that_rolls_needs_nothing_more_when_it_is_told_to(tmp_path) -> None:
    found = told(tmp_path, "", "rolling")
    assert found["worker"] == {"workers.succession"}
    assert found["parent"] <= {"workers.succession", *WORK}


@pytest.mark.parametrize(
    ("option", "wanted"),
    [
        ("worker_timeout = 60", {"workers.hangs", *DUMPS, *WORK}),
        ("worker_max_age = 3600", {"workers.lifespan", "workers.succession"}),
        ("worker_max_requests = 10", {"workers.lifespan", "workers.succession"}),
        ("worker_max_memory = 1G", {"workers.lifespan", "workers.succession"}),
    ],
)
def test_an_option_brings_what_it_needs_and_no_more(
    tmp_path, option: str, wanted: set[str]
) -> None:
    found = told(tmp_path, option)
    assert found["worker"] <= wanted
    assert found["parent"] <= wanted | set(WORK)
    # Before the fork: workers share it.
    assert wanted <= found["parent"]


def test_the_endpoint_brings_what_its_questions_need_before_the_fork(tmp_path) -> None:
    """A worker may have no descriptor left to read a module by."""
    found = told(tmp_path, f"admin_socket = {tmp_path / 'socket'}")
    assert {*DUMPS, "exchange.exchange", *WORK} <= found["worker"]


def test_a_module_is_imported_at_its_first_use() -> None:
    module = lazy_imports.module("colorsys")
    with mock.patch.dict(sys.modules):
        sys.modules.pop("colorsys", None)
        assert not lazy_imports.is_loaded(module)
        assert isinstance(module, types.ModuleType)
        assert module.rgb_to_yiq(0, 0, 0) == (0, 0, 0)
        assert lazy_imports.is_loaded(module)


def test_what_is_to_be_there_in_any_case_is_imported_beforehand() -> None:
    module = lazy_imports.module("colorsys")
    with mock.patch.dict(sys.modules):
        sys.modules.pop("colorsys", None)
        lazy_imports.load(module)
        assert lazy_imports.is_loaded(module)


def test_to_ask_what_it_is_imports_nothing() -> None:
    module = lazy_imports.module("colorsys")
    with mock.patch.dict(sys.modules):
        sys.modules.pop("colorsys", None)
        assert not hasattr(module, "__wrapped__")
        assert not lazy_imports.is_loaded(module)


def test_one_that_is_not_there_says_so_at_its_first_use() -> None:
    module = lazy_imports.module("oslo_service.no_such_module")
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        _ = module.anything


# Forks while another thread imports; prints how the child, which imports it, ends.
FORK = """
import os, signal, sys, threading, types
from oslo_service._common import lazy_imports
from oslo_service.supervisor import current, forks

sys.path.insert(0, sys.argv[1])
threading.begun, threading.forking = threading.Event(), threading.Event()
slow = lazy_imports.module("slow_to_import")

def begin():
    threading.Thread(target=lambda: slow.VALUE).start()
    threading.begun.wait(60)

if sys.argv[2] == "meanwhile":  # as the supervisor, which waits for another thread
    current.replace(
        types.SimpleNamespace(before_fork=begin, after_fork=int, left=True)
    )
forks.watch()
os.register_at_fork(before=threading.forking.set)
if sys.argv[2] == "before":
    begin()
pid = os.fork()
if not pid:
    signal.alarm(30)
    os._exit(slow.VALUE)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""

# Is imported until the thread that forks waits: for this, or for its child.
SLOW_TO_IMPORT = f"""
import threading
from oslo_service.testing.waiting import until_asleep

threading.begun.set()
threading.forking.wait({LIMIT})
until_asleep(threading.main_thread().native_id)
VALUE = 7
"""


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_a_child_can_import_what_another_thread_was_importing(tmp_path, when) -> None:
    (tmp_path / "slow_to_import.py").write_text(SLOW_TO_IMPORT)
    done = run_script(FORK, str(tmp_path), when)
    assert done.stdout == "7\n", done.stderr
