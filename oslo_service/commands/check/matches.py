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

    :ivar rule: the rule.
    :ivar node: the node.
    :ivar subject: what it is about: a name in the code.
    :ivar severity: how much it matters; None: as much as the rule says.
    """

    rule: Rule
    node: ast.expr | ast.stmt
    subject: str
    severity: Severity | None = None

    def lowered(self, to: Severity = Severity.NOTE) -> "Match":
        """Return the same match with a lower severity.

        :param to: the severity, unless it is lower already.
        """
        least = min(to, self.severity or self.rule.severity)
        return dataclasses.replace(self, severity=least)
