# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""All rules, and the choice among them."""

from collections.abc import Callable, Iterable, Iterator

from oslo_service.commands.check import (
    eventlet_rules,
    eventlet_use,
    library_use,
    native_thread_rules,
    native_thread_use,
    patching,
    shared_state,
)
from oslo_service.commands.check.matches import Match
from oslo_service.commands.check.model import Rule, Severity
from oslo_service.commands.check.modules import Module

__all__ = ("FINDERS", "RULES", "UNREADABLE", "chosen")

UNREADABLE = Rule(
    "OSE001",
    Severity.ERROR,
    "a file cannot be read as Python",
    "Nothing can be said about it.",
    "What the interpreter that runs this command can parse, in the encoding that it"
    " declares. Leave templates and the like out by --exclude.",
)
RULES: tuple[Rule, ...] = (
    UNREADABLE,
    *eventlet_rules.RULES,
    *library_use.RULES,
    *native_thread_rules.RULES,
    *shared_state.RULES,
)
FINDERS: tuple[Callable[[Module], Iterator[Match]], ...] = (
    eventlet_use.find,
    patching.find,
    library_use.find,
    native_thread_use.find,
    shared_state.find,
)


def chosen(select: Iterable[str], ignore: Iterable[str]) -> frozenset[str]:
    """Return the ids of the rules to apply.

    :param select: ids, or beginnings of ids; none stands for all.
    :param ignore: likewise, of those to leave out.
    :raises ValueError: one is the beginning of no id.
    """
    wanted = _matching(select) or {rule.id for rule in RULES}
    return frozenset(wanted - _matching(ignore))


def _matching(beginnings: Iterable[str]) -> set[str]:
    found = set()
    for one in beginnings:
        ids = {rule.id for rule in RULES if one and rule.id.startswith(one.upper())}
        if not ids:
            raise ValueError(
                f"no rule is called {one!r}, nor begins like that; they go from"
                f" {RULES[0].id} to {RULES[-1].id}, see --rules"
            )
        found |= ids
    return found
