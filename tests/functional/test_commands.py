# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""``python -m oslo_service`` as a program: which drivers, and what ties to one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from oslo_service.testing.waiting import LIMIT, python_path

pytestmark = pytest.mark.starts_processes

# To write into it fails: there is no space left.
FULL = Path("/dev/full")


@pytest.fixture
def run(tmp_path):
    """Run the program in an empty folder, with what is beside it to be found."""

    def run(*arguments, **environment):
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("OS_OSLO_SERVICE")
        }
        return subprocess.run(
            [sys.executable, "-m", "oslo_service", *map(str, arguments)],
            env={**inherited, "PYTHONPATH": python_path(tmp_path), **environment},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )

    return run


@pytest.fixture
def backends(run):
    """Run ``backends --json``: the drivers by name, what is selected, the status."""

    def backends(*arguments, **environment):
        done = run("backends", "--json", *arguments, **environment)
        said = json.loads(done.stdout)
        drivers = {one["name"]: one for one in said["drivers"]}
        return drivers, said["selected"], done.returncode

    return backends


@pytest.fixture
def install(tmp_path):
    """Install a package that registers a driver, by the code of its module."""

    def install(name, code, attribute="Driver"):
        module = f"driver_{name}"
        (tmp_path / f"{module}.py").write_text(code)
        folder = tmp_path / f"package_{name}-1.2.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: package-{name}\nVersion: 1.2\n"
        )
        (folder / "entry_points.txt").write_text(
            f"[oslo_service.backend]\n{name} = {module}:{attribute}\n"
        )

    return install


DRIVER = """
from oslo_service.backend import threading

print("loaded: this is no part of the answer")


class Driver(threading.ThreadingDriver):
    name = "mine"
"""


class TestDrivers:
    def test_those_that_come_with_the_library_are_listed(self, backends):
        drivers, _, status = backends()

        assert status == 0
        assert {"eventlet", "threading"} <= set(drivers)
        threading = drivers["threading"]
        assert threading["distribution"] == "oslo.service"
        assert threading["version"]
        assert threading["class"] == "oslo_service.backend.threading:ThreadingDriver"
        assert threading["usable"] is True
        assert threading["reason"] is None
        assert threading["capabilities"] == {
            "blocking_calls": True,
            "kill_tasks": False,
            "parallel": True,
            "spawn_workers": True,
        }

    def test_one_of_another_package_is_listed_with_its_distribution(
        self, backends, install
    ):
        install("mine", DRIVER)

        drivers, selected, status = backends(OS_OSLO_SERVICE__BACKEND="mine")

        assert drivers["mine"]["distribution"] == "package-mine"
        assert drivers["mine"]["version"] == "1.2"
        assert drivers["mine"]["usable"] is True
        assert selected["name"] == "mine"
        assert status == 0

    @pytest.mark.parametrize(
        ("code", "reason"),
        [
            ("raise ValueError('no such luck')", "ValueError: no such luck"),
            ("import no_such_module", "No module named 'no_such_module'"),
            ("def broken(:", "SyntaxError"),
            ("import os; os._exit(3)", "ends the process (3)"),
            ("raise SystemExit('it is too late')", "it is too late"),
            ("Driver = int", "not a subclass of oslo_service.backend.base.Driver"),
            (
                (
                    "from oslo_service.backend import exceptions, threading\n"
                    "class Driver(threading.ThreadingDriver):\n"
                    "    @classmethod\n"
                    "    def check_environment(cls):\n"
                    "        raise exceptions.UnsupportedBackendError('not today')\n"
                ),
                "not today",
            ),
        ],
    )
    def test_one_that_is_broken_says_how_and_the_others_are_listed(
        self, code, reason, backends, install
    ):
        install("broken", code)

        drivers, selected, status = backends()

        assert drivers["broken"]["usable"] is False
        assert reason in drivers["broken"]["reason"]
        assert drivers["threading"]["usable"] is True
        assert (selected["name"], status) == ("threading", 0)

    def test_one_that_is_selected_and_cannot_be_used_makes_the_status_1(
        self, backends, install
    ):
        install("broken", "raise ValueError('no such luck')")

        _, selected, status = backends(OS_OSLO_SERVICE__BACKEND="broken")

        assert status == 1
        assert selected["usable"] is False
        assert "no such luck" in selected["reason"]

    def test_one_that_is_not_installed_makes_the_status_1(self, backends):
        _, selected, status = backends(OS_OSLO_SERVICE__BACKEND="nonsense")

        assert status == 1
        assert "'nonsense'" in selected["reason"]
        assert "threading" in selected["reason"]

    def test_one_whose_dependency_is_missing_says_which_extra_brings_it(
        self, backends, tmp_path
    ):
        # What Python finds first.
        (tmp_path / "eventlet.py").write_text(
            "raise ModuleNotFoundError('No module named eventlet', name='eventlet')\n"
        )

        drivers, _, status = backends()

        assert drivers["eventlet"]["usable"] is False
        assert "pip install 'oslo.service[eventlet]'" in drivers["eventlet"]["reason"]
        assert drivers["eventlet"]["capabilities"] is None
        assert status == 0

    def test_the_process_that_lists_them_stays_free_of_them(self, run, tmp_path):
        (tmp_path / "sitecustomize.py").write_text(
            "import atexit, os, sys\n"
            "def tell():\n"
            "    if 'backends' in sys.argv:\n"
            "        print(sorted({'eventlet', 'greenlet'} & set(sys.modules)))\n"
            "atexit.register(tell)\n"
        )

        done = run("backends")

        assert done.stdout.endswith("\n[]\n"), done.stderr


