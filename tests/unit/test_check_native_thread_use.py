# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What ``check`` finds of what holds something up on native threads."""

import pytest

from oslo_service.commands.check.model import Severity


class TestSeverity:
    def severity(self, check, dedent, rule, text):
        return [one.severity for one in check(dedent(text)) if one.rule.id == rule]

    @pytest.mark.parametrize(
        ("things", "severity"),
        [
            ("range(3)", Severity.NOTE),
            ("given", Severity.NOTE),
            ("given.items()", Severity.NOTE),
            ("sorted(given)", Severity.NOTE),
            ("made", Severity.NOTE),
            ("[1, 2]", Severity.NOTE),
            ("watch()", Severity.WARNING),
            ("watched", Severity.WARNING),
            ("stream.lines", Severity.WARNING),
        ],
    )
    def test_a_thread_whose_function_ends_soon_is_a_note(
        self, check, dedent, things, severity
    ):
        text = """
        import threading


        def brief(given):
            made = [given]
            watched = watch()
            for _ in THINGS:
                print()


        threading.Thread(target=brief, args=(3,)).start()
        """
        found = self.severity(check, dedent, "OSE303", text.replace("THINGS", things))

        assert found == [severity]

    def test_a_call_without_a_limit_in_a_native_thread_of_ones_own_is_a_note(
        self, check, dedent
    ):
        found = self.severity(
            check,
            dedent,
            "OSE306",
            """
            import subprocess
            import threading


            def work():
                subprocess.run(["true"])


            threading.Thread(target=work, daemon=True).start()
            """,
        )

        assert found == [Severity.NOTE]

    def test_a_fork_in_what_runs_alone_as_far_as_can_be_told_is_a_note(
        self, check, dedent
    ):
        found = self.severity(check, dedent, "OSE304", "import os\nos.fork()\n")

        assert found == [Severity.NOTE]

    def test_a_fork_in_what_runs_beside_others_is_a_warning(self, check, dedent):
        found = self.severity(
            check,
            dedent,
            "OSE304",
            """
            import os


            def work():
                os.fork()


            group.add_thread(work)
            """,
        )

        assert found == [Severity.WARNING]
