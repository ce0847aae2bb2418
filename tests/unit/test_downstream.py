# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What the comparison with upstream on real projects is made of."""

import re
import sys
import textwrap
import tomllib
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).parents[2] / "tools" / "downstream"
TESTS = ["one.test_a.A.test_x", "one.test_a.A.test_y", "one.test_b.B.test_z"]
MODULES = ["one.test_a", "one.test_b"]


@pytest.fixture(autouse=True)
def _program(importable: Callable[[Path], None]) -> None:
    """Let the modules of the program be imported, as when it runs."""
    importable(PROGRAM)


class Side:
    """Results of one side: those that are given, of one run after another."""

    def __init__(self, *runs: dict[str, str]) -> None:
        self.runs = list(runs)
        self.asked: list[Collection[str] | None] = []

    def __call__(self, only: Collection[str] | None) -> dict[str, Any]:
        from execution import Result

        self.asked.append(only)
        changed = self.runs.pop(0) if len(self.runs) > 1 else self.runs[0]
        results = dict.fromkeys(TESTS, "passed") | changed
        return {test: Result(how) for test, how in results.items() if how != "missing"}


def compared(there: Side, here: Side) -> Any:
    from comparison import compare

    return compare(there, here, MODULES)


class TestComparison:
    @pytest.mark.parametrize("outcome", ["failed", "died", "skipped", "missing"])
    def test_what_passes_there_and_never_here_is_a_regression(
        self, outcome: str
    ) -> None:
        comparison = compared(Side({}), Side({TESTS[0]: outcome}))

        assert comparison.regressions == [TESTS[0]]
        assert comparison.unsteady == []

    def test_what_fails_on_both_sides_is_none(self) -> None:
        failing = {TESTS[0]: "failed"}
        comparison = compared(Side(failing), Side(failing))

        assert comparison.regressions == comparison.unsteady == []

    def test_what_fails_there_in_a_repeat_is_unsteady(self) -> None:
        there = Side({}, {TESTS[0]: "failed"}, {})
        comparison = compared(there, Side({TESTS[0]: "failed"}))

        assert comparison.regressions == []
        assert comparison.unsteady == [TESTS[0]]

    def test_what_passes_here_in_every_repeat_is_unsteady(self) -> None:
        comparison = compared(Side({}), Side({TESTS[0]: "failed"}, {}))

        assert comparison.regressions == []
        assert comparison.unsteady == [TESTS[0]]

    def test_what_fails_here_in_one_of_the_repeats_is_a_regression(self) -> None:
        failing = {TESTS[0]: "failed"}
        comparison = compared(Side({}), Side(failing, {}, failing))

        assert comparison.regressions == [TESTS[0]]

    def test_only_the_modules_of_suspects_are_repeated_and_on_both_sides(self) -> None:
        there, here = Side({}), Side({TESTS[2]: "failed"})
        compared(there, here)

        assert there.asked == here.asked == [None, {"one.test_b"}, {"one.test_b"}]

    def test_nothing_is_repeated_where_nothing_was_lost(self) -> None:
        here = Side({})
        compared(Side({TESTS[0]: "failed"}), here)

        assert here.asked == [None]

    def test_what_is_known_not_to_pass_is_told_apart_and_not_repeated(self) -> None:
        from comparison import compare

        here = Side({TESTS[0]: "failed"})
        comparison = compare(Side({}), here, MODULES, {TESTS[0]}.__contains__)

        assert comparison.expected == [TESTS[0]]
        assert comparison.regressions == []
        assert here.asked == [None]


