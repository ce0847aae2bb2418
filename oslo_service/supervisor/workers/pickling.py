# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What cannot go to another interpreter, by name."""

import pickle
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from oslo_config import cfg

from oslo_service._common import naming

__all__ = ("check_picklable",)

# How deep to look into objects for what cannot be pickled, at how many of them, and
# how many of those are named.
_DEPTH, _MOST, _NAMED = 8, 500, 5


def check_picklable(service: object, conf: cfg.ConfigOpts) -> None:
    """Refuse a service, or a configuration, that cannot be pickled.

    :raises TypeError: naming what stands in the way.
    """
    name = naming.describe(service)
    # The configuration first: a service often has it as an attribute.
    for what, value, parts in (
        ("the configuration", conf, _parts_of_configuration(conf)),
        (name, service, _parts(service)),
    ):
        error = _error(value)
        if error is None:
            error = next((found for _, one in parts if (found := _error(one))), None)
        if error is not None:
            raise TypeError(
                f"start_method='spawn' pickles the service and its configuration, and"
                f" {what} cannot be pickled because of"
                f" {_culprits(value, parts)}: {error}. Make such things in start(),"
                " or use start_method='fork'"
            ) from error


def _error(value: object) -> Exception | None:
    try:
        pickle.dumps(value)
    except Exception as exc:  # noqa: BLE001 - any class may raise anything
        return exc
    return None


def _culprits(value: object, parts: list[tuple[str, Any]]) -> str:
    search = _Search()
    failing = [(part, inner) for part, inner in parts if _error(inner) is not None]
    found = [
        f"{path} ({culprit!r})"
        for part, inner in failing
        for path, culprit in search.leaves(part.removeprefix("."), inner, _DEPTH)
    ]
    if found:
        return ", ".join(found[:_NAMED])
    if failing:
        return failing[0][0].removeprefix(".")
    if isinstance(value, cfg.ConfigOpts) and not hasattr(value, "export_state"):
        return "its class, which is picklable from oslo.config 10.6 on"
    return f"its class ({type(value)!r})"


class _Search:
    """Looks at each object once, as they refer to each other."""

    def __init__(self) -> None:
        self._seen: dict[int, object] = {}

    def leaves(
        self, path: str, value: object, depth: int
    ) -> Iterator[tuple[str, object]]:
        """Return what is in the way, as deep inside as it can be told."""
        if id(value) in self._seen or len(self._seen) >= _MOST:
            return
        self._seen[id(value)] = value
        inner = [
            (part, one)
            for part, one in _parts(value)
            if depth and _error(one) is not None
        ]
        if not inner:
            yield path, value
        for part, one in inner:
            yield from self.leaves(path + part, one, depth - 1)


def _parts(value: object) -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [(f"[{key!r}]", one) for key, one in list(value.items())]
    if isinstance(value, list | tuple | set | frozenset):
        return [(f"[{number}]", one) for number, one in enumerate(value)]
    if isinstance(value, type | ModuleType):
        return []
    # A copy: what other threads use may change meanwhile.
    attributes = dict(getattr(value, "__dict__", {}))
    return [(f".{name}", one) for name, one in attributes.items()]


def _parts_of_configuration(conf: cfg.ConfigOpts) -> list[tuple[str, Any]]:
    options = [
        (f"its option {option.dest!r}", option)
        for option in (info["opt"] for info, _ in conf._all_opt_infos())
    ]
    return [*options, *(("its mutate hook", hook) for hook in conf._mutate_hooks)]
