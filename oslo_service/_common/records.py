# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Classes of a few fields: dataclasses for which nothing is compiled.

What :mod:`dataclasses` generates for each class takes half a millisecond, whenever the
module is imported. Here all classes share methods that look at their fields.
"""

import dataclasses
import reprlib
import typing
from typing import Any, ClassVar

__all__ = ("Record", "State")


def _default_of(field: dataclasses.Field[Any]) -> tuple[str, Any, Any]:
    made = field.default_factory is not dataclasses.MISSING
    return field.name, field.default, field.default_factory if made else None


class _Fields:
    # Of each field, what makes its value where none is given.
    _defaults: ClassVar[tuple[tuple[str, Any, Any], ...]] = ()
    _kw_only: ClassVar[bool] = False
    __match_args__: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, *, kw_only: bool | None = None) -> None:
        """Make a dataclass of it.

        :param kw_only: whether its fields, and those of its subclasses, can be given
            by name only; None: as in the class that it is derived from.
        """
        super().__init_subclass__()
        if kw_only is not None:
            cls._kw_only = kw_only
        make = dataclasses.dataclass(
            init=False, repr=False, eq=False, kw_only=cls._kw_only
        )
        cls._defaults = tuple(map(_default_of, dataclasses.fields(make(cls))))  # type: ignore[arg-type]

    if not typing.TYPE_CHECKING:  # who checks types knows the fields

        def __init__(self, *args: Any, **values: Any) -> None:
            """Have these values; the parameters are the fields."""
            if args:
                self._name_values(args, values)
            own = self.__dict__
            for name, default, make in self._defaults:
                if name in values:
                    own[name] = values.pop(name)
                elif make is not None:
                    own[name] = make()
                elif default is dataclasses.MISSING:
                    raise TypeError(f"{type(self).__name__} needs {name}=")
                else:
                    own[name] = default
            if values:
                raise TypeError(f"{type(self).__name__} has no {', '.join(values)}")

        def _name_values(self, args: tuple[Any, ...], values: dict[str, Any]) -> None:
            if len(args) > len(self.__match_args__):
                raise TypeError(f"{type(self).__name__} has not that many fields")
            for name, value in zip(self.__match_args__, args, strict=False):
                if name in values:
                    raise TypeError(f"{type(self).__name__} has one {name}")
                values[name] = value

    @reprlib.recursive_repr()
    def __repr__(self) -> str:
        values = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({values})"


@typing.dataclass_transform(eq_default=False, field_specifiers=(dataclasses.field,))
class State(_Fields):
    """Base of what changes, and is equal to itself only."""


@typing.dataclass_transform(frozen_default=True, field_specifiers=(dataclasses.field,))
class Record(_Fields):
    """Base of what never changes, and is equal to what says the same."""

    if not typing.TYPE_CHECKING:

        def __setattr__(self, name: str, value: Any) -> None:
            raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")

        def __delattr__(self, name: str) -> None:
            raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash((type(self), *vars(self).values()))
