# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A project's own tests run once on every driver, each as the driver needs it."""

import re
import shutil
import textwrap
from pathlib import Path

import pytest

from oslo_service.testing import _drivers
from oslo_service.testing.waiting import run_python

pytestmark = pytest.mark.starts_processes

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "tested_on_every_driver"
DRIVERS = ("threading", "eventlet", "gevent")


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)


class Project:
    """A folder with tests, and what becomes of them."""

    def __init__(self, folder):
        self.folder = folder

    def write(self, name, text):
        (self.folder / name).write_text(textwrap.dedent(text), encoding="utf-8")

    def run(self, *command):
        self.python("-m", *command)

    def python(self, *arguments):
        done = run_python(
            *("-W", "ignore", *arguments),
            env={"PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "200"},
            cwd=self.folder,
        )
        self.status, self.text = done.returncode, done.stdout + done.stderr
        self.outcomes = dict(
            re.findall(
                r"^\S*::(\S+) (PASSED|FAILED|SKIPPED|ERROR)", done.stdout, re.MULTILINE
            )
        )

    def pytest(self, *arguments):
        self.run("pytest", "-v", "-rs", "-p", "no:cacheprovider", *arguments)


@pytest.fixture
def example(project):
    shutil.copytree(EXAMPLE, project.folder, dirs_exist_ok=True)
    return project


def test_the_example_passes_on_each(example):
    example.pytest("test_collector.py")

    assert example.status == 0, example.text
    for name in DRIVERS:
        expected = "SKIPPED" if _drivers.obstacle(name) else "PASSED"
        found = [
            outcome for id_, outcome in example.outcomes.items() if f"[{name}]" in id_
        ]
        assert found == [expected] * 4, example.text


def test_the_example_passes_by_testscenarios(example):
    example.run("unittest", "-v", "test_collector_unittest")

    assert example.status == 0, example.text
    for name in DRIVERS:
        outcome = "skipped" if _drivers.obstacle(name) else "ok"
        for period in ("often", "rarely"):
            pattern = rf"\({name},{period}\) \.\.\. {outcome}"
            assert re.search(pattern, example.text), example.text
    assert f"Ran {2 * len(DRIVERS)} tests" in example.text


def test_a_driver_that_is_not_installed_is_skipped_with_the_reason(example):
    example.write("pytest.ini", "[pytest]\noslo_service_backends = threading mars\n")
    example.pytest("test_collector.py", "-k", "every_source")

    assert example.status == 0, example.text
    assert example.outcomes == {
        "test_every_source_is_asked[threading]": "PASSED",
        "test_every_source_is_asked[mars]": "SKIPPED",
    }
    assert "no driver is called 'mars'; installed are: " in example.text


@pytest.fixture
def with_broken_driver(project):
    """Tests, and a driver that is installed and cannot be loaded."""
    info = project.folder / "broken-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[oslo_service.backend]\nbroken = bad:It\n")
    project.write("bad.py", "raise ValueError('no such luck')\n")
    project.write(
        "test_it.py",
        """
        import unittest
        from oslo_service.testing import scenarios

        def test_it(oslo_service_driver):
            pass

        class TestIt(scenarios.OnEveryDriver, unittest.TestCase):
            backends = ["broken"]

            def test_case(self):
                pass
        """,
    )
    return project


def test_tests_are_skipped_on_a_driver_that_cannot_be_loaded(with_broken_driver):
    with_broken_driver.pytest()

    assert with_broken_driver.status == 0, with_broken_driver.text
    assert with_broken_driver.outcomes["test_it[broken]"] == "SKIPPED"
    assert with_broken_driver.outcomes["test_it[threading]"] == "PASSED"
    assert with_broken_driver.outcomes["test_case"] == "SKIPPED"
    assert "cannot be loaded: ValueError: no such luck" in with_broken_driver.text


def test_test_cases_are_skipped_on_a_driver_that_cannot_be_loaded(with_broken_driver):
    with_broken_driver.run("unittest", "-v", "test_it")

    assert with_broken_driver.status == 0, with_broken_driver.text
    assert "cannot be loaded: ValueError: no such luck" in with_broken_driver.text


