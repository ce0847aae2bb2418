# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What a node of the syntax tree says: a constant, an argument of a call."""

import ast

from oslo_service.commands.check.modules import Module

__all__ = ("argument", "constant", "keyword", "maximal")


def constant(node: ast.expr | None) -> object:
    """Return the value of a constant; None for everything else."""
    return node.value if isinstance(node, ast.Constant) else None


def keyword(call: ast.Call, name: str) -> ast.expr | None:
    """Return the argument that is passed under a name."""
    for one in call.keywords:
        if one.arg == name:
            return one.value
    return None


def argument(call: ast.Call, position: int, name: str) -> ast.expr | None:
    """Return an argument that is passed by position or by name."""
    plain = call.args[: position + 1]
    if len(plain) > position and not any(isinstance(a, ast.Starred) for a in plain):
        return plain[position]
    return keyword(call, name)


def maximal(module: Module, node: ast.expr) -> bool:
    """Whether a dotted name is not the beginning of a longer one."""
    parent = module.parents[node]
    return not (isinstance(parent, ast.Attribute) and parent.value is node)
