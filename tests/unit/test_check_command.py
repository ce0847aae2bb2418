# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""``python -m oslo_service check``: its arguments, its output, how it ends."""

import json

import pytest

from oslo_service import commands
from oslo_service.commands.check import catalogue

ERROR = "import eventlet\n"
WARNING = "import os, threading\nthreading.Thread(target=os.wait).start()\n"
NOTE = "import time\n\ntime.sleep(0)\n"


@pytest.fixture
def run(capsys):
    """Run the command; give its status and what it wrote."""

    def run(*arguments):
        try:
            status = commands.main(["check", *map(str, arguments)])
        except SystemExit as exc:
            status = exc.code
        return status, capsys.readouterr()

    return run


@pytest.fixture
def project(tmp_path):
    """Write the files of a project."""

    def write(**files):
        for name, text in files.items():
            path = tmp_path / name.replace("__", "/")
            path = path.with_suffix(".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return write


class TestStatus:
    @pytest.mark.parametrize(
        ("text", "fail_on", "status"),
        [
            (ERROR, "error", 1),
            (ERROR, "note", 1),
            (ERROR, "never", 0),
            (WARNING, "error", 0),
            (WARNING, "warning", 1),
            (NOTE, "warning", 0),
            (NOTE, "note", 1),
            ("", "note", 0),
        ],
    )
    def test_1_from_the_severity_that_fails_on_else_0(
        self, text, fail_on, status, run, project
    ):
        assert run("--fail-on", fail_on, project(one=text))[0] == status

    def test_an_error_fails_without_being_asked_to(self, run, project):
        assert run(project(one=ERROR))[0] == 1
        assert run(project(one=WARNING))[0] == 0

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            ((), "there is nothing to check"),
            (("/does/not/exist",), "/does/not/exist does not exist"),
            (("--select", "OSE9", "."), "'OSE9'"),
            (("--ignore", "nonsense", "."), "'nonsense'"),
            (("--fail-on", "rarely", "."), "rarely"),
            (("--no-such-option", "."), "--no-such-option"),
        ],
    )
    def test_2_for_a_wrong_command_line_with_what_is_wrong(self, arguments, said, run):
        status, output = run(*arguments)

        assert status == 2
        assert said in output.err

    def test_2_where_there_is_no_python_at_all(self, run, tmp_path):
        (tmp_path / "README").write_text("import eventlet\n")

        status, output = run(tmp_path)

        assert status == 2
        assert "no Python file" in output.err

    def test_help_says_what_the_statuses_mean(self, run):
        status, output = run("--help")

        assert status == 0
        assert "Exit status" in output.out


class TestFiles:
    def paths(self, run, *arguments):
        _, output = run("--json", *arguments)
        return [one["path"] for one in json.loads(output.out)["findings"]]

    def test_several_files_and_folders_each_file_once(self, run, project):
        top = project(one=ERROR, pkg__two=ERROR, pkg__three=ERROR)

        found = self.paths(run, top / "one.py", top / "pkg", top / "pkg" / "two.py")

        assert found == [
            str(top / "one.py"),
            str(top / "pkg" / "three.py"),
            str(top / "pkg" / "two.py"),
        ]

    def test_a_file_is_taken_whatever_it_is_called(self, run, tmp_path):
        program = tmp_path / "my-daemon"
        program.write_text(ERROR)

        assert self.paths(run, program) == [str(program)]

    def test_virtual_environments_and_hidden_folders_are_left_out(self, run, project):
        top = project(**{".tox__one": ERROR, "env__lib__two": ERROR, "three": ERROR})
        (top / "env" / "pyvenv.cfg").touch()

        assert self.paths(run, top) == [str(top / "three.py")]

    @pytest.mark.parametrize("pattern", ["tests", "test_*.py", "*/tests/*"])
    def test_what_matches_a_pattern_is_left_out(self, pattern, run, project):
        top = project(one=ERROR, pkg__tests__test_it=ERROR)

        assert self.paths(run, "--exclude", pattern, top) == [str(top / "one.py")]

    @pytest.mark.parametrize(
        "content",
        [
            b"def broken(:\n",
            b"print 'of another age'\n",
            b"# coding: no-such-coding\n",
            b"text = '\xff'\n",
            b"a\0b\n",
            b"x = " + b"(" * 5000 + b")" * 5000 + b"\n",
        ],
        ids=["syntax", "python 2", "unknown coding", "wrong coding", "null", "depth"],
    )
    def test_one_that_cannot_be_read_is_reported_and_the_rest_is_checked(
        self, content, run, project
    ):
        top = project(other=ERROR)
        (top / "broken.py").write_bytes(content)

        status, output = run("--json", top)
        found = json.loads(output.out)["findings"]

        assert status == 1
        assert [(one["rule"], one["path"]) for one in found] == [
            ("OSE001", str(top / "broken.py")),
            ("OSE102", str(top / "other.py")),
        ]
        assert found[0]["subject"]
        assert output.err == ""

    def test_the_declared_encoding_is_followed(self, run, tmp_path):
        path = tmp_path / "latin.py"
        path.write_bytes(b"# coding: latin-1\nname = '\xe9'\nimport eventlet\n")

        assert self.paths(run, path) == [str(path)]

    def test_nothing_of_a_project_is_run(self, run, project):
        top = project(one="raise SystemExit(7)\n", two="import one\n")

        assert run(top)[0] == 0


