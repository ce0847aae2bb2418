# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Which driver runs a process: every rule, and every error."""

import inspect
import logging
import os
import re
from pathlib import Path

import pytest
from oslo_config import cfg

import oslo_service.service
from oslo_service import backend, loopingcall, opts, threadgroup
from oslo_service.backend import BackendType, exceptions
from oslo_service.testing.waiting import python_path, run_script

VARIABLE = "OS_OSLO_SERVICE__BACKEND"


def conf_saying(value: str | None, *, how: str = "override") -> cfg.ConfigOpts:
    """Make a configuration that says which driver."""
    conf = cfg.ConfigOpts()
    opts.register_backend_opts(conf)
    if value is not None:
        setting = conf.set_default if how == "default" else conf.set_override
        setting("backend", value, group="oslo_service")
    return conf


def say(conf: cfg.ConfigOpts, value: str) -> None:
    opts.register_backend_opts(conf)
    conf.set_override("backend", value, group="oslo_service")


def check(script: str, **env: str) -> str:
    """Run a program that must succeed; give what it wrote to both streams."""
    prelude = (
        "import logging, sys, warnings\n"
        "warnings.simplefilter('ignore')\n"
        "logging.basicConfig(format='%(levelname)s %(message)s')\n"
        "from oslo_config import cfg\n"
    )
    result = run_script(prelude + script, env=env)
    assert result.returncode == 0, result.stderr
    return result.stdout + result.stderr


@pytest.mark.usefixtures("undecided")
class TestRules:
    @pytest.mark.parametrize("asked", ["eventlet", BackendType.EVENTLET])
    def test_code_says_it_by_name_or_by_member(self, asked: BackendType | str) -> None:
        backend.init_backend(asked)

        assert backend.get_backend_type() is BackendType.EVENTLET
        assert backend.get_backend().name == "eventlet"

    @pytest.mark.parametrize("how", ["override", "default"])
    def test_the_option_says_it_where_someone_set_it(
        self, undecided: cfg.ConfigOpts, how: str
    ) -> None:
        opts.register_backend_opts(undecided)
        setting = undecided.set_default if how == "default" else undecided.set_override
        setting("backend", "eventlet", group="oslo_service")

        assert backend.get_backend().name == "eventlet"

    def test_the_configuration_file_says_it(
        self, undecided: cfg.ConfigOpts, tmp_path: Path
    ) -> None:
        file = tmp_path / "my.conf"
        file.write_text("[oslo_service]\nbackend = eventlet\n")
        undecided([], default_config_files=[str(file)])

        assert backend.get_backend().name == "eventlet"

    @pytest.mark.parametrize("called", [True, False])
    def test_the_environment_says_it_also_on_a_configuration_that_was_not_called(
        self,
        undecided: cfg.ConfigOpts,
        monkeypatch: pytest.MonkeyPatch,
        called: bool,
    ) -> None:
        monkeypatch.setenv(VARIABLE, "eventlet")
        if called:
            undecided([], default_config_files=[])

        assert backend.get_backend().name == "eventlet"

    def test_the_configuration_handed_over_goes_before_the_global_one(
        self, undecided: cfg.ConfigOpts
    ) -> None:
        say(undecided, "eventlet")

        assert backend.commit(conf_saying("threading")).name == "threading"

    @pytest.mark.parametrize("how", ["override", "default"])
    def test_the_option_goes_before_the_hook(
        self, undecided: cfg.ConfigOpts, how: str
    ) -> None:
        del undecided
        backend.register_backend_default_hook(lambda: BackendType.EVENTLET)

        assert backend.commit(conf_saying("threading", how=how)).name == "threading"

    def test_an_explicit_auto_skips_the_hook(self) -> None:
        backend.register_backend_default_hook(lambda: BackendType.EVENTLET)

        assert backend.commit(conf_saying("auto")).name == "threading"

    @pytest.mark.parametrize("answer", ["eventlet", BackendType.EVENTLET])
    def test_the_hook_decides_where_nobody_said(
        self, answer: BackendType | str
    ) -> None:
        backend.register_backend_default_hook(lambda: answer)

        assert backend.get_backend().name == "eventlet"
        place = re.escape(__file__)
        assert re.search(rf"by the hook that {place}:\d+ reg", str(backend.choice()))

    @pytest.mark.parametrize("answer", ["raises", None, "no such driver"])
    def test_a_hook_that_fails_is_logged_and_passed_over(
        self, caplog: pytest.LogCaptureFixture, answer: str | None
    ) -> None:
        def hook() -> str:
            if answer == "raises":
                raise LookupError("by the hook")
            return answer  # type: ignore[return-value]

        backend.register_backend_default_hook(hook)
        if answer == "no such driver":
            said = f"^the hook that {re.escape(__file__)}:.* registered: .*no such"
            with pytest.raises(exceptions.UnsupportedBackendError, match=said):
                backend.get_backend()
            return

        assert backend.get_backend().name == "threading"
        assert "Traceback" in caplog.text
        assert __file__ in caplog.text

    def test_a_hook_can_be_removed(self) -> None:
        backend.register_backend_default_hook(lambda: BackendType.EVENTLET)
        backend.register_backend_default_hook(None)

        assert backend.get_backend().name == "threading"

    def test_nothing_is_decided_until_something_asks(self) -> None:
        assert backend.get_backend_type() is None
        assert backend.selected() is None

    def test_auto_is_threading_in_a_process_that_is_not_patched(self) -> None:
        assert backend.get_backend().name == "threading"

    def test_auto_is_eventlet_in_a_process_that_is_patched(self) -> None:
        said = check(
            "import eventlet; eventlet.monkey_patch(time=True)\n"
            "from oslo_service import backend\n"
            "print(backend.get_backend().name)\n"
            "from oslo_service import service\n"
            "service.ServiceLauncher(cfg.ConfigOpts())\n"
        )

        assert said == "eventlet\n"

    def test_eventlet_merely_imported_is_not_patched(self) -> None:
        said = check(
            "import eventlet\n"
            "from oslo_service import backend\n"
            "print(backend.get_backend().name)\n"
        )

        assert said == "threading\n"


