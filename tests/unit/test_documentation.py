# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Every Python example in README and doc/ runs, on every driver.

The examples of a page are run one after the other, as one program. One that
says what is to be done in ``__main__`` is a program of its own: it is started,
told to stop as soon as it has printed something, and has to end well.
"""

import configparser
import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from oslo_service import events, opts
from oslo_service.testing.waiting import LIMIT

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    ROOT / "README.rst",
    ROOT / "CONTRIBUTING.rst",
    *sorted((ROOT / "doc" / "source").rglob("*.rst")),
]
PATCHING = {
    "eventlet": "import eventlet\neventlet.monkey_patch()\n",
    "threading": "",
}
BOOTSTRAP = "from oslo_service import backend\nbackend.bootstrap(argv=[])\n"

_BLOCK = re.compile(
    r"^(?P<indent> *)\.\. code-block:: python\n"
    r"(?:(?P=indent) +:.*\n)*"
    r"\n(?P<code>(?:(?P=indent) +\S.*\n|\s*\n)+)",
    re.MULTILINE,
)
_COMMAND = re.compile(r"tools/dev\.py (\w+)")
# What pip is asked for, or a file of requirements says; not a path to a checkout,
# nor what a program of this library prints, which is there already.
_REQUIREMENT = re.compile(
    r"(?<![\w/.-])oslo\.service(?:\[[\w,]+\](?P<bound>[^\s'`]*)|(?P<alone>[<>=~]=?\S+))"
)
_PRINTED = "Install what it needs:"
EXAMPLES = [
    path
    for path in (ROOT / "examples").rglob("*")
    if path.suffix in (".rst", ".txt", ".toml", ".cfg")
    and ".egg-info" not in str(path.parent)
]


def examples(page):
    text = page.read_text(encoding="utf-8") + "\n"
    return [textwrap.dedent(found["code"]).strip() for found in _BLOCK.finditer(text)]


def is_program(example):
    return "__main__" in example


def name_of(page):
    return str(page.relative_to(ROOT))


PROGRAMS = [
    pytest.param(example, id=f"{name_of(page)}-{number}")
    for page in PAGES
    for number, example in enumerate(examples(page), start=1)
    if is_program(example)
]
SNIPPETS = [
    pytest.param(snippets, id=name_of(page))
    for page in PAGES
    if (snippets := [one for one in examples(page) if not is_program(one)])
]


def start(tmp_path, code, driver_name):
    path = tmp_path / "example.py"
    patching = PATCHING.get(driver_name, BOOTSTRAP)
    path.write_text(f"{patching}{code}\n", encoding="utf-8")
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", path],
        env={**os.environ, "OS_OSLO_SERVICE__BACKEND": driver_name},
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("snippets", SNIPPETS)
def test_the_examples_of_a_page_run(snippets, driver_name, tmp_path):
    with start(tmp_path, "\n\n".join(snippets), driver_name) as process:
        try:
            _, errors = process.communicate(timeout=LIMIT)
        finally:
            process.kill()
        assert process.returncode == 0, errors


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_of_the_documentation_starts_and_stops(
    program, driver_name, tmp_path
):
    with start(tmp_path, program, driver_name) as process:
        guard = threading.Timer(LIMIT, process.kill)
        guard.start()
        try:
            first_line = process.stdout.readline()
            if first_line:
                process.send_signal(signal.SIGTERM)
            _, errors = process.communicate()
        finally:
            guard.cancel()
            process.kill()
        assert first_line, errors
        assert process.returncode == 0, errors


# How the examples of tests are run, and what is told then: of functions only
# pytest knows, and of scenarios only unittest.
RUNNERS = {
    "pytest": (
        ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "not Everywhere"),
        r"^9 passed, 1 deselected",
    ),
    "unittest": (("-m", "unittest"), r"^Ran 4 tests"),
}
TESTING = ROOT / "doc" / "source" / "testing.rst"


@pytest.mark.parametrize(("arguments", "told"), RUNNERS.values(), ids=RUNNERS)
def test_the_tests_that_the_documentation_shows_pass(arguments, told, tmp_path):
    code = "\n\n".join(examples(TESTING))
    (tmp_path / "test_example.py").write_text(f"{code}\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", *arguments, "test_example.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    assert re.search(told, output, re.MULTILINE), output


def test_there_are_examples_at_all():
    assert len(PROGRAMS) > 1
    assert len(SNIPPETS) > 1


def test_every_command_that_the_documentation_names_exists():
    helped = subprocess.run(
        [sys.executable, ROOT / "tools" / "dev.py", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    named = {
        command for page in PAGES for command in _COMMAND.findall(page.read_text())
    }
    known = set(re.findall(r"^  (\w+) ", helped.stdout, re.MULTILINE))
    assert {"demo", "test"} <= named <= known


def requirements(path):
    """Return the versions that a file asks for."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if _PRINTED not in line:
            for found in _REQUIREMENT.finditer(line):
                yield (found["bound"] or found["alone"] or "").strip("',\"]")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_the_documentation_asks_for_version_5(page):
    assert set(requirements(page)) <= {">=5", ">=5.0.0.dev0"}