class TestRules:
    def ids(self, run, *arguments):
        _, output = run("--json", *arguments)
        return [one["rule"] for one in json.loads(output.out)["findings"]]

    def test_some_can_be_selected_by_the_beginning_of_their_ids(self, run, project):
        top = project(one=ERROR + NOTE + WARNING)

        assert self.ids(run, top) == ["OSE102", "OSE305", "OSE303"]
        assert self.ids(run, "--select", "OSE1", top) == ["OSE102"]
        assert self.ids(run, "--select", "ose305,OSE1", top) == ["OSE102", "OSE305"]

    def test_some_can_be_left_out(self, run, project):
        top = project(one=ERROR + NOTE + WARNING)

        assert self.ids(run, "--ignore", "OSE3", top) == ["OSE102"]
        assert self.ids(run, "--select", "OSE3", "--ignore", "OSE305", top) == [
            "OSE303"
        ]

    def test_a_comment_takes_a_finding_away(self, run, project):
        top = project(
            one="import eventlet  # oslo.service: ignore[OSE102, OSE305]: on purpose\n"
            "import greenlet  # oslo.service: ignore[OSE305]\n"
        )

        status, output = run("--json", top)
        said = json.loads(output.out)

        assert status == 1
        assert [one["line"] for one in said["findings"]] == [2]
        assert said["suppressed"] == 1

    def test_all_are_explained_on_demand(self, run):
        status, output = run("--rules")

        assert status == 0
        for rule in catalogue.RULES:
            assert f"{rule.id} {rule.severity}: {rule.title}" in output.out

    def test_no_two_have_the_same_id(self):
        ids = [rule.id for rule in catalogue.RULES]

        assert len(set(ids)) == len(ids)

    @pytest.mark.parametrize("rule", catalogue.RULES, ids=lambda rule: rule.id)
    def test_each_says_why_and_what_to_write_instead(self, rule):
        assert rule.title
        assert rule.why.endswith(".")
        assert rule.instead.endswith(".")


class TestOutput:
    def test_for_people_it_has_place_reason_and_remedy_and_a_summary(
        self, run, project
    ):
        top = project(one="import time\n\n\ndef f():\n    time.sleep(0)\n")

        _, output = run(top)

        assert output.out.splitlines() == [
            "OSE305 note: sleeping for 0 s lets other green threads run",
            (
                "  Why:     Native threads take turns by themselves; there it only"
                " costs a system call."
            ),
            "  Instead: Nothing: drop the call.",
            f"  {top / 'one.py'}:5:5: time.sleep(0)",
            "",
            "1 file: 0 errors, 0 warnings, 1 note",
        ]

    def test_a_severity_that_is_lower_in_a_place_is_said_there(self, run, project):
        _, output = run(project(one="def f():\n    import eventlet\n"))

        assert "one.py:2:5: eventlet (warning here)" in output.out

    def test_where_nothing_is_found_there_is_a_summary(self, run, project):
        _, output = run(project(one="pass\n"))

        assert output.out == "1 file: 0 errors, 0 warnings, 0 notes\n"

    def test_for_programs_everything_is_in_each_finding(self, run, project):
        top = project(one=NOTE)

        _, output = run("--json", top)

        rule = next(one for one in catalogue.RULES if one.id == "OSE305")
        assert json.loads(output.out) == {
            "version": 1,
            "failed": False,
            "files": 1,
            "suppressed": 0,
            "summary": {"error": 0, "warning": 0, "note": 1},
            "findings": [
                {
                    "rule": "OSE305",
                    "severity": "note",
                    "path": str(top / "one.py"),
                    "line": 3,
                    "column": 1,
                    "subject": "time.sleep(0)",
                    "title": rule.title,
                    "why": rule.why,
                    "instead": rule.instead,
                }
            ],
        }