class TestUpstreamsOwn:
    def judged(self, here: Side, *listed: str) -> list[str]:
        import upstream
        from comparison import compare

        comparison = compare(
            Side({}), here, MODULES, lambda test: upstream.is_listed(listed, test)
        )
        return upstream.judge(comparison, listed)

    def test_what_does_not_pass_has_to_be_listed(self) -> None:
        here = Side({TESTS[0]: "failed"})

        assert self.judged(here, TESTS[0]) == []
        assert self.judged(here, "one.test_a.A") == []
        assert self.judged(here) == [f"  NOT LISTED: {TESTS[0]}"]

    def test_what_passes_may_not_be_listed(self) -> None:
        assert self.judged(Side({}), TESTS[0]) == [
            f"  PASSES, and is listed: {TESTS[0]}"
        ]

    def test_each_exception_has_a_reason_and_is_there_once(self) -> None:
        import upstream
        from places import EXCEPTIONS

        named = re.findall(r'^    "(.+)",$', EXCEPTIONS.read_text(), re.MULTILINE)

        assert len(set(named)) == len(named) > 10
        assert all(one.startswith("oslo_service.tests.") for one in named)
        for variant in ("eventlet", "threading"):
            never, seldom = upstream.exceptions(variant)
            assert never | seldom <= set(named)
            assert not never & seldom
        written = tomllib.loads(EXCEPTIONS.read_text())["exception"]
        assert all(len(one["reason"]) > 20 for one in written)

    def test_one_that_passes_now_and_then_is_listed_as_such(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import upstream

        listed = tmp_path / "listed.toml"
        listed.write_text(
            '[[exception]]\nunsteady = ["threading"]\ntests = ["a"]\n'
            '[[exception]]\nvariant = "eventlet"\ntests = ["b"]\n'
        )
        monkeypatch.setattr(upstream, "EXCEPTIONS", listed)

        assert upstream.exceptions("threading") == (set(), {"a"})
        assert upstream.exceptions("eventlet") == ({"a", "b"}, set())


class TestTouched:
    def test_names_are_followed_to_what_objects_have(self, tmp_path: Path) -> None:
        import touched

        (tmp_path / "agent.py").write_text(
            textwrap.dedent(
                """
                from unittest import mock
                from oslo_service import service, threadgroup

                class Agent(service.Service):
                    def start(self):
                        self.group = threadgroup.ThreadGroup()
                        self.group.pool.spawn(print)
                        self.tg.add_timer(1, print)

                mock.patch("oslo_service.wsgi.Server")
                """
            )
        )

        found = touched.touched(tmp_path)

        assert found["oslo_service.wsgi.Server"] == "agent.py:11"
        assert set(found) == {
            "oslo_service.service",
            "oslo_service.service.Service",
            "oslo_service.threadgroup",
            "oslo_service.threadgroup.ThreadGroup",
            "oslo_service.threadgroup.ThreadGroup()",
            "oslo_service.threadgroup.ThreadGroup().add_timer",
            "oslo_service.threadgroup.ThreadGroup().pool",
            "oslo_service.threadgroup.ThreadGroup().pool.spawn",
            "oslo_service.wsgi.Server",
        }

    @pytest.mark.parametrize(
        "symbol",
        [
            "oslo_service.backend.exceptions",
            "oslo_service.threadgroup.ThreadGroup().pool.spawn",
            "oslo_service.service.Service().tg.add_timer().stop",
            "oslo_service.service.Singleton._instances.clear",
        ],
    )
    def test_what_is_there_is_not_missing(self, symbol: str) -> None:
        import touched

        assert touched.missing(symbol) is None

    @pytest.mark.parametrize(
        "symbol",
        [
            "oslo_service.nothing",
            "oslo_service.service.Nothing",
            "oslo_service.service.Service().nothing",
            "oslo_service.threadgroup.ThreadGroup().pool.nothing",
        ],
    )
    def test_what_is_not_there_is_missing(self, symbol: str) -> None:
        import touched

        assert "nothing" in (touched.missing(symbol) or "").lower()


class TestExecution:
    def run(self, place: Path, text: str) -> dict[str, str]:
        import execution

        tree = place / "tree"
        tree.mkdir()
        (tree / "test_them.py").write_text(textwrap.dedent(text), "ascii")
        run = execution.Run(
            python=Path(sys.executable),
            tree=tree,
            first=(),
            modules=["test_them"],
            environment={"GREETING": "hello"},
            place=place / "results",
        )
        return {
            test.removeprefix("test_them.Them."): result.outcome
            for test, result in run().items()
        }

    def test_a_module_that_cannot_be_loaded_has_failed(self, tmp_path: Path) -> None:
        assert self.run(tmp_path, "raise RuntimeError('as asked')") == {
            "test_them": "failed"
        }

    def test_each_test_gets_its_outcome(self, tmp_path: Path) -> None:
        outcomes = self.run(
            tmp_path,
            """
            import os, unittest

            class Them(unittest.TestCase):
                def test_passes(self):
                    self.assertEqual("hello", os.environ["GREETING"])

                def test_fails(self):
                    self.fail("as asked")

                def test_raises(self):
                    raise RuntimeError("as asked")

                def test_of_parts(self):
                    for number in (1, 2):
                        with self.subTest(number=number):
                            self.assertEqual(1, number)

                @unittest.skip("as asked")
                def test_skipped(self):
                    pass

                @unittest.expectedFailure
                def test_known_to_fail(self):
                    self.fail("as asked")
            """,
        )

        assert outcomes == {
            "test_passes": "passed",
            "test_fails": "failed",
            "test_raises": "failed",
            "test_of_parts": "failed",
            "test_skipped": "skipped",
            "test_known_to_fail": "passed",
        }

    def test_the_others_run_when_one_ends_the_process(self, tmp_path: Path) -> None:
        outcomes = self.run(
            tmp_path,
            """
            import os, unittest

            class Them(unittest.TestCase):
                def test_a(self):
                    pass

                def test_b_ends_it(self):
                    os._exit(0)

                def test_c(self):
                    pass
            """,
        )

        assert outcomes == {
            "test_a": "passed",
            "test_b_ends_it": "died",
            "test_c": "passed",
        }

    def test_the_others_run_when_one_hangs(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import execution

        monkeypatch.setattr(execution, "LIMIT", 3.0)
        outcomes = self.run(
            tmp_path,
            """
            import time, unittest

            class Them(unittest.TestCase):
                def test_hangs(self):
                    time.sleep(600)

                def test_others(self):
                    pass
            """,
        )

        assert outcomes == {"test_hangs": "died", "test_others": "passed"}

    def test_a_module_that_cannot_be_imported_is_a_failure(
        self, tmp_path: Path
    ) -> None:
        outcomes = self.run(tmp_path, "import nothing_of_that_name")

        assert list(outcomes.values()) == ["failed"]


class TestDiscovery:
    def test_modules_are_found_that_import_or_name_the_library_or_its_users(
        self, tmp_path: Path
    ) -> None:
        from discovery import find

        files = {
            "p/user.py": "from oslo_service import service",
            "p/other.py": "import os",
            "p/tests/test_importing.py": "from oslo_service import loopingcall",
            "p/tests/test_of_user.py": "from p import user",
            "p/tests/test_mocking.py": "patch('oslo_service.loopingcall.Loop')",
            "p/tests/test_mocking_user.py": "patch('p.user.service')",
            "p/tests/test_of_other.py": "from p import other",
            "p/tests/helper.py": "import oslo_service",
        }
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "ascii")

        assert find(tmp_path, "p", "p.tests") == [
            f"p.tests.test_{name}"
            for name in ("importing", "mocking", "mocking_user", "of_user")
        ]

    def test_each_project_has_a_list_of_modules(self) -> None:
        from projects import PROJECTS

        for project in PROJECTS:
            assert project.modules() == sorted(set(project.modules()))
            assert all(one.startswith(project.tests) for one in project.modules())