def test_a_driver_that_is_asked_for_and_cannot_be_loaded_is_refused(
    with_broken_driver,
):
    with_broken_driver.pytest("--backend", "broken")

    assert with_broken_driver.status == pytest.ExitCode.USAGE_ERROR
    assert "cannot be loaded: ValueError: no such luck" in with_broken_driver.text
    assert "Traceback" not in with_broken_driver.text


def test_what_a_patched_process_does_is_told_under_the_drivers_name(project):
    project.write(
        "test_troubles.py",
        """
        import os, time
        import pytest

        LOADED_PATCHED = type(time.sleep).__name__ == "function"
        made = []

        @pytest.fixture(scope="module")
        def kept():
            made.append(1)
            return made

        def test_it_is_patched_before_it_is_imported(oslo_service_driver):
            assert LOADED_PATCHED
            assert oslo_service_driver.name == "eventlet"

        def test_that_fails(oslo_service_driver):
            print("said before")
            assert 1 + 1 == 3

        def test_that_skips(oslo_service_driver):
            pytest.skip("as asked")

        def test_that_crashes(oslo_service_driver):
            print("last words", flush=True)
            os._exit(7)

        def test_after_the_crash(oslo_service_driver, kept):
            assert kept == [1]

        def test_that_shares_what_the_module_has(oslo_service_driver, kept):
            assert kept == [1]

        def test_that_asks_for_no_driver():
            assert not LOADED_PATCHED
        """,
    )
    project.pytest("--backend", "eventlet")

    assert project.status == 1, project.text
    assert project.outcomes == {
        "test_that_asks_for_no_driver": "PASSED",
        "test_it_is_patched_before_it_is_imported[eventlet]": "PASSED",
        "test_that_fails[eventlet]": "FAILED",
        "test_that_skips[eventlet]": "SKIPPED",
        "test_that_crashes[eventlet]": "FAILED",
        "test_after_the_crash[eventlet]": "PASSED",
        "test_that_shares_what_the_module_has[eventlet]": "PASSED",
    }
    assert "assert (1 + 1) == 3" in project.text
    assert "said before" in project.text
    assert "the driver 'eventlet' ended with status 7" in project.text


@pytest.mark.parametrize("dist", ["loadgroup", "worksteal"])
def test_tests_run_side_by_side_by_xdist(project, dist):
    pytest.importorskip("xdist")
    project.write(
        "test_it.py",
        """
        import os, time
        import pytest

        PATCHED = type(time.sleep).__name__ == "function"

        @pytest.mark.xdist_group("one")
        @pytest.mark.parametrize("number", range(4))
        def test_it(oslo_service_driver, number, tmp_path):
            assert PATCHED
            assert list(tmp_path.iterdir()) == []

        def test_that_fails(oslo_service_driver):
            assert 1 + 1 == 3

        def test_that_asks_for_no_driver(tmp_path):
            assert not PATCHED
        """,
    )
    project.pytest(
        *("--backend", "eventlet", "-n", "2", "--dist", dist, "test_it.py"),
        *("--basetemp", project.folder / "temporary"),
    )

    assert project.status == 1, project.text
    assert "5 passed" in project.text, project.text
    assert "1 failed" in project.text, project.text
    assert "assert (1 + 1) == 3" in project.text


def test_what_a_module_has_here_ends_with_it_though_its_last_test_runs_elsewhere(
    project,
):
    pytest.importorskip("gevent")
    project.write(
        "test_first.py",
        """
        import pytest

        @pytest.fixture(scope="module")
        def kept():
            yield
            print("the first is over")

        def test_here(kept):
            pass

        def test_elsewhere(oslo_service_driver):
            pass
        """,
    )
    project.write("test_second.py", "def test_here(): print('the second runs')")
    # As they may come where processes share the tests.
    project.write(
        "conftest.py",
        """
        import pytest

        @pytest.hookimpl(trylast=True)
        def pytest_collection_modifyitems(items):
            items.sort(key=lambda item: item.path.name)
        """,
    )

    project.pytest("--backend", "gevent", "-s")

    assert project.status == 0, project.text
    assert "the first is over" in project.text
    assert "the second runs" in project.text.partition("the first is over")[2]