class TestSelection:
    def decided(self, backends, *arguments, **environment):
        _, selected, _ = backends(*arguments, **environment)
        return selected["name"], selected["by"]

    @pytest.fixture
    def file(self, tmp_path):
        path = tmp_path / "my.conf"
        path.write_text("[oslo_service]\nbackend = eventlet\n")
        return path

    def test_by_nothing_it_is_auto(self, backends):
        assert self.decided(backends) == ("threading", "auto")

    def test_by_the_option_in_a_file(self, backends, file):
        arguments = ("--config-file", file)

        assert self.decided(backends, *arguments) == ("eventlet", "option")

    def test_by_the_option_in_a_folder(self, backends, file):
        arguments = ("--config-dir", file.parent)

        assert self.decided(backends, *arguments) == ("eventlet", "option")

    def test_by_the_option_in_the_files_of_a_project(self, backends, file, tmp_path):
        home = tmp_path / "home"
        (home / ".mine").mkdir(parents=True)
        file.rename(home / ".mine" / "mine.conf")

        found = self.decided(backends, "--project", "mine", HOME=str(home))

        assert found == ("eventlet", "option")

    def test_by_the_environment_before_a_file(self, backends, file):
        found = self.decided(
            backends, "--config-file", file, OS_OSLO_SERVICE__BACKEND="threading"
        )

        assert found == ("threading", "environment")

    def test_the_origin_names_the_file(self, backends, file):
        _, selected, _ = backends("--config-file", file)

        assert str(file) in selected["origin"]

    @pytest.mark.parametrize(
        ("code", "name", "by"),
        [
            (
                (
                    "backend.register_backend_default_hook("
                    "lambda: backend.BackendType.EVENTLET)"
                ),
                "eventlet",
                "hook",
            ),
            (
                (
                    "opts.register_backend_opts(cfg.CONF)\n"
                    "cfg.CONF.set_default('backend', 'eventlet', 'oslo_service')"
                ),
                "eventlet",
                "option",
            ),
            ("backend.init_backend('eventlet')", "eventlet", "code"),
            ("import eventlet\neventlet.monkey_patch()", "eventlet", "auto"),
        ],
        ids=["a hook", "a default", "code", "a patch"],
    )
    def test_by_what_the_code_of_a_project_says(
        self, code, name, by, backends, tmp_path
    ):
        (tmp_path / "project.py").write_text(
            "from oslo_config import cfg\n"
            "from oslo_service import backend, opts\n"
            f"{code}\n"
        )

        drivers, selected, status = backends("--import", "project")

        assert (selected["name"], selected["by"], status) == (name, by, 0)
        assert drivers["threading"]["usable"]

    def test_threads_in_a_patched_process_cannot_be_used(self, backends, tmp_path):
        (tmp_path / "project.py").write_text(
            "import eventlet\neventlet.monkey_patch()\n"
        )

        _, selected, status = backends(
            "--import", "project", OS_OSLO_SERVICE__BACKEND="threading"
        )

        assert status == 1
        assert "monkey-patched" in selected["reason"]

    def test_for_people_it_says_the_same(self, run, file):
        done = run("backends", "--config-file", file)

        assert done.returncode == 0, done.stderr
        assert "Selected here: eventlet, by option" in done.stdout
        assert "can: kill_tasks, blocking_calls" in done.stdout
        assert "cannot: parallel, spawn_workers" in done.stdout


