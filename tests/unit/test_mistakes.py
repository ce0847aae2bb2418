# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Mistakes that are easily made: what is said of them, and what to do."""

import logging
import re
from pathlib import Path

import pytest
from oslo_config import cfg

from oslo_service import backend, opts, service, threadgroup, wsgi
from oslo_service.testing.waiting import run_script

ROOT = Path(__file__).resolve().parents[2]


class Quiet(service.ServiceBase):
    start = stop = wait = lambda _self: None


@pytest.fixture
def conf(undecided):
    conf = cfg.ConfigOpts()
    conf([], default_config_files=[])
    return conf


def test_an_unknown_option_in_our_group_is_warned_of(tmp_path, undecided, caplog):
    path = tmp_path / "service.conf"
    path.write_text("[oslo_service]\nbackends = eventlet\nbackend = threading\n")
    conf = cfg.ConfigOpts()
    conf(["--config-file", str(path)])

    service.ServiceLauncher(conf)
    service.ServiceLauncher(conf)

    said = [one for one in caplog.records if one.levelno == logging.WARNING]
    (one,) = said
    beginning, _, known = one.getMessage().partition("; there is: ")
    assert beginning == (
        f"[oslo_service] backends is set ({path}, line 2), which is no option and has"
        " no effect"
    )
    assert known.split(", ") == sorted(one.dest for one in opts.group_opts)


@pytest.mark.parametrize("launcher", [service.ServiceLauncher, service.ProcessLauncher])
def test_options_that_are_registered_later_are_known(
    tmp_path, undecided, caplog, launcher
):
    path = tmp_path / "service.conf"
    lines = [f"{one.dest} =" for one in opts.group_opts if one.default is None]
    lines += [
        f"{one.dest} = 7" for one in opts.limit_opts if one.dest != "worker_jitter"
    ]
    lines += [f"{one.dest} = 7" for one in opts.request_opts]
    path.write_text("\n".join(["[oslo_service]", *lines, ""]))
    conf = cfg.ConfigOpts()
    conf(["--config-file", str(path)])

    server = wsgi.Server(conf, "api", lambda *_: [], host="127.0.0.1", port=0)
    launcher(conf)
    server.stop()

    assert "admin_socket =" in lines
    assert not [one for one in caplog.messages if "no effect" in one]


def test_the_list_of_our_options_has_all_that_are_registered(undecided):
    conf = cfg.ConfigOpts()
    opts.register_service_opts(conf)
    opts.register_periodic_opts(conf)
    opts.register_wsgi_opts(conf)
    assert sorted(conf.oslo_service) == sorted(one.dest for one in opts.group_opts)


def test_options_of_our_group_that_others_register_are_known(
    tmp_path, undecided, caplog
):
    path = tmp_path / "service.conf"
    path.write_text("[oslo_service]\ntheir-option = 1\nother_option = 1\n")
    conf = cfg.ConfigOpts()
    for name in ("their-option", "other_option"):
        conf.register_opt(cfg.StrOpt(name), group="oslo_service")
    conf(["--config-file", str(path)])

    service.ServiceLauncher(conf)

    assert not [one for one in caplog.messages if "no effect" in one]


def test_a_service_that_is_given_a_configuration_says_what_it_takes(conf):
    class Mine(service.Service):
        pass

    with pytest.raises(TypeError, match=r"^Mine: Service\.__init__\(\) takes threads"):
        Mine(conf)


@pytest.mark.parametrize("workers", [1, 2])
def test_launching_without_a_configuration_says_what_it_is(undecided, workers):
    with pytest.raises(TypeError, match=r"^conf is an oslo_config\.cfg\.ConfigOpts"):
        service.launch(None, Quiet(), workers=workers)
    assert backend.get_backend_type() is None


def test_adding_what_a_call_returned_says_so(undecided):
    group = threadgroup.ThreadGroup()
    with pytest.raises(TypeError, match=r"not 7: was the function called"):
        group.add_thread(7)
    assert group.threads == []


@pytest.mark.parametrize("workers", [1, 2])
def test_a_service_that_cannot_take_backdoor_port_does_without(workers):
    done = run_script(
        "import sys, threading\n"
        "from oslo_config import cfg\n"
        "from oslo_service import service\n"
        "begun = threading.Event()\n"
        "class Taken(service.Service):\n"
        "    backdoor_port = property(lambda self: 7)\n"
        "    def start(self):\n"
        "        print('started', self.backdoor_port, flush=True)\n"
        "        begun.set()\n"
        "launcher = service.ProcessLauncher(cfg.CONF, no_fork=True)"
        f" if {workers} > 1 else service.ServiceLauncher(cfg.CONF)\n"
        "cfg.CONF([], default_config_files=[])\n"
        "launcher.launch_service(Taken())\n"
        "assert begun.wait(60)\n"
        "launcher.stop()\n"
        "sys.exit(launcher.wait())\n"
    )
    assert (done.returncode, done.stdout) == (0, "started 7\n"), done.stderr


