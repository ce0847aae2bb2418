# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Types of options that oslo.config does not have."""

import math
from typing import Any

from oslo_config import types

from oslo_service._common import digits

__all__ = ("Finite", "Size")

# The suffixes of sizes, in bytes.
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


class Finite(types.Float):
    """A floating-point number that is finite, and is one: no ``inf``, no ``nan``."""

    def __call__(self, value: object) -> Any:
        """Return the number that is meant; None where there is no text.

        :raises ValueError: it is none, or not finite, or too small or too great.
        """
        number = super().__call__(value)
        if number is not None and not math.isfinite(number):
            raise ValueError(f"a finite number is needed, not {value}")
        return number


class Size(types.ConfigType):
    """A number of bytes: ``1048576``, ``1024K``, ``512M``, ``2G``."""

    def __init__(self) -> None:
        super().__init__(type_name="size")

    def __call__(self, value: object) -> int:
        """Return how many bytes are meant.

        :raises ValueError: it is no such number.
        """
        text = str(value).strip().upper().removesuffix("IB").removesuffix("B")
        number, unit = text.rstrip("KMGT"), text[len(text.rstrip("KMGT")) :]
        found = digits.read(number.strip())
        if unit not in _UNITS or found is None:
            raise ValueError(
                f"a size is a number of bytes, or one with K, M or G, not {value!r}"
            )
        return found * _UNITS[unit]

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return "Size"

    def _formatter(self, value: object) -> str:
        return str(value)
