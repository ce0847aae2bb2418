# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A node to which a rule applies."""

import ast
import dataclasses

from oslo_service.commands.check.model import Rule, Severity

__all__ = ("Match",)


@dataclasses.dataclass(frozen=True)
class Match:
    """A node to which a rule applies.

    :ivar subject: what it is about.
    :ivar severity: None: that of the rule.
    """

    rule: Rule
    node: ast.expr | ast.stmt
    subject: str
    severity: Severity | None = None

    def lowered(self, to: Severity = Severity.NOTE) -> "Match":
        """Return the same match, mattering less."""
        least = min(to, self.severity or self.rule.severity)
        return dataclasses.replace(self, severity=least)
