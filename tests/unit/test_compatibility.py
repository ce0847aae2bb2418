# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Names that are there because others have used them for years."""

import importlib
import inspect
import os
import re
import signal
import ssl
import warnings
from pathlib import Path
from unittest import mock

import pytest
from oslo_config import cfg

from oslo_service import (
    _multiprocessing,
    backend,
    loopingcall,
    service,
    sslutils,
    threadgroup,
    version,
    wsgi,
)
from oslo_service._common import deprecation
from oslo_service._common.fork_safety import Inherited
from oslo_service.backend import base, exceptions
from oslo_service.testing.waiting import LIMIT, run_script

STRICT = (
    "import warnings\n"
    "warnings.simplefilter('error')\n"
    "warnings.filterwarnings('ignore', r'\\s*Eventlet is')\n"
)
ALIASES = ("loopingcall", "service", "threadgroup")


@pytest.fixture(autouse=True)
def nothing_warned_of(monkeypatch):
    monkeypatch.setattr(deprecation, "_warned", Inherited(set))


def run(code):
    done = run_script(STRICT + code)
    assert done.returncode == 0, done.stderr
    return done


KNOWN = Path(__file__).with_name("names_of_4_8_0.txt")
LISTED = [one for one in KNOWN.read_text().splitlines() if not one.startswith("#")]
OF_INSTANCES = [one for one in LISTED if "()." in one]
NAMES = [one for one in LISTED if one not in OF_INSTANCES]
EMPTY = inspect.Parameter.empty


def resolve(path):
    module, _, rest = path.partition(".")
    found = importlib.import_module(module)
    for part in rest.split("."):
        module = f"{module}.{part}"
        try:
            found = getattr(found, part)
        except AttributeError:
            found = importlib.import_module(module)
    return found


def parameters(text):
    namespace = {}
    exec(f"def f({text}): pass", namespace)
    return list(inspect.signature(namespace["f"]).parameters.values())


def accepts(ours, theirs):
    """Whether a function can be called as another is, to the same effect."""
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    named = [one for one in ours if one.kind not in kinds]
    expected = [one for one in theirs if one.kind not in kinds]
    return (
        [one.name for one in named[: len(expected)]] == [one.name for one in expected]
        and all(
            their.default in (our.default, ...)
            for our, their in zip(named, expected, strict=False)
        )
        and all(one.default is not EMPTY for one in named[len(expected) :])
        and {one.kind for one in theirs} & set(kinds) <= {one.kind for one in ours}
    )


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_there_and_takes_what_it_took(name):
    path, takes, given = re.fullmatch(r"([\w.]+)(\((.*)\))?", name).groups()
    thing = resolve(path)
    if takes:
        ours = list(inspect.signature(thing).parameters.values())
        if ours and ours[0].name == "self":
            del ours[0]
        assert accepts(ours, parameters(given)), inspect.signature(thing)


class Quiet(service.ServiceBase):
    start = stop = wait = lambda _self: None


def app(environ, start_response):
    return []


@pytest.fixture
def instance_of(undecided, tmp_path):
    """Make an instance of a class, as its users do."""
    conf = cfg.ConfigOpts()
    wsgi.register_opts(conf)
    conf([], default_config_files=[])
    (tmp_path / "paste.ini").touch()
    conf.set_override("api_paste_config", str(tmp_path / "paste.ini"))
    made = []

    def make(path):
        cls, name = resolve(path), path.rpartition(".")[2]
        if name == "Thread":
            return threadgroup.ThreadGroup().add_thread(int)
        arguments = {
            "ServiceWrapper": (Quiet(), 2),
            "SignalExit": (signal.SIGTERM,),
            "Server": (conf, "server", app),
        }
        if name in ("Loader", "PeriodicTasks") or name.endswith("Launcher"):
            arguments[name] = (conf,)
        made.append(cls(*arguments.get(name, ())))
        return made[-1]

    yield make
    for one in made:
        if isinstance(one, wsgi.Server):
            one.stop()


@pytest.mark.parametrize("name", OF_INSTANCES)
def test_an_instance_has_an_attribute(instance_of, name):
    path, _, attribute = name.partition("().")
    instance = instance_of(path)

    assert hasattr(instance, attribute)
    assert not hasattr(instance, f"no_{attribute}_at_all")


def test_the_attributes_of_launchers_say_what_is_so(undecided):
    conf = cfg.ConfigOpts()
    conf([], default_config_files=[])
    launcher = service.ProcessLauncher(conf, restart_method="mutate")
    handler = service.SignalHandler()

    assert launcher.restart_method == "mutate"
    assert launcher.signal_handler is handler
    assert launcher.running is True
    assert launcher.launcher is None
    assert launcher.sigcaught is launcher.readpipe is launcher.writepipe is None
    launcher = service.ServiceLauncher(conf)
    assert launcher.restart_method == launcher.services.restart_method == "reload"
    assert launcher.signal_handler is handler


def test_services_are_done_when_they_are_stopped(undecided):
    services = service.Services()
    services.add(Quiet())
    assert services.done is services.done
    assert services.tg is services.tg
    assert not services.done.ready()
    services.stop()
    assert services.done.ready()
    assert services.done.is_set()
    assert services.done.wait(LIMIT)


def test_services_can_be_said_to_be_done(undecided):
    services = service.Services()
    assert not services.done.wait(0)
    services.done.send()
    assert services.done.wait(LIMIT)


