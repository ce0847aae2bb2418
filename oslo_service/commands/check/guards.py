# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Code that runs only where it has been checked that Eventlet is in use."""

import ast
import re

from oslo_service.commands.check.modules import Module

__all__ = ("is_guarded",)

_ON_EVENTLET = re.compile(r"eventlet|monkey", re.IGNORECASE)
# Not the word "thread" alone, which may be about a single thread.
_ON_THREADS = re.compile(r"threading\b(?!\.)|(native|on|use)_threads", re.IGNORECASE)


def is_guarded(module: Module, node: ast.AST) -> bool:
    """Whether a node is reached only where the process runs on Eventlet."""
    child = node
    for one in module.around(node):
        if isinstance(one, ast.If) and _speaks_of_model(one, child):
            return True
        if isinstance(one, ast.Try) and child in one.body and _may_fail(one, node):
            return True
        child = one
    return False


def _speaks_of_model(one: ast.If, child: ast.AST) -> bool:
    test = ast.unparse(one.test)
    if "isinstance(" in test:  # of a thing, not of the process
        return False
    negative = test.startswith("not ")
    if child in one.body:
        said = _ON_THREADS if negative else _ON_EVENTLET
        return test.endswith("TYPE_CHECKING") or bool(said.search(test))
    said = _ON_EVENTLET if negative else _ON_THREADS
    return child in one.orelse and bool(said.search(test))


def _may_fail(one: ast.Try, node: ast.AST) -> bool:
    """Whether an import may fail, and the module handles that."""
    return isinstance(node, ast.Import | ast.ImportFrom) and bool(one.handlers)
