# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The report: as text for people, and as JSON for programs."""

import collections
import json
import textwrap
from collections.abc import Iterable, Iterator

from oslo_service._common import naming
from oslo_service.commands.check.analysis import Result
from oslo_service.commands.check.model import Finding, Rule, Severity

__all__ = ("as_json", "as_text", "explain")

_WIDTH = 88
#: Raised when a key of the JSON output goes, or changes its meaning.
_VERSION = 1


def as_text(result: Result) -> str:
    """Return the findings for people, rule by rule, and a summary."""
    by_rule: dict[Rule, list[Finding]] = collections.defaultdict(list)
    for finding in result.findings:
        by_rule[finding.rule].append(finding)
    parts = [
        "\n".join((explain(rule), *map(_place, by_rule[rule])))
        for rule in sorted(by_rule, key=lambda one: one.id)
    ]
    return "\n\n".join((*parts, _summary(result)))


def _place(finding: Finding) -> str:
    severity = finding.severity
    lowered = "" if severity is finding.rule.severity else f" ({severity} here)"
    return f"  {finding}: {finding.subject}{lowered}"


def explain(rule: Rule) -> str:
    """Return a rule for people."""
    lines = [f"{rule.id} {rule.severity}: {rule.title}"]
    for label, text in (("Why:     ", rule.why), ("Instead: ", rule.instead)):
        lines += textwrap.wrap(
            text,
            _WIDTH,
            initial_indent=f"  {label}",
            subsequent_indent=" " * (len(label) + 2),
            break_on_hyphens=False,
            break_long_words=False,
        )
    return "\n".join(lines)


def _counts(findings: Iterable[Finding]) -> dict[str, int]:
    counts = collections.Counter(finding.severity for finding in findings)
    return {str(one): counts[one] for one in sorted(Severity, reverse=True)}


def _summary(result: Result) -> str:
    counts = _counts(result.findings)
    told = ", ".join(naming.counted(count, name) for name, count in counts.items())
    hidden = f"; {result.suppressed} suppressed" if result.suppressed else ""
    return f"{naming.counted(result.files, 'file')}: {told}{hidden}"


def as_json(result: Result, failed: bool) -> str:
    """Return the findings for programs.

    :param failed: whether a finding is as severe as ``--fail-on`` says.
    """
    said = {
        "version": _VERSION,
        "failed": failed,
        "files": result.files,
        "suppressed": result.suppressed,
        "summary": _counts(result.findings),
        "findings": list(_as_dicts(result.findings)),
    }
    return json.dumps(said, indent=2)


def _as_dicts(findings: Iterable[Finding]) -> Iterator[dict[str, str | int]]:
    for one in findings:
        yield {
            "rule": one.rule.id,
            "severity": str(one.severity),
            "path": str(one.path),
            "line": one.line,
            "column": one.column,
            "subject": one.subject,
            "title": one.rule.title,
            "why": one.rule.why,
            "instead": one.rule.instead,
        }