class TestUsage:
    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            ((), "COMMAND"),
            (("nonsense",), "nonsense"),
            (("backends", "--nonsense"), "--nonsense"),
            (("backends", "--config-file", "/does/not/exist"), "/does/not/exist"),
            (("backends", "--import", "no_such_module"), "no_such_module"),
            (("backends", "--import", "that_exits"), "SystemExit: 0"),
            (("check",), "nothing to check"),
            (("check", "/does/not/exist"), "/does/not/exist"),
        ],
    )
    def test_a_wrong_command_line_is_status_2_with_what_is_wrong(
        self, arguments, said, run, tmp_path
    ):
        (tmp_path / "that_exits.py").write_text("import sys\n\nsys.exit(0)\n")

        done = run(*arguments)

        assert done.returncode == 2
        assert said in done.stderr
        assert done.stdout == ""

    def test_a_file_that_does_not_parse_is_status_2(self, run, tmp_path):
        path = tmp_path / "my.conf"
        path.write_text("no section and no value\n")

        done = run("backends", "--config-file", path)

        assert done.returncode == 2
        assert "my.conf" in done.stderr

    @pytest.mark.skipif(not FULL.exists(), reason=f"there is no {FULL}")
    @pytest.mark.parametrize(
        "command", [("backends",), ("check", "."), ("check", "--rules")], ids=" ".join
    )
    def test_what_cannot_be_written_is_status_2_in_one_line(self, command, tmp_path):
        (tmp_path / "one.py").touch()
        with FULL.open("w") as full:
            done = subprocess.run(
                [sys.executable, "-m", "oslo_service", *command],
                cwd=tmp_path,
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                timeout=LIMIT,
                check=False,
            )

        assert done.returncode == 2
        assert done.stderr == (
            "python -m oslo_service: error: the output cannot be written:"
            " [Errno 28] No space left on device\n"
        )

    @pytest.mark.parametrize("command", [(), ("backends",), ("check",)])
    def test_each_has_help(self, command, run):
        done = run(*command, "--help")

        assert done.returncode == 0
        assert done.stdout.startswith("usage: python -m oslo_service")


class TestCheck:
    def test_what_it_finds_is_written_and_makes_the_status(self, run, tmp_path):
        (tmp_path / "project").mkdir()
        (tmp_path / "project" / "one.py").write_text("import eventlet\n")

        done = run("check", "project")

        assert (done.returncode, done.stderr) == (1, "")
        assert f"project{os.sep}one.py:1:1: eventlet" in done.stdout

    def test_what_is_no_regular_file_is_a_finding_and_is_not_opened(
        self, run, tmp_path
    ):
        # Whoever opens it waits for one who writes.
        os.mkfifo(tmp_path / "pipe.py")
        (tmp_path / "code.py").write_text("import eventlet\n")

        done = run("check", ".")

        assert done.returncode == 1
        assert "pipe.py:1:1: it is not a regular file" in done.stdout
        assert "code.py:1:1: eventlet" in done.stdout

    def test_eventlet_is_not_needed_to_look_for_it(self, run, tmp_path):
        (tmp_path / "eventlet.py").write_text("raise ImportError\n")
        (tmp_path / "one.py").write_text("import eventlet\neventlet.spawn(print)\n")

        done = run("check", "--json", "one.py")

        found = json.loads(done.stdout)["findings"]
        assert [one["rule"] for one in found] == ["OSE102", "OSE110"]

    def test_a_reader_that_has_seen_enough_makes_no_trouble(self, tmp_path):
        (tmp_path / "one.py").write_text("import eventlet\n" * 20_000)
        with subprocess.Popen(
            [sys.executable, "-m", "oslo_service", "check", tmp_path],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            process.stdout.readline()
            process.stdout.close()
            errors = process.stderr.read()
            status = process.wait(LIMIT)

        assert (status, errors) == (1, "")

    def test_a_name_that_the_output_has_no_characters_for_is_escaped(
        self, run, tmp_path
    ):
        (tmp_path / os.fsdecode(b"caf\xe9.py")).write_text("import eventlet\n")

        done = run("check", ".", PYTHONIOENCODING="utf-8:strict")

        assert (done.returncode, done.stderr) == (1, "")
        assert r"caf\udce9.py:1:1: eventlet" in done.stdout

    def test_the_library_itself_is_free_of_what_it_looks_for(self, run, tmp_path):
        import oslo_service

        package = os.path.dirname(oslo_service.__file__)
        done = run(
            "check",
            "--json",
            "--exclude",
            "*/oslo_service/backend/*",
            "--exclude",
            "testing",
            "--select",
            "OSE1",
            package,
        )

        assert json.loads(done.stdout)["findings"] == []