def test_only_the_modules_that_need_it_are_imported_when_patched(project):
    project.write("test_it.py", "def test_it(oslo_service_driver): pass\n")
    project.write(
        "test_picky.py",
        """
        import time
        assert type(time.sleep).__name__ != "function", "it wants native threads"

        def test_one():
            pass
        """,
    )
    project.pytest("--backend", "eventlet")

    assert project.status == 0, project.text


def test_a_module_that_cannot_be_imported_when_patched_is_told_once_each(project):
    project.write(
        "test_picky.py",
        """
        import time
        assert type(time.sleep).__name__ != "function", "it wants native threads"

        def test_one(oslo_service_driver):
            pass

        def test_two(oslo_service_driver):
            pass
        """,
    )
    project.pytest("--backend", "eventlet")

    assert project.status == 1, project.text
    assert project.outcomes == {
        "test_one[eventlet]": "FAILED",
        "test_two[eventlet]": "FAILED",
    }
    assert "it wants native threads" in project.text


def test_a_timer_that_fires_fails_the_test_alone(project):
    pytest.importorskip("pytest_timeout")
    project.write(
        "test_slow.py",
        """
        import threading
        import pytest

        @pytest.mark.timeout(5)
        def test_that_hangs(oslo_service_driver):
            threading.Event().wait()

        def test_after_it(oslo_service_driver):
            pass
        """,
    )
    project.pytest("--backend", "eventlet")

    assert project.status == 1, project.text
    assert project.outcomes == {
        "test_that_hangs[eventlet]": "FAILED",
        "test_after_it[eventlet]": "PASSED",
    }
    assert "Timeout (>5.0s) from pytest-timeout" in project.text


def test_a_timer_that_fires_fails_a_test_case_alone(project):
    pytest.importorskip("pytest_timeout")
    project.write(
        "test_slow.py",
        """
        import threading, unittest
        import pytest
        from oslo_service.testing import scenarios

        class TestIt(scenarios.OnEveryDriver, unittest.TestCase):
            backends = ["eventlet"]

            @pytest.mark.timeout(5)
            def test_1_that_hangs(self):
                threading.Event().wait()

            def test_2_that_fails(self):
                self.fail("as it should")

            def test_3_that_passes(self):
                pass
        """,
    )
    project.pytest()

    assert project.status == 1, project.text
    assert project.outcomes == {
        "test_1_that_hangs": "FAILED",
        "test_2_that_fails": "FAILED",
        "test_3_that_passes": "PASSED",
    }
    assert "Timeout (>5.0s) from pytest-timeout" in project.text
    assert "as it should" in project.text


def test_a_process_is_ready_before_a_timer_starts(project):
    project.write(
        "conftest.py",
        """
        import pathlib
        import pytest

        @pytest.hookimpl(wrapper=True)
        def pytest_runtest_protocol(item):
            # Where a plugin starts one.
            assert pathlib.Path("imported").exists()
            return (yield)
        """,
    )
    project.write(
        "test_it.py",
        """
        import pathlib, time

        if type(time.sleep).__name__ == "function":  # patched
            pathlib.Path("imported").touch()

        def test_it(oslo_service_driver):
            pass
        """,
    )
    project.pytest("--backend", "eventlet")

    assert project.outcomes == {"test_it[eventlet]": "PASSED"}, project.text


def test_a_run_that_asks_for_no_driver_loads_nothing_of_the_library(project):
    project.write(
        "test_other.py",
        """
        import sys

        def test_other():
            assert not {"oslo_config", "eventlet", "stevedore"} & set(sys.modules)
            loaded = {one for one in sys.modules if one.startswith("oslo_service")}
            assert {one for one in loaded if "testing" not in one} == {"oslo_service"}
        """,
    )
    project.pytest()

    assert project.status == 0, project.text


def test_the_short_option_gives_way_to_a_projects_own(project):
    project.write(
        "conftest.py",
        """
        def pytest_addoption(parser):
            parser.addoption("--backend", default="sqlite")
        """,
    )
    project.write(
        "test_own.py",
        """
        def test_own(request, oslo_service_driver):
            assert request.config.getoption("--backend") == "mysql"
            assert oslo_service_driver.name == "threading"
        """,
    )
    project.pytest("--backend", "mysql", "--oslo-service-backend", "threading")

    assert project.status == 0, project.text


