# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What ``check`` finds of what holds something up on native threads."""

from oslo_service.commands.check.model import Severity


class TestSeverity:
    def severity(self, check, dedent, rule, text):
        return [one.severity for one in check(dedent(text)) if one.rule.id == rule]

    def test_a_thread_whose_function_ends_soon_is_a_note(self, check, dedent):
        found = self.severity(
            check,
            dedent,
            "OSE303",
            """
            import threading


            def brief():
                for _ in range(3):
                    print()


            threading.Thread(target=brief).start()
            """,
        )

        assert found == [Severity.NOTE]

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