FROZEN = """
import sys
from importlib import metadata
sys.frozen = True
class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.startswith(sys.argv[1]):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
def none(name):
    raise metadata.PackageNotFoundError(name)
from oslo_service import backend
if sys.argv[1] == "metadata":
    metadata.distribution = none
else:
    sys.meta_path.insert(0, Nothing())
try:
    backend.init_backend(sys.argv[2])
except backend.exceptions.UnsupportedBackendError as exc:
    print(exc)
"""


@pytest.mark.parametrize("missing", ["metadata", "oslo_service.backend.threading"])
def test_a_frozen_program_says_what_to_build_it_with(missing):
    done = run_script(FROZEN, missing, "threading")
    assert "pip" not in done.stdout
    assert (
        "build it by pyinstaller --copy-metadata oslo.service"
        " --hidden-import oslo_service.backend.threading\n" in done.stdout
    ), (done.stdout, done.stderr)


@pytest.mark.parametrize(
    "missing",
    ["oslo_service.backend.eventlet", "eventlet.hubs.epolls", "greenlet"],
)
def test_it_names_all_that_is_imported_by_name_and_what_is_missing(missing):
    done = run_script(FROZEN, missing, "eventlet")
    (said,) = done.stdout.splitlines()
    _, *options = said.split(" --")
    assert options[:4] == [
        "copy-metadata oslo.service",
        "hidden-import oslo_service.backend.eventlet",
        "collect-submodules eventlet.hubs",
        "collect-submodules dns",
    ]
    (lacking,) = re.findall(r"No module named '([\w.]+)'", said)
    assert f"hidden-import {lacking}" in options, said
    assert len(set(options)) == len(options), said


@pytest.mark.parametrize("driver", ["eventlet", "threading"])
def test_the_page_says_the_same_of_frozen_programs(driver):
    done = run_script(FROZEN, f"oslo_service.backend.{driver}", driver)
    (advice,) = re.findall("build it by (.*)", done.stdout)
    page = (ROOT / "doc" / "source" / "installation.rst").read_text()
    assert f"$ {advice} program.py\n" in re.sub(r" \\\n *", " ", page)


def test_a_frozen_program_says_so_of_a_driver_of_others():
    done = run_script(FROZEN, "its_module", "theirs")
    assert "--copy-metadata ITS-DISTRIBUTION" in done.stdout, done.stderr


UNAWAITED = """
import logging, sys, time
logging.basicConfig(format="%(levelname)s %(message)s")
from oslo_config import cfg
from oslo_service import service
class Plain(service.Service):
    pass
cfg.CONF([], default_config_files=[])
launcher = service.launch(cfg.CONF, Plain(), workers=int(sys.argv[1]))
if sys.argv[1] == "2":
    while len(launcher.children) < 2: time.sleep(0.01)
if sys.argv[2] != "never":
    launcher.stop()
if sys.argv[2] == "waited":
    launcher.wait()
"""


def test_a_launcher_that_nobody_waited_for_says_so_at_the_end():
    done = run_script(UNAWAITED, "1", "never")
    assert re.search(
        r"^WARNING The program ends, and what it has launched ends with it, as it has"
        r" never called the launcher's wait\(\): .* of __main__\.Plain$",
        done.stderr,
        re.MULTILINE,
    ), done.stderr


@pytest.mark.parametrize("end", ["stopped", "waited"])
@pytest.mark.parametrize("workers", ["1", "2"])
def test_one_that_was_stopped_or_waited_for_says_nothing(workers, end):
    done = run_script(UNAWAITED, workers, end)
    assert "never called" not in done.stderr, done.stderr


def test_its_workers_say_so_in_place_of_a_parent_that_is_gone():
    done = run_script(UNAWAITED, "2", "never")
    said = re.findall(
        r"^WARNING The parent process \d+ has ended, as its program never called the"
        r" launcher's wait\(\): stopping$",
        done.stderr,
        re.MULTILINE,
    )
    assert len(said) == 2, done.stderr
    assert "is gone" not in done.stderr
    assert "WARNING The program ends" in done.stderr


PAGES = [
    ROOT / "README.rst",
    *(ROOT / "doc" / "source").glob("*.rst"),
    *(ROOT / "examples").rglob("main.py"),
]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_example_hands_on_the_exit_status(path):
    text = path.read_text()
    dropped = re.findall(
        r"^ *(?:launcher|service\.launch\(.*\))\.wait\(\)$", text, re.MULTILINE
    )
    assert dropped == []