def test_the_comparison_of_parameters_finds_what_is_different():
    ours = parameters("a, b=1, c=None, **kwargs")
    assert accepts(ours, parameters("a, b=1"))
    assert accepts(ours, parameters("a, b=..., **others"))
    assert not accepts(ours, parameters("a, b=2"))
    assert not accepts(ours, parameters("b, a"))
    assert not accepts(ours, parameters("a, *args"))
    assert not accepts(parameters("a, b"), parameters("a"))
    assert not accepts(parameters("a"), parameters("a, b"))


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


@pytest.mark.parametrize(
    "name", ["wsgi", "_i18n", "version", "service", "sslutils", "periodic_task"]
)
def test_a_module_is_imported_without_eventlet(name):
    run(
        "import sys; sys.modules['eventlet'] = sys.modules['greenlet'] = None\n"
        f"import oslo_service.{name}\n"
    )


def test_translations_are_none():
    from oslo_service import _i18n

    assert _i18n._("text") == "text"
    assert _i18n.get_available_languages() == ["en_US"]


def version_info():
    return version.version_info.release_string()


@pytest.mark.parametrize(
    ("use", "instead"),
    [
        (lambda: threadgroup.ThreadGroup(max_threads=1), "thread_pool_size"),
        (lambda: threadgroup.ThreadGroup().max_threads, "thread_pool_size"),
        (lambda: threadgroup.ThreadGroup().cancel(), r"stop\(\)"),
        (lambda: service.ProcessLauncher(cfg.ConfigOpts(), 0.01), "omit"),
        (lambda: service.ProcessLauncher(cfg.ConfigOpts()).handle_signal(), "omit"),
        (lambda: service.ServiceLauncher(cfg.ConfigOpts()).handle_signal(), "omit"),
        (lambda: backend.DEFAULT_BACKEND_TYPE, r"get_backend_type\(\)"),
        (lambda: base.BaseBackend, "Driver"),
        (lambda: base.ComponentRegistry, "get_component"),
        (lambda: base.ServiceBase, "oslo_service.service.ServiceBase"),
        (version_info, "importlib.metadata"),
    ],
)
def test_each_deprecated_name_warns_once_and_says_what_to_use(undecided, use, instead):
    with pytest.warns(DeprecationWarning, match=instead) as caught:
        use()
    assert [one.filename for one in caught] == [__file__]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        use()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_they_give_what_they_gave():
    assert backend.DEFAULT_BACKEND_TYPE in backend.BackendType
    assert base.BaseBackend is base.Driver
    assert base.ServiceBase is service.ServiceBase
    registry = base.ComponentRegistry({"there": 1, "not": None})
    assert "there" in registry
    assert "not" not in registry
    assert registry["there"] == 1
    with pytest.raises(exceptions.BackendComponentNotAvailable, match="there"):
        registry["not"]
    text = version.version_info.version_string()
    assert version.version_info.release_string().startswith(text)
    assert version.version_info.cached_version_string("v") == f"v{text}"
    assert str(version.version_info) == text


def test_tests_of_projects_can_have_singletons_made_anew():
    before = service.SignalHandler()
    assert service.SignalHandler() is before
    kept = service.Singleton._instances.get()
    try:
        service.Singleton._instances.clear()
        assert service.SignalHandler() is not before
    finally:
        service.Singleton._instances.set(kept)


def test_versions_of_tls_are_found_by_the_names_that_options_have():
    protocols = sslutils._SSL_PROTOCOLS

    assert {"sslv23", "tlsv1_2"} <= set(protocols)
    assert protocols["sslv23"] == ssl.PROTOCOL_TLS
    with pytest.raises(AttributeError, match="_SSL_NONSENSE"):
        sslutils._SSL_NONSENSE  # noqa: B018


def test_a_spawned_pool_takes_what_it_took():
    with _multiprocessing.get_spawn_pool(
        1, initializer=os.putenv, init_args=("A", "B"), max_tasks_per_child=1
    ) as pool:
        first, second = pool.apply(os.getpid), pool.apply(os.getpid)
    assert len({os.getpid(), first, second}) == 3


def test_a_thread_of_a_group_can_be_made_of_a_task(undecided):
    backend.init_backend("threading")
    group = threadgroup.ThreadGroup()
    task = backend.get_backend().spawn(lambda: 5, name="task")
    thread = threadgroup.Thread(task, group)
    assert thread.wait() == 5
    assert not thread.stop_ordered


def test_a_deprecated_name_warns_once_with_what_to_use_instead():
    def use():
        deprecation.warn_once("Old()", "use New()")

    with pytest.warns(DeprecationWarning, match=r"Old\(\) .* use New\(\)") as caught:
        use()
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        use()


def test_without_the_package_that_fixtures_are_of_the_extra_is_named():
    run(
        "import sys; sys.modules['fixtures'] = None\n"
        "try:\n"
        "    import oslo_service.fixture\n"
        "except ImportError as exc:\n"
        "    assert 'oslo.service[test]' in str(exc), exc\n"
        "else:\n"
        "    raise AssertionError('it was imported')\n"
    )


def test_fixtures_are_imported_without_eventlet():
    run(
        "import sys; sys.modules['eventlet'] = sys.modules['greenlet'] = None\n"
        "from oslo_service import backend, fixture\n"
        "assert backend.get_backend_type() is None\n"
    )


@pytest.mark.parametrize(
    ("name", "workers"), [("ServiceLauncher", 1), ("ProcessLauncher", 2)]
)
def test_launch_makes_the_launcher_that_the_module_has(monkeypatch, name, workers):
    made = mock.Mock()
    monkeypatch.setattr(service, name, made)
    launched = service.Service()

    assert service.launch(cfg.ConfigOpts(), launched, workers) is made.return_value
    made.return_value.launch_service.assert_called_once_with(launched, workers=workers)