@pytest.mark.parametrize("path", EXAMPLES, ids=name_of)
def test_the_examples_can_be_installed_beside_a_checkout(path):
    assert set(requirements(path)) <= {">=5.0.0.dev0"}


def test_there_are_requirements_at_all():
    assert sum(len(list(requirements(path))) for path in PAGES) > 10
    assert sum(len(list(requirements(path))) for path in EXAMPLES) > 5


def test_every_extra_requires_something():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")

    # Else it is not in the metadata, and pip warns whoever asks for it.
    assert all(setup["extras"].values())


def test_the_extras_that_can_be_installed_are_explained():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    page = (ROOT / "doc" / "source" / "installation.rst").read_text(encoding="utf-8")
    explained = re.findall(r"^    \* - ``(\w+)``$", page, re.MULTILINE)

    assert sorted(explained) == sorted(setup["extras"])


def text_of(page: str) -> str:
    return (ROOT / "doc" / "source" / page).read_text(encoding="utf-8")


def words_of(page: str) -> set[str]:
    return set(re.findall(r"``(\w+)\*?``", text_of(page)))


OPTIONS = {
    option.dest: option
    for option in (*opts.service_opts, *opts.group_opts, *opts.wsgi_opts)
}
_IN_BRACKETS = re.compile(r"``(\w+)`` \((\d[\d.]*)(?: s)?[,)]")
_DESCRIBED = re.compile(r"^``(\w+)``\n((?: +\S.*\n)+)", re.MULTILINE)
_DEFAULT = re.compile(r"Default:\s+`*([\w.-]+?)`*[.;,]\s")


def defaults_in_brackets(page: str) -> dict[str, str]:
    """Return what is stated as in: ``restart_window`` (30 s)."""
    return dict(_IN_BRACKETS.findall(text_of(page)))


def defaults_described(page: str) -> dict[str, str]:
    """Return what is stated by the descriptions of options: Default: 900."""
    described = dict(_DESCRIBED.findall(text_of(page)))
    found = {name: _DEFAULT.search(text) for name, text in described.items()}
    return {name: default[1] for name, default in found.items() if default}


def check_defaults(stated: dict[str, str], wanted: set[str]) -> None:
    assert set(stated) >= wanted
    for name, text in stated.items():
        option = OPTIONS[name]
        assert option.type(text) == option.type(str(option.default)), name


def test_the_defaults_of_limits_are_those_of_the_code():
    wanted = {"graceful_shutdown_timeout", *(one.dest for one in opts.limit_opts)}

    check_defaults(defaults_in_brackets("limits.rst"), wanted)


def test_the_defaults_of_the_http_server_are_those_of_the_code():
    wanted = {one.dest for one in (*opts.wsgi_opts, *opts.request_opts)}

    check_defaults(defaults_described("wsgi.rst"), wanted - {"wsgi_log_format"})


def test_every_kind_of_event_is_explained():
    no_kinds = {"Cause", "Event", "Subscriber", "WorkerEvent", "subscribe"}

    assert words_of("events.rst") >= set(events.__all__) - no_kinds


def test_every_part_of_the_suite_for_drivers_is_explained():
    suite = {one.stem for one in (ROOT / "oslo_service/testing").glob("test_*.py")}
    families = {one for one in suite if one.startswith("test_http_")}

    assert "test_http_" in words_of("writing-a-driver.rst")
    assert words_of("writing-a-driver.rst") >= suite - families
