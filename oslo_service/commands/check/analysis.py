# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Applying the rules to files."""

import dataclasses
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from oslo_service.commands.check import catalogue, files, patching
from oslo_service.commands.check.matches import Match
from oslo_service.commands.check.model import Finding
from oslo_service.commands.check.modules import Module
from oslo_service.commands.check.projects import Project

__all__ = ("Result", "analyse")

# A file that has none of these words needs no analysis.
_WORDS = re.compile(
    r"eventlet|greenlet|green|threading|oslo_service|futurist|add_t(hread|imer)"
    r"|add_dynamic_timer|signal\b|fork|multiprocessing|concurrent|sleep\(0"
    r"|periodic|executor"
)
_SUPPRESSED = re.compile(r"#\s*oslo\.service:\s*ignore\[([\w\s,]*)\]", re.IGNORECASE)
_UNREADABLE = (OSError, SyntaxError, ValueError, RecursionError, MemoryError)


@dataclasses.dataclass
class Result:
    """What was found, and in how much.

    :ivar findings: what was found.
    :ivar files: how many files were read.
    :ivar suppressed: how many findings were suppressed by comments.
    """

    findings: list[Finding] = dataclasses.field(default_factory=list)
    files: int = 0
    suppressed: int = 0


def analyse(paths: Sequence[Path], rules: frozenset[str]) -> Result:
    """Apply rules to files.

    Each is analysed by itself, but for the names that it imports from the others.

    :param paths: the files.
    :param rules: the ids of the rules.
    """
    project = _survey(paths)
    result = Result(files=len(paths))
    for path in paths:
        for finding, line in _findings(path, project):
            if finding.rule.id not in rules:
                continue
            if _is_suppressed(finding.rule.id, line):
                result.suppressed += 1
            else:
                result.findings.append(finding)
    return result


def _survey(paths: Sequence[Path]) -> Project:
    """Return what the files of a project import from each other."""
    project = Project()
    for path in paths:
        try:
            text = files.read(path)
            if project.wants(text):
                module = _module(path, text, project)
                module.pass_on()
                patching.pass_on(module)
        except _UNREADABLE:
            pass  # reported when its findings are asked for
    return project


def _module(path: Path, text: str, project: Project) -> Module:
    return Module(path, files.dotted_name(path), files.parse(text, path), project)


def _findings(path: Path, project: Project) -> Iterator[tuple[Finding, str]]:
    """Yield the findings in a file, in order, each with the text of its line."""
    try:
        text = files.read(path)
        if not (_WORDS.search(text) or any(one in text for one in project.names)):
            files.parse(text, path)
            return
        module = _module(path, text, project)
    except _UNREADABLE as exc:
        yield _unreadable(path, exc), ""
        return
    lines = text.splitlines()
    found = {
        _finding(path, match) for find in catalogue.FINDERS for match in find(module)
    }
    for finding in sorted(found, key=_order):
        yield finding, lines[finding.line - 1] if finding.line <= len(lines) else ""


def _order(finding: Finding) -> tuple[int, int, str, str]:
    return finding.line, finding.column, finding.rule.id, finding.subject


def _finding(path: Path, match: Match) -> Finding:
    return Finding(
        match.rule,
        path,
        match.node.lineno,
        match.node.col_offset + 1,
        match.subject,
        match.severity or match.rule.severity,
    )


def _unreadable(path: Path, error: BaseException) -> Finding:
    rule = catalogue.UNREADABLE
    line = getattr(error, "lineno", None) or 1
    column = getattr(error, "offset", None) or 1
    said = getattr(error, "msg", None) or str(error) or type(error).__name__
    return Finding(rule, path, line, column, said, rule.severity)


def _is_suppressed(rule_id: str, line: str) -> bool:
    comment = _SUPPRESSED.search(line)
    if comment is None:
        return False
    named = {one.strip().upper() for one in comment[1].split(",")}
    return rule_id in named
