# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The bodies of orders: a JSON object, or nothing."""

import json
import math
from collections.abc import Callable
from typing import Any

from oslo_service._common.records import Record
from oslo_service.admin.messages import Ask, Refused

__all__ = ("Field", "flag", "name", "number", "read")


class Field(Record):
    """A member of the object.

    :ivar check: returns whether a value is allowed.
    :ivar words: which values are, for messages.
    :ivar required: whether the member has to be there.
    """

    check: Callable[[Any], bool]
    words: str
    required: bool = False


def number(least: int, most: float = math.inf, *, required: bool = False) -> Field:
    """Return a field that is a whole number from ``least`` to ``most``."""
    return Field(
        lambda value: type(value) is int and least <= value <= most,
        f"a whole number, {least} " + ("or more" if most == math.inf else f"to {most}"),
        required,
    )


def name(what: str, *, required: bool = False) -> Field:
    """Return a field that is a string, and not empty."""
    return Field(lambda value: isinstance(value, str) and bool(value), what, required)


def flag(what: str) -> Field:
    """Return a field that is true or false."""
    return Field(lambda value: isinstance(value, bool), f"true or false: {what}")


def read(ask: Ask, **fields: Field) -> dict[str, Any]:
    """Return the members of the body of a request.

    :param fields: the members that it may have.
    :raises Refused: the body is not as the fields say; the reason says what is.
    """
    try:
        found = json.loads(ask.body) if ask.body.strip() else {}
    except (ValueError, RecursionError) as exc:
        raise _refused(f"the body is not JSON ({exc})", fields) from None
    if not isinstance(found, dict):
        raise _refused("the body is no JSON object", fields)
    for key, value in found.items():
        if key not in fields:
            raise _refused(f"{key!r} is not known", fields)
        if not fields[key].check(value):
            raise Refused(400, f"{key!r} cannot be {value!r}: {fields[key].words}")
    for key, field in fields.items():
        if field.required and key not in found:
            raise _refused(f"{key!r} is missing", fields)
    return found


def _refused(what: str, fields: dict[str, Field]) -> Refused:
    known = "; ".join(
        f"{key!r} ({'' if field.required else 'optional; '}{field.words})"
        for key, field in fields.items()
    )
    accepted = f"a JSON object with {known}" if known else "an empty body, or {}"
    return Refused(400, f"{what}; accepted is {accepted}")
