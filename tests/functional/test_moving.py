# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What the documentation says of moving is what is found, and what then runs."""

import inspect
import re
import sys
from pathlib import Path

import pytest

from oslo_service import opts, wsgi
from oslo_service.commands.check import analysis, catalogue, files
from oslo_service.commands.check.model import Severity
from oslo_service.testing.live import Live
from oslo_service.testing.waiting import python_path

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "moving"
PAGE = (ROOT / "doc" / "source" / "moving.rst").read_text(encoding="utf-8")
_ID = re.compile(r"OSE\d{3}")


def found(*paths):
    rules = catalogue.chosen((), ())
    return analysis.analyse(files.find(paths), rules).findings


def rows(text):
    """Return the first and the second cell of each row that is about rules."""
    for row in text.split("    * - ")[1:]:
        first, second, *_ = row.split("\n      - ")
        if _ID.match(first):
            yield _ID.findall(first), second


PART = PAGE.index("\nAn example, before and after\n")
RULES = list(rows(PAGE[:PART]))


@pytest.mark.parametrize(("ids", "said"), RULES, ids=[ids[0] for ids, _ in RULES])
def test_the_rule_that_the_page_names_finds_what_stands_beside_it(ids, said, tmp_path):
    codes = re.findall(r"``(eventlet\.[^`]*\)|get_rpc_server\(.*\))``", said)
    assert codes
    for number, code in enumerate(codes):
        text = f"import eventlet\nimport oslo_messaging\n\n{code.replace('...', 'x')}\n"
        text = text.replace("get_rpc", "oslo_messaging.get_rpc")
        (tmp_path / f"example{number}.py").write_text(text)

    for number, code in enumerate(codes):
        findings = found(tmp_path / f"example{number}.py")
        assert ids[0] in {one.rule.id for one in findings}, code


def test_what_takes_the_place_of_arguments_of_eventlet_s_server_is_there():
    section = PAGE.partition("\neventlet.wsgi.server() with arguments\n")[2]
    section = section.partition("\n4. ")[0]
    instead = [row.split("\n      - ")[1] for row in section.split("    * - ")[2:]]
    parameters = {one for row in instead for one in re.findall(r"``(\w+)=", row)}
    options = {one for row in instead for one in re.findall(r"option ``(\w+)``", row)}

    assert parameters
    assert parameters <= set(inspect.signature(wsgi.Server).parameters)
    assert options
    assert options <= {one.dest for one in opts.wsgi_opts}


def test_the_example_has_what_the_page_says_is_found_there():
    listed = {one for ids, _ in rows(PAGE[PART:]) for one in ids}
    serious = [one for one in found(EXAMPLE / "before") if one.severity > Severity.NOTE]

    assert {one.rule.id for one in serious} == listed


def test_nothing_is_found_in_what_has_become_of_it():
    assert [str(one) for one in found(EXAMPLE / "after")] == []


def test_what_has_become_of_it_runs(driver_name, tmp_path):
    pytest.importorskip("oslo_messaging")
    if driver_name == "gevent" and sys.version_info >= (3, 13):
        pytest.skip("futurist imports a part of Eventlet that fails beside gevent")
    file = tmp_path / "stockpile.conf"
    file.write_text(
        f"[DEFAULT]\ntransport_url = fake://\n[oslo_service]\nbackend = {driver_name}\n"
    )
    program = Live(
        ["-m", "stockpile.cmd.agent", "--config-file", str(file)],
        {"PYTHONPATH": python_path(EXAMPLE / "after")},
    )
    try:
        program.expect_text(f"runs on the driver '{driver_name}'")
        program.expect_text("0 are here")
        assert program.end() == 0, program.transcript
        assert "Traceback" not in program.transcript
    finally:
        program.clean_up()
