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

    def test_what_is_passed_to_a_function_is_followed(self, check, dedent):
        found = self.found(
            check,
            dedent,
            """
            import threading

            import eventlet
            from eventlet import event


            def finish(done, result, pool=None):
                done.send(result)
                pool.waitall()


            def work(done):
                done.send(1)


            def either(done):
                done.send(1)


            def never_called(done):
                done.send(1)


            class Worker:
                def __init__(self, done):
                    self.done = done

                def run(self):
                    self.done.send(1)
                    self.end(event=event.Event())

                def end(self, event):
                    event.send(2)


            finish(event.Event(), 1)
            finish(event.Event(), result=2, pool=eventlet.GreenPool())
            threading.Thread(target=work, args=(event.Event(),))
            either(event.Event())
            either(print)
            Worker(event.Event()).run()
            """,
        )

        calls = {"OSE118": [8, 13, 29, 33], "OSE113": [9]}
        for rule, lines in calls.items():
            assert set(lines) <= {line for line, one in found if one == rule}
        assert not {17, 21} & {line for line, _ in found}

    def test_what_other_modules_pass_to_a_function_is_followed(self, check, dedent):
        found = self.found(
            check,
            dedent,
            """
            def finish(done, result):
                done.send(result)


            class Holder:
                def __init__(self, pool):
                    self.pool = pool

                def wait(self):
                    self.pool.waitall()
            """,
            helpers="""
            import eventlet
            import example
            from eventlet import event

            example.finish(event.Event(), 1)
            example.Holder(eventlet.GreenPool())
            """,
        )

        assert found == [(2, "OSE118"), (10, "OSE113")]

    def test_a_program_that_another_module_patches_is_found(self, check, dedent):
        found = self.found(
            check,
            dedent,
            """
            import loading
            from helpers import patch_all
            import helpers
            import used
            from maybe import patch_perhaps

            print(used)

            patch_all()
            helpers.also()
            patch_perhaps()
            helpers.not_that()
            """,
            helpers="""
            import eventlet


            def patch_all():
                eventlet.monkey_patch()


            def also():
                patch_all()


            def not_that():
                pass


            if __name__ == "__main__":
                eventlet.monkey_patch()
            """,
            loading="import eventlet\neventlet.monkey_patch()\n",
            used="import eventlet\neventlet.monkey_patch()\n",
            maybe="""
            import eventlet


            def patch_perhaps():
                if use_eventlet:
                    eventlet.monkey_patch()
            """,
        )

        assert found == [(1, "OSE101"), (9, "OSE101"), (10, "OSE101"), (11, "OSE101")]

    def test_a_program_that_imports_what_patches_is_found(self, check):
        findings = check(
            "from api import serve\ndef main():\n    serve()\n",
            api="import eventlet\neventlet.monkey_patch()\ndef serve(): pass\n",
        )

        assert [one.subject for one in findings] == [
            "eventlet.monkey_patch, by importing api"
        ]

    def test_asking_for_the_name_of_a_class_makes_no_program(self, check):
        findings = check(
            "from api import serve\nif type(serve).__name__ != 'x':\n    serve()\n",
            api="import eventlet\neventlet.monkey_patch()\ndef serve(): pass\n",
        )

        assert findings == []

    def test_patching_by_way_of_others_is_said_and_weighed(self, check, dedent):
        maybe = """
        import eventlet


        def patch():
            if use_eventlet:
                eventlet.monkey_patch()
        """
        (finding,) = check("import maybe\nmaybe.patch()\n", maybe=dedent(maybe))

        assert finding.severity is Severity.NOTE
        assert finding.subject == "eventlet.monkey_patch, by maybe.patch()"

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