def test_results_are_written_by_the_process_that_was_started(project):
    project.write("test_it.py", "def test_it(oslo_service_driver): pass\n")
    project.pytest("--backend", "eventlet", "--junitxml", "results.xml")

    assert project.status == 0, project.text
    results = (project.folder / "results.xml").read_text()
    assert 'tests="1"' in results
    assert 'name="test_it[eventlet]"' in results


@pytest.fixture
def with_fixtures(project):
    """Test cases with fixtures of their classes and module, which they write down."""
    project.write(
        "test_fixtures.py",
        """
        import pathlib, time, unittest
        from oslo_service.testing import scenarios

        PATCHED = type(time.sleep).__name__ == "function"

        def log(what):
            if PATCHED:
                with pathlib.Path("log").open("a") as file:
                    file.write(what + " ")

        def setUpModule():
            log("+module")

        def tearDownModule():
            log("-module")

        class OnEventlet(scenarios.OnEveryDriver):
            backends = ["eventlet"]

            @classmethod
            def setUpClass(cls):
                super().setUpClass()
                cls.thing = 42
                log("+" + cls.__name__)

            @classmethod
            def tearDownClass(cls):
                log("-" + cls.__name__)
                super().tearDownClass()

            def test_1(self):
                self.assertEqual(42, self.thing)
                log("test_1")

        class TestOne(OnEventlet, unittest.TestCase):
            def test_2(self):
                log("test_2")

        class TestTwo(OnEventlet, unittest.TestCase):
            pass

        if __name__ == "__main__":
            unittest.main()
        """,
    )
    return project


@pytest.mark.parametrize(
    "command",
    [
        ("-m", "unittest", "test_fixtures"),
        ("-m", "pytest", "-p", "no:cacheprovider"),
        ("-m", "test_fixtures"),
        ("test_fixtures.py",),
    ],
    ids=["unittest", "pytest", "as a module", "as a program"],
)
def test_classes_and_modules_are_set_up_in_their_process_once(command, with_fixtures):
    with_fixtures.python(*command)

    assert with_fixtures.status == 0, with_fixtures.text
    assert (with_fixtures.folder / "log").read_text().split() == [
        *("+module", "+TestOne", "test_1", "test_2", "-TestOne"),
        *("+TestTwo", "test_1", "-TestTwo", "-module"),
    ]


def test_what_a_class_cannot_set_up_in_a_process_is_told_of_each_test(project):
    project.write(
        "test_fixtures.py",
        """
        import time, unittest
        from oslo_service.testing import scenarios

        PATCHED = type(time.sleep).__name__ == "function"

        class TestBroken(scenarios.OnEveryDriver, unittest.TestCase):
            backends = ["eventlet"]

            @classmethod
            def setUpClass(cls):
                if PATCHED:
                    raise ValueError("no such luck")

            def test_1(self): pass
            def test_2(self): pass

        class TestSkipped(scenarios.OnEveryDriver, unittest.TestCase):
            backends = ["eventlet"]

            @classmethod
            def setUpClass(cls):
                if PATCHED:
                    raise unittest.SkipTest("not today")

            def test_1(self): pass
            def test_2(self): pass

        class TestWhole(scenarios.OnEveryDriver, unittest.TestCase):
            backends = ["eventlet"]

            @classmethod
            def tearDownClass(cls):
                if PATCHED:
                    raise ValueError("it will not go")

            def test_1(self): pass
        """,
    )
    project.run("unittest", "-v", "test_fixtures")

    assert project.status == 1, project.text
    ended = re.findall(r"(\w+)\.(test_\d).* \.\.\. (\w+)", project.text)
    assert ended == [
        ("TestBroken", "test_1", "ERROR"),
        ("TestBroken", "test_2", "ERROR"),
        ("TestSkipped", "test_1", "skipped"),
        ("TestSkipped", "test_2", "skipped"),
        ("TestWhole", "test_1", "ok"),
    ]
    assert project.text.count("ValueError: no such luck") == 2
    assert "not today" in project.text
    assert "tearDownClass (test_fixtures.TestWhole)" in project.text
    assert "ValueError: it will not go" in project.text
