# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The arguments that a project passes to its own functions."""

import ast
import dataclasses
from collections.abc import Iterable, Iterator, Sequence

from oslo_service.commands.check.tree import Function, Source

__all__ = ("Site", "sites_of_call", "source")

# By the last part of its name: what calls an argument with those that follow it.
_HANDS_ON = frozenset(
    ("spawn", "spawn_n", "spawn_after", "add_thread", "submit", "partial")
)
# The same by keywords: ``target`` and ``args``.
_NATIVE = frozenset(("Thread", "Process"))


@dataclasses.dataclass(frozen=True)
class Site:
    """A place where a function is called, or handed to what calls it.

    :ivar given: what is passed by position; None where that cannot be told.
    :ivar named: what is passed by name; likewise.
    :ivar bound: whether the first parameter, ``self``, is not among them.
    :ivar maker: the class in whose constructor it is; None elsewhere.
    """

    given: Sequence[Source] | None
    named: dict[str, Source] | None
    bound: bool = False
    maker: str | None = None


def sites_of_call(call: ast.Call) -> Iterator[tuple[ast.expr, Site]]:
    """Yield the functions that a call calls, now or later, with their arguments."""
    yield call.func, _site(call.args, call.keywords)
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    if name in _HANDS_ON:
        for position, one in enumerate(call.args[:2]):
            yield one, _site(call.args[position + 1 :], call.keywords)
    elif name in _NATIVE:
        named = {one.arg: one.value for one in call.keywords}
        target, args = named.get("target"), named.get("args")
        if target is not None and isinstance(args, ast.Tuple | ast.List):
            yield target, _site(args.elts, [])


def _site(given: Sequence[ast.expr], keywords: Iterable[ast.keyword]) -> Site:
    named: dict[str, Source] = {
        one.arg: one.value for one in keywords if one.arg is not None
    }
    spread = any(one.arg is None for one in keywords)
    return Site(
        None if any(isinstance(one, ast.Starred) for one in given) else given,
        None if spread else named,
    )


def source(function: Function, parameter: ast.arg, site: Site) -> Source:
    """Return the argument for a parameter at a call; None where that is not known."""
    if site.given is None or site.named is None:
        return None
    if parameter.arg in site.named:
        return site.named[parameter.arg]
    plain = [*function.args.posonlyargs, *function.args.args]
    if parameter in plain:
        position = plain.index(parameter) - site.bound
        if position < 0:
            return None
        if position < len(site.given):
            return site.given[position]
    return _default(function.args, plain, parameter)


def _default(
    arguments: ast.arguments, plain: list[ast.arg], parameter: ast.arg
) -> Source:
    if parameter in plain:
        offset = plain.index(parameter) - (len(plain) - len(arguments.defaults))
        return arguments.defaults[offset] if offset >= 0 else None
    if parameter in arguments.kwonlyargs:
        return arguments.kw_defaults[arguments.kwonlyargs.index(parameter)]
    return None