@pytest.mark.usefixtures("undecided")
class TestReplacing:
    def test_what_nobody_stated_is_replaced_by_code(self) -> None:
        assert backend.get_backend().name == "threading"

        backend.init_backend("eventlet")

        assert backend.get_backend().name == "eventlet"

    def test_what_nobody_stated_is_replaced_by_the_option(self) -> None:
        assert backend.get_backend().name == "threading"

        assert backend.commit(conf_saying("eventlet")).name == "eventlet"
        assert backend.get_backend_type() is BackendType.EVENTLET

    def test_what_the_hook_said_is_replaced_by_the_option(self) -> None:
        backend.register_backend_default_hook(lambda: BackendType.EVENTLET)
        assert backend.get_backend().name == "eventlet"

        assert backend.commit(conf_saying("threading")).name == "threading"

    def test_what_runs_is_not_replaced(self) -> None:
        loop = loopingcall.FixedIntervalLoopingCall(int)
        loop.start(3600)
        backend.get_backend().sleep(0.01)
        try:
            with pytest.raises(exceptions.BackendAlreadySelected, match="default"):
                backend.init_backend("eventlet")
            with pytest.raises(exceptions.BackendAlreadySelected):
                backend.commit(conf_saying("eventlet"))
        finally:
            loop.stop()
            loop.wait()

    def test_it_is_replaced_again_when_nothing_runs_any_more(self) -> None:
        thread = threadgroup.ThreadGroup().add_thread(int)
        thread.wait()

        backend.init_backend("eventlet")

        assert backend.get_backend().name == "eventlet"

    def test_a_launcher_settles_it(self) -> None:
        assert backend.commit(conf_saying(None)).name == "threading"

        with pytest.raises(exceptions.BackendAlreadySelected):
            backend.init_backend("eventlet")

    def test_what_was_stated_is_not_replaced_and_the_error_says_where(self) -> None:
        frame = inspect.currentframe()
        assert frame is not None
        line = frame.f_lineno + 1
        backend.init_backend("threading")

        with pytest.raises(exceptions.BackendAlreadySelected) as caught:
            backend.init_backend("eventlet")

        assert f"{os.path.abspath(__file__)}:{line}" in str(caught.value)
        assert f"{os.path.abspath(__file__)}:{line + 3}" in str(caught.value)

    def test_an_option_that_was_followed_is_not_replaced_and_is_named(
        self, tmp_path: Path
    ) -> None:
        file = tmp_path / "my.conf"
        file.write_text("[oslo_service]\nbackend = threading\n")
        conf = cfg.ConfigOpts()
        conf([], default_config_files=[str(file)])
        backend.commit(conf)

        with pytest.raises(exceptions.BackendAlreadySelected, match=r"my\.conf"):
            backend.init_backend("eventlet")

    def test_two_options_that_differ_are_refused(self) -> None:
        backend.commit(conf_saying("threading"))

        with pytest.raises(exceptions.BackendAlreadySelected):
            backend.commit(conf_saying("eventlet"))

    def test_the_same_again_is_harmless(self) -> None:
        driver = backend.commit(conf_saying("threading"))
        backend.init_backend("threading")
        backend.init_backend(BackendType.THREADING)

        assert backend.commit(conf_saying("threading")) is driver
        assert backend.commit(conf_saying("auto")) is driver
        assert backend.commit(conf_saying(None)) is driver
        assert backend.get_backend() is driver

    def test_code_goes_before_the_option_and_one_warning_says_so(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        backend.init_backend("threading")

        drivers = {backend.commit(conf_saying("eventlet")).name for _ in range(2)}

        assert drivers == {"threading"}
        (warning,) = caplog.records
        assert warning.levelno == logging.WARNING
        assert os.path.abspath(__file__) in warning.getMessage()
        assert "backend = eventlet" in warning.getMessage()

    def test_code_and_option_that_agree_are_no_warning(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        backend.init_backend("threading")
        backend.commit(conf_saying("threading"))

        assert not caplog.records

    def test_a_reset_forgets_everything(self) -> None:
        backend.register_backend_default_hook(lambda: BackendType.EVENTLET)
        backend.commit(conf_saying("threading"))

        backend._reset_backend()

        assert backend.get_backend_type() is None
        assert backend.get_backend().name == "threading", "the hook is forgotten too"


@pytest.mark.usefixtures("undecided")
class TestErrors:
    @pytest.mark.parametrize("wrong", [None, 7, "", object])
    def test_what_is_neither_member_nor_name_is_a_type_error(
        self, wrong: object
    ) -> None:
        with pytest.raises(TypeError, match="BackendType"):
            backend.init_backend(wrong)  # type: ignore[arg-type]

    def test_an_unknown_name_lists_the_installed_drivers(self) -> None:
        with pytest.raises(
            exceptions.UnsupportedBackendError,
            match=r"'nonsense'.*eventlet, .*threading",
        ):
            backend.init_backend("nonsense")
        with pytest.raises(ValueError, match="nonsense"):
            backend.init_backend("nonsense")
        with pytest.raises(exceptions.UnsupportedBackendError, match="nonsense"):
            backend.commit(conf_saying("nonsense"))
        assert backend.get_backend_type() is None, "nothing is decided by an error"

    def test_a_missing_dependency_names_the_extra(self) -> None:
        check(
            "sys.modules['eventlet'] = None\n"
            "from oslo_service import backend\n"
            "try:\n"
            "    backend.init_backend('eventlet')\n"
            "except backend.exceptions.UnsupportedBackendError as exc:\n"
            "    assert \"pip install 'oslo.service[eventlet]'\" in str(exc), exc\n"
            "else:\n"
            "    raise SystemExit(1)\n"
            "assert backend.get_backend_type() is None\n"
            "assert backend.get_backend().name == 'threading'\n"
        )

    def test_every_error_is_of_one_family(self) -> None:
        for name in exceptions.__all__:
            assert issubclass(getattr(exceptions, name), exceptions.OsloServiceError)

    def test_the_errors_can_be_reached_through_the_package(self) -> None:
        check(
            "from oslo_service import backend\n"
            "backend.exceptions.BackendAlreadySelected\n"
            "backend.exceptions.BackendComponentNotAvailable\n"
            "backend.exceptions.UnsupportedBackendError\n"
        )


COMPONENTS = (
    "ServiceBase",
    "ServiceLauncher",
    "Launcher",
    "ProcessLauncher",
    "Service",
    "Services",
    "ServiceWrapper",
    "SignalHandler",
    "SignalExit",
    "Singleton",
    "_is_daemon",
    "_is_sighup_and_daemon",
    "launch",
    "LoopingCallBase",
    "LoopingCallDone",
    "LoopingCallTimeOut",
    "FixedIntervalLoopingCall",
    "FixedIntervalWithTimeoutLoopingCall",
    "DynamicLoopingCall",
    "BackOffLoopingCall",
    "RetryDecorator",
    "ThreadGroup",
    "Thread",
)


@pytest.mark.usefixtures("undecided")
class TestComponents:
    @pytest.mark.parametrize("name", COMPONENTS)
    def test_every_component_is_had_by_name_and_is_the_facades(self, name: str) -> None:
        homes = (oslo_service.service, loopingcall, threadgroup)
        (expected,) = {getattr(one, name) for one in homes if hasattr(one, name)}

        assert backend.get_component(name) is expected

    def test_another_name_is_a_key_error_that_lists_them(self) -> None:
        with pytest.raises(KeyError, match=r"Nonsense.*ThreadGroup"):
            backend.get_component("Nonsense")

    @pytest.mark.parametrize("name", ["threading", "eventlet"])
    def test_a_driver_gives_them_all_the_same_under_every_driver(
        self, name: str
    ) -> None:
        backend.init_backend(name)

        components = backend.get_backend().get_service_components()

        assert set(components) == set(COMPONENTS)
        assert components["ThreadGroup"] is threadgroup.ThreadGroup


class TestPatchedProcess:
    def test_threading_by_option_is_refused_by_a_launcher_with_reason_and_remedy(
        self,
    ) -> None:
        check(
            "import eventlet; eventlet.monkey_patch()\n"
            "from oslo_service import backend, opts, service\n"
            "conf = cfg.ConfigOpts()\n"
            "opts.register_backend_opts(conf)\n"
            "conf.set_override('backend', 'threading', group='oslo_service')\n"
            "for kind in (service.ServiceLauncher, service.ProcessLauncher):\n"
            "    try:\n"
            "        kind(conf)\n"
            "    except backend.exceptions.UnsupportedBackendError as exc:\n"
            "        assert 'native threads' in str(exc), exc\n"
            "        assert 'monkey-patched' in str(exc), exc\n"
            "        assert 'bootstrap()' in str(exc), exc\n"
            "    else:\n"
            "        raise SystemExit(1)\n"
        )

    def test_threading_by_code_is_accepted_and_launchers_run_on_eventlet(self) -> None:
        said = check(
            "import eventlet; eventlet.monkey_patch()\n"
            "from oslo_service import backend, loopingcall, service, threadgroup\n"
            "backend.init_backend('threading')\n"
            "assert backend.get_backend().name == 'threading'\n"
            "def call(): raise loopingcall.LoopingCallDone('looped')\n"
            "loop = loopingcall.FixedIntervalLoopingCall(call)\n"
            "loop.start(1)\n"
            "assert loop.wait() == 'looped'\n"
            "assert threadgroup.ThreadGroup().add_thread(int).wait() == 0\n"
            "for _ in range(2):\n"
            "    launcher = service.ServiceLauncher(cfg.ConfigOpts())\n"
            "assert backend.selected().name == 'eventlet'\n"
        )

        assert said.count("WARNING") == 1, said
        assert re.search(r"WARNING .*<string>:\d+.*run on 'eventlet'", said), said

    def test_eventlet_that_is_not_patched_is_one_warning_that_says_what_to_do(
        self,
    ) -> None:
        said = check(
            "from oslo_service import backend, service\n"
            "backend.init_backend('eventlet')\n"
            "for _ in range(2):\n"
            "    service.ServiceLauncher(cfg.ConfigOpts())\n"
        )

        assert said.count("WARNING") == 1, said
        assert "not monkey-patched" in said
        assert "bootstrap()" in said

    def test_eventlet_that_is_patched_is_no_warning(self) -> None:
        said = check(
            "import eventlet; eventlet.monkey_patch()\n"
            "from oslo_service import backend, service\n"
            "backend.init_backend('eventlet')\n"
            "service.ServiceLauncher(cfg.ConfigOpts())\n"
        )

        assert said == ""


class TestDecidingNothing:
    def test_importing_subclassing_decorating_and_constructing_decide_nothing(
        self,
    ) -> None:
        check(
            "from oslo_service import backend, loopingcall, service, threadgroup\n"
            "class Mine(service.Service):\n"
            "    pass\n"
            "class Base(service.ServiceBase):\n"
            "    def start(self): pass\n"
            "    def stop(self): pass\n"
            "    def wait(self): pass\n"
            "@loopingcall.RetryDecorator(exceptions=(ValueError,))\n"
            "def retried(): return 1\n"
            "mine, base = Mine(), Base()\n"
            "group = threadgroup.ThreadGroup()\n"
            "for kind in ('FixedInterval', 'FixedIntervalWithTimeout', 'Dynamic',\n"
            "             'BackOff'):\n"
            "    getattr(loopingcall, kind + 'LoopingCall')(int).stop()\n"
            "assert retried() == 1\n"
            "assert backend.get_backend_type() is None\n"
            "assert 'oslo_service.backend.threading' not in sys.modules\n"
            "assert 'oslo_service.backend.eventlet' not in sys.modules\n"
            "conf = cfg.ConfigOpts()\n"
            "from oslo_service import opts\n"
            "opts.register_backend_opts(conf)\n"
            "conf.set_override('backend', 'eventlet', group='oslo_service')\n"
            "service.ServiceLauncher(conf)\n"
            "assert backend.get_backend().name == 'eventlet'\n"
        )

    def test_a_conf_passed_to_launch_that_says_threading_wins(
        self, tmp_path: Path
    ) -> None:
        file = tmp_path / "my.conf"
        file.write_text("[oslo_service]\nbackend = threading\n")
        said = check(
            "from oslo_service import backend, loopingcall, service, threadgroup\n"
            "backend.register_backend_default_hook(lambda: 'eventlet')\n"
            "class Mine(service.Service):\n"
            "    def start(self): self.tg.add_thread(int)\n"
            "mine = Mine()\n"
            "conf = cfg.ConfigOpts()\n"
            f"conf([], default_config_files=[{str(file)!r}])\n"
            "launcher = service.launch(conf, mine)\n"
            "assert backend.get_backend().name == 'threading'\n"
            "launcher.stop()\n"
            "assert launcher.wait() == 0\n"
            "assert 'eventlet' not in sys.modules\n"
            "print('the end')\n"
        )

        assert said == "the end\n"

    def test_the_option_list_decides_nothing(self) -> None:
        said = check(
            "from oslo_config import generator\n"
            "generator.main(['--namespace', 'oslo.service.service'])\n"
            "from oslo_service import backend\n"
            "assert backend.get_backend_type() is None\n"
            "assert not {'eventlet', 'greenlet'} & set(sys.modules)\n"
        )

        assert "#backend = auto" in said
        assert "#graceful_shutdown_timeout = 60" in said


class TestThirdParty:
    @pytest.fixture
    def installed(self, tmp_path: Path) -> Path:
        """A distribution with a driver of its own, as pip would install it."""
        (tmp_path / "mydriver.py").write_text(
            "from oslo_service.backend.threading import ThreadingDriver\n"
            "class MyDriver(ThreadingDriver):\n"
            "    name = 'mine'\n"
            "class NoDriver:\n"
            "    pass\n"
            "class Half(ThreadingDriver):\n"
            "    def __init__(self): raise TypeError('it is abstract')\n"
            "class Picky(ThreadingDriver):\n"
            "    @classmethod\n"
            "    def check_environment(cls): raise KeyError('HOME')\n"
        )
        (tmp_path / "of_another_age.py").write_text("print 'of another age'\n")
        (tmp_path / "self_assured.py").write_text("assert 1 == 2, 'so it is'\n")
        info = tmp_path / "mydriver-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            "Metadata-Version: 2.1\nName: mydriver\nVersion: 1.0\n"
        )
        (info / "entry_points.txt").write_text(
            "[oslo_service.backend]\n"
            "mine = mydriver:MyDriver\n"
            "wrong = mydriver:NoDriver\n"
            "broken = mydriver_that_is_missing:MyDriver\n"
            "old = of_another_age:MyDriver\n"
            "sure = self_assured:MyDriver\n"
            "renamed = mydriver:HisDriver\n"
            "half = mydriver:Half\n"
            "picky = mydriver:Picky\n"
        )
        return tmp_path

    def test_a_driver_is_found_by_its_entry_point(self, installed: Path) -> None:
        check(
            "from oslo_service import backend, opts, service, threadgroup\n"
            "conf = cfg.ConfigOpts()\n"
            "opts.register_backend_opts(conf)\n"
            "conf.set_override('backend', 'mine', group='oslo_service')\n"
            "service.ServiceLauncher(conf)\n"
            "assert backend.get_backend().name == 'mine'\n"
            "assert backend.get_backend_type() == 'mine'\n"
            "assert threadgroup.ThreadGroup().add_thread(int).wait() == 0\n",
            PYTHONPATH=python_path(installed),
            XDG_CACHE_HOME=str(installed),
        )

    @pytest.mark.parametrize(
        ("name", "reason"),
        [
            ("wrong", "not a subclass of oslo_service.backend.base.Driver"),
            ("broken", "mydriver_that_is_missing"),
            ("old", "the driver 'old' cannot be loaded: SyntaxError: "),
            ("sure", "the driver 'sure' cannot be loaded: AssertionError: so it is"),
            ("renamed", "has no attribute 'HisDriver'"),
            ("half", "the driver 'half' cannot be loaded: TypeError: it is abstract"),
            ("picky", "the driver 'picky' cannot be loaded: KeyError: 'HOME'"),
            ("nonsense", "installed are: broken, eventlet, "),
        ],
    )
    def test_one_that_cannot_be_used_is_refused_with_the_reason(
        self, installed: Path, name: str, reason: str
    ) -> None:
        check(
            "from oslo_service import backend\n"
            "try:\n"
            f"    backend.init_backend({name!r})\n"
            "except backend.exceptions.UnsupportedBackendError as exc:\n"
            f"    assert {reason!r} in str(exc), exc\n"
            "else:\n"
            "    raise SystemExit(1)\n",
            PYTHONPATH=python_path(installed),
            XDG_CACHE_HOME=str(installed),
        )


ON_EVENTLET = """
import sys, logging
logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
import eventlet
from oslo_config import cfg
from oslo_service import backend, service
conf = cfg.ConfigOpts()
conf([], default_config_files=[])
ran, ready = [], []

def work():
    ran.append("green")

class Plain(service.Service):
    def start(self):
        if sys.argv[1] == "in start":
            eventlet.spawn(work)
        self.tg.add_timer(0.1, self.look)

    def look(self):
        if ready:
            launcher.stop()

if sys.argv[1] == "before":
    eventlet.spawn(work)
launcher = service.launch(conf, Plain())
if sys.argv[1] == "after":
    eventlet.spawn(work)
ready.append(True)
assert launcher.wait() == 0
print(backend.get_backend_type().value, *ran)
"""


class TestUnpatchedEventlet:
    """A program that uses Eventlet, and does not patch."""

    def test_where_a_hub_is_in_use_auto_is_eventlet(self) -> None:
        done = run_script(ON_EVENTLET, "before")

        assert done.stdout == "eventlet green\n", done.stderr
        assert (
            "'eventlet', selected by the default, as a hub of Eventlet is in use"
            in done.stderr
        )

    @pytest.mark.parametrize("when", ["in start", "after"])
    def test_one_that_appears_later_is_warned_of_once(self, when: str) -> None:
        done = run_script(ON_EVENTLET, when)

        assert done.stdout == "threading\n", done.stderr
        warnings = re.findall("^WARNING .*uses Eventlet.*$", done.stderr, re.MULTILINE)
        assert len(warnings) == 1, done.stderr
        who = "start() of __main__.Plain" if when == "in start" else "This program"
        assert f"{who} uses Eventlet" in warnings[0]
        assert "[oslo_service] backend = eventlet" in warnings[0]

    def test_to_have_imported_it_is_not_to_use_it(self) -> None:
        done = run_script(ON_EVENTLET, "never")

        assert done.stdout == "threading\n", done.stderr
        assert "WARNING" not in done.stderr, done.stderr

    def test_what_auto_has_decided_is_looked_at_again_for_a_launcher(self) -> None:
        check(
            "import eventlet\n"
            "from oslo_service import backend\n"
            "assert backend.get_backend().name == 'threading'\n"
            "eventlet.sleep(0)\n"
            "assert backend.commit().name == 'eventlet'\n"
        )


class TestAnnouncement:
    """The log says what the process runs on, and why."""

    def said(self, caplog: pytest.LogCaptureFixture) -> list[str]:
        return [one for one in caplog.messages if "runs on the driver" in one]

    def test_it_is_said_once_when_something_runs(
        self, undecided: cfg.ConfigOpts, caplog: pytest.LogCaptureFixture
    ) -> None:
        del undecided
        caplog.set_level("INFO")
        backend.init_backend("threading")
        assert self.said(caplog) == []
        backend.get_backend()
        backend.commit(conf_saying("threading"))
        backend.get_backend()

        (said,) = self.said(caplog)
        assert "'threading', selected by init_backend() at" in said
        assert str(os.getpid()) in said

    def test_a_launcher_says_it_too(
        self, undecided: cfg.ConfigOpts, caplog: pytest.LogCaptureFixture
    ) -> None:
        del undecided
        caplog.set_level("INFO")
        backend.commit(conf_saying("threading"))

        (said,) = self.said(caplog)
        assert "[oslo_service] backend = threading" in said


class TestWrongNames:
    """Where a wrong name comes from, and what would do."""

    WHAT = "no driver is called 'thread'; installed are: .*threading; 'auto' takes"

    @pytest.mark.parametrize("how", ["file", "environment", "override"])
    def test_the_error_says_where_it_was_set(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, how: str
    ) -> None:
        conf = cfg.ConfigOpts()
        path = tmp_path / "service.conf"
        if how == "file":
            path.write_text("[oslo_service]\nbackend = thread\n", encoding="ascii")
            conf(["--config-file", str(path)])
            where = f"{path}, line 2)"
        elif how == "environment":
            monkeypatch.setenv("OS_OSLO_SERVICE__BACKEND", "thread")
            conf([], default_config_files=[])
            where = "OS_OSLO_SERVICE__BACKEND)"
        else:
            conf([], default_config_files=[])
            opts.register_backend_opts(conf)
            conf.set_override("backend", "thread", group="oslo_service")
            where = "set_override"

        with pytest.raises(exceptions.UnsupportedBackendError) as caught:
            backend.commit(conf)
        assert re.search(self.WHAT, str(caught.value)), caught.value
        assert f"[oslo_service] backend = thread ({where}" in str(caught.value)
        with pytest.raises(ValueError, match="thread"):
            backend.commit(conf)

    def test_of_several_files_the_one_that_sets_it_is_named(
        self, undecided: cfg.ConfigOpts, tmp_path: Path
    ) -> None:
        del undecided
        texts = {
            "a.conf": "[oslo_service]\nbackend = thread\n",
            "b.conf": "[oslo_service]\nlog_options = true\n",
        }
        for name, text in texts.items():
            (tmp_path / name).write_text(text, encoding="ascii")
        conf = cfg.ConfigOpts()
        conf([f"--config-file={tmp_path / name}" for name in texts])

        place = re.escape(f"({tmp_path / 'a.conf'}, line 2)")
        with pytest.raises(exceptions.UnknownBackendError, match=place):
            backend.commit(conf)

    def test_no_file_is_read_again_unless_the_words_are_wanted(
        self, undecided: cfg.ConfigOpts, tmp_path: Path
    ) -> None:
        del undecided
        path = tmp_path / "service.conf"
        path.write_text("[oslo_service]\nbackend = threading\n", encoding="ascii")
        conf = cfg.ConfigOpts()
        conf(["--config-file", str(path)])
        backend.commit(conf)

        path.write_text("[oslo_service]\n\nbackend = threading\n", encoding="ascii")

        assert f"({path}, line 3)" in str(backend.choice())
        path.unlink()
        assert f"({path}, line 3)" in str(backend.choice())
