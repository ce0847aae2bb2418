# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""``python -m oslo_service check``."""

import argparse
from pathlib import Path
from typing import Any

from oslo_service.commands.check import analysis, catalogue, files, report
from oslo_service.commands.check.model import Severity

__all__ = ("add_to",)

_NEVER = "never"


def add_to(commands: Any) -> None:
    """Make the command known to the parser of the command line."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "check",
        help="list what ties a project's code to Eventlet",
        description="Read a project's code, of which nothing is imported or run, and"
        " list what ties it to Eventlet, and what costs or does something else on"
        " native threads: where it is, why it matters, and what to write instead.",
        epilog="A comment '# oslo.service: ignore[OSE301]' at the end of the line"
        " takes a finding away. Exit status: 0: nothing found that --fail-on names;"
        " 1: something was; 2: the command line is wrong, or the output cannot be"
        " written.",
    )
    parser.add_argument(
        "paths", nargs="*", type=Path, metavar="PATH", help="a file or a folder"
    )
    parser.add_argument("--json", action="store_true", help="write JSON")
    for option, what in (("--select", "apply only"), ("--ignore", "leave out")):
        parser.add_argument(
            option,
            action="append",
            default=[],
            metavar="RULES",
            help=f"{what} these rules: ids or their beginnings, with commas in"
            " between; may be given more than once",
        )
    parser.add_argument(
        "--exclude",
        action="append",
        default=[],
        metavar="PATTERN",
        help="leave out the files whose path, or of whose path a part, matches, as"
        " 'tests' or '*/legacy/*'; may be given more than once",
    )
    parser.add_argument(
        "--fail-on",
        choices=[*(str(one) for one in sorted(Severity, reverse=True)), _NEVER],
        default=str(Severity.ERROR),
        help="the least severity with which the exit status is 1"
        " (default: %(default)s)",
    )
    parser.add_argument(
        "--rules", action="store_true", help="explain all rules, and check nothing"
    )
    parser.set_defaults(run=_run, parser=parser)


def _run(arguments: argparse.Namespace) -> tuple[int, str]:
    if arguments.rules:
        return 0, "\n\n".join(map(report.explain, catalogue.RULES))
    try:
        rules = catalogue.chosen(_split(arguments.select), _split(arguments.ignore))
        found = _files(arguments)
    except ValueError as exc:
        arguments.parser.error(str(exc))
    result = analysis.analyse(found, rules)
    failed = _fails(result, arguments.fail_on)
    said = report.as_json(result, failed) if arguments.json else report.as_text(result)
    return int(failed), said


def _split(values: list[str]) -> list[str]:
    return [one.strip() for value in values for one in value.split(",")]


def _files(arguments: argparse.Namespace) -> list[Path]:
    if not arguments.paths:
        raise ValueError("there is nothing to check: give a file or a folder")
    for path in arguments.paths:
        if not path.exists():
            raise ValueError(f"{path} does not exist")
    found = files.find(arguments.paths, arguments.exclude)
    if not found:
        raise ValueError(
            "there is no Python file in"
            f" {', '.join(map(str, arguments.paths))}, but for what is left out"
        )
    return found


def _fails(result: analysis.Result, fail_on: str) -> bool:
    if fail_on == _NEVER:
        return False
    least = Severity[fail_on.upper()]
    return any(finding.severity >= least for finding in result.findings)
