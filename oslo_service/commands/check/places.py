# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Places in the code, and small questions about them."""

import ast
import dataclasses

from oslo_service.commands.check.model import Rule, Severity
from oslo_service.commands.check.modules import Module

__all__ = ("Place", "argument", "constant", "keyword", "maximal")


@dataclasses.dataclass(frozen=True)
class Place:
    """A node to which a rule applies.

    :ivar subject: what it is about.
    :ivar severity: None: that of the rule.
    """

    rule: Rule
    node: ast.expr | ast.stmt
    subject: str
    severity: Severity | None = None

    def lowered(self, to: Severity = Severity.NOTE) -> "Place":
        """Give the same place, mattering less."""
        least = min(to, self.severity or self.rule.severity)
        return dataclasses.replace(self, severity=least)


def constant(node: ast.expr | None) -> object:
    """Give the value of a constant; None for everything else."""
    return node.value if isinstance(node, ast.Constant) else None


def keyword(call: ast.Call, name: str) -> ast.expr | None:
    """Give the argument that is passed under a name."""
    for one in call.keywords:
        if one.arg == name:
            return one.value
    return None


def argument(call: ast.Call, position: int, name: str) -> ast.expr | None:
    """Give an argument that is passed by position or by name."""
    plain = call.args[: position + 1]
    if len(plain) > position and not any(isinstance(a, ast.Starred) for a in plain):
        return plain[position]
    return keyword(call, name)


def maximal(module: Module, node: ast.expr) -> bool:
    """Tell whether a dotted name is not the beginning of a longer one."""
    parent = module.parents[node]
    return not (isinstance(parent, ast.Attribute) and parent.value is node)
