# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What ``python -m oslo_service check`` finds of the use of Eventlet, in detail."""

import pytest

from oslo_service.commands.check.model import Severity


class TestNames:
    def found(self, check, dedent, text, **others):
        others = {name: dedent(one) for name, one in others.items()}
        return [
            (one.line, one.rule.id)
            for one in check(dedent(text), **others)
            if one.rule.id != "OSE102"
        ]

    def test_a_name_is_followed_through_other_modules_of_the_project(
        self, check, dedent
    ):
        found = self.found(
            check,
            dedent,
            """
            import helpers
            from facade import Threads

            helpers.tpool.execute(print)
            Threads().spawn(print)
            """,
            helpers="from eventlet import tpool",
            facade="from eventlet.greenpool import GreenPool as Threads",
        )

        assert found == [(4, "OSE117"), (5, "OSE113"), (5, "OSE113")]

    def test_what_a_function_of_another_module_returns_is_followed(self, check, dedent):
        found = self.found(
            check,
            dedent,
            """
            import helpers
            from helpers import make_event

            helpers.begin(print).kill()
            make_event().send(1)
            """,
            helpers="""
            import eventlet
            from eventlet import event


            def begin(what):
                return eventlet.spawn(what)


            def make_event():
                return event.Event()
            """,
        )

        assert found == [(4, "OSE112"), (5, "OSE118")]

    def test_an_import_by_way_of_the_project_is_found(self, check):
        findings = check(
            "from helpers import tpool\n", helpers="from eventlet import tpool\n"
        )

        assert [(one.rule.id, one.subject) for one in findings] == [
            ("OSE102", "eventlet.tpool, by way of helpers.tpool")
        ]

    def test_a_name_that_a_function_binds_itself_hides_the_imported(
        self, check, dedent
    ):
        found = self.found(
            check,
            dedent,
            """
            from eventlet import sleep


            def wait(sleep):
                sleep(1)


            def local():
                sleep = print
                sleep(1)


            def same():
                sleep(1)
            """,
        )

        assert found == [(14, "OSE114")]

    def test_an_import_in_one_function_says_nothing_about_another(self, check, dedent):
        found = self.found(
            check,
            dedent,
            """
            def one():
                import eventlet as concurrency

                concurrency.sleep(1)


            def other(concurrency):
                concurrency.sleep(1)
            """,
        )

        assert found == [(4, "OSE114")]

    def test_an_import_that_may_fail_still_counts(self, check, dedent):
        found = self.found(
            check,
            dedent,
            """
            try:
                import eventlet
            except ImportError:
                eventlet = None
            eventlet.sleep(1)
            """,
        )

        assert found == [(5, "OSE114")]

    def test_names_that_refer_to_each_other_stand_for_nothing(self, check, dedent):
        assert (
            self.found(check, dedent, "import eventlet\na = b\nb = a\na.sleep()") == []
        )


class TestSeverity:
    def severities(self, check, dedent, text):
        return [one.severity for one in check(dedent(text))]

    def test_an_import_inside_a_function_is_a_warning(self, check, dedent):
        found = self.severities(check, dedent, "def f():\n    import eventlet\n")

        assert found == [Severity.WARNING]

    def test_an_import_that_may_fail_is_a_note(self, check, dedent):
        found = self.severities(
            check,
            dedent,
            """
            try:
                import eventlet
            except ImportError:
                pass
            """,
        )

        assert found == [Severity.NOTE]

    @pytest.mark.parametrize(
        ("test", "severity"),
        [
            ("backend == 'eventlet'", Severity.NOTE),
            ("is_monkey_patched()", Severity.NOTE),
            ("not on_threads()", Severity.NOTE),
            ("on_threads()", Severity.ERROR),
            ("not is_monkey_patched()", Severity.ERROR),
            ("pool is None", Severity.ERROR),
        ],
    )
    def test_what_is_done_only_on_eventlet_is_a_note(
        self, test, severity, check, dedent
    ):
        found = self.severities(check, dedent, f"if {test}:\n    import eventlet\n")

        assert found == [severity]

    def test_so_is_the_other_branch_of_what_is_done_only_on_threads(
        self, check, dedent
    ):
        found = self.severities(
            check,
            dedent,
            """
            if on_threads():
                pass
            else:
                import eventlet
            """,
        )

        assert found == [Severity.NOTE]
