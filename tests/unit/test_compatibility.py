# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Names that are there because others have used them for years."""

import importlib
import warnings

import pytest

from oslo_service import _deprecated, backend, loopingcall, service
from oslo_service.testing.waiting import LIMIT, run_script

STRICT = (
    "import warnings\n"
    "warnings.simplefilter('error')\n"
    "warnings.filterwarnings('ignore', r'\\s*Eventlet is')\n"
)
ALIASES = ("loopingcall", "service", "threadgroup")


@pytest.fixture(autouse=True)
def nothing_warned_of(monkeypatch):
    monkeypatch.setattr(_deprecated, "_warned", set())


def run(code):
    done = run_script(STRICT + code)
    assert done.returncode == 0, done.stderr
    return done


@pytest.mark.parametrize("driver_called", ["threading", "eventlet"])
def test_importing_the_aliases_selects_and_loads_nothing(driver_called):
    imports = "; ".join(
        f"import oslo_service.backend._{driver_called}.{name}" for name in ALIASES
    )
    run(
        f"{imports}\n"
        "import sys\n"
        "from oslo_service import backend\n"
        "assert backend.get_backend_type() is None\n"
        "assert not {'eventlet', 'greenlet', 'futurist'} & set(sys.modules)\n"
    )


def test_running_a_bound_class_selects_nothing(undecided):
    from oslo_service.backend._threading import loopingcall as bound

    def tick():
        raise loopingcall.LoopingCallDone(7)

    assert bound.FixedIntervalLoopingCall(tick).start(1).wait(LIMIT) == 7
    assert backend.get_backend_type() is None
    backend.init_backend("eventlet")


def test_a_running_bound_class_does_not_keep_a_provisional_choice(undecided):
    from oslo_service.backend._threading import loopingcall as bound

    assert backend.get_backend().name == "threading"
    loop = bound.FixedIntervalLoopingCall(lambda: None)
    task = loop.start(3600)
    try:
        backend.init_backend("eventlet")
    finally:
        loop.stop()
        task.wait(LIMIT)
    assert backend.get_backend().name == "eventlet"


def test_a_bound_class_runs_in_a_patched_process_without_a_warning():
    done = run(
        "import eventlet; eventlet.monkey_patch()\n"
        "import logging; logging.basicConfig(level=logging.WARNING)\n"
        "import greenlet\n"
        "from oslo_service import backend\n"
        "from oslo_service.backend._threading import loopingcall\n"
        "main = greenlet.getcurrent()\n"
        "def tick():\n"
        "    assert greenlet.getcurrent() is not main\n"
        "    raise loopingcall.LoopingCallDone(5)\n"
        "assert loopingcall.FixedIntervalLoopingCall(tick).start(1).wait() == 5\n"
        "assert backend.get_backend_type() is None\n"
        "from oslo_config import cfg\n"
        "from oslo_service import service\n"
        "service.ServiceLauncher(cfg.ConfigOpts())\n"
        "assert backend.get_backend_type() is backend.BackendType.EVENTLET\n"
    )
    assert not done.stderr


@pytest.mark.parametrize("driver_called", ["threading", "eventlet"])
def test_launchers_are_the_same_under_every_alias(driver_called):
    alias = importlib.import_module(f"oslo_service.backend._{driver_called}.service")
    for name in alias.__all__:
        assert getattr(alias, name) is getattr(service, name)


def test_a_deprecated_name_warns_once_with_what_to_use_instead():
    def use():
        _deprecated.warn_once("Old()", "use New()")

    with pytest.warns(DeprecationWarning, match=r"Old\(\) .* use New\(\)") as caught:
        use()
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        use()
