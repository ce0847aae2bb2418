# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Base classes of records: dataclasses for which no code is generated.

What :mod:`dataclasses` generates for each class takes half a millisecond, whenever the
module is imported, and what it looks up still a tenth of that. Here all classes share
methods that look at their fields, and :mod:`dataclasses` comes in when it is used.
"""

import dataclasses
import reprlib
import sys
import typing
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

__all__ = ("Record", "State")


class _DataclassFields:
    """What :mod:`dataclasses` knows of a class, made when it is first asked for."""

    def __get__(self, _instance: object, owner: Any) -> Any:
        make = dataclasses.dataclass(
            init=False, repr=False, eq=False, kw_only=owner._kw_only
        )
        return vars(make(owner))["__dataclass_fields__"]


def _own_fields(cls: type) -> typing.Iterable[str]:
    """Return the names of the fields that a class adds to those of its base."""
    if sys.version_info < (3, 14):
        annotations = vars(cls).get("__annotations__", {})
    else:
        import annotationlib

        annotations = annotationlib.get_annotations(
            cls, format=annotationlib.Format.FORWARDREF
        )
    return [
        name
        for name, kind in annotations.items()
        if kind is not ClassVar and typing.get_origin(kind) is not ClassVar
    ]


def _default_of(cls: type, name: str) -> tuple[Any, Any]:
    """Return the default of a field, and what makes one."""
    default = vars(cls).get(name, dataclasses.MISSING)
    if not isinstance(default, dataclasses.Field):
        return default, None
    made = default.default_factory is not dataclasses.MISSING
    return default.default, default.default_factory if made else None


class _Fields:
    # Of each field, what makes its value where none is given.
    _defaults: ClassVar[Mapping[str, tuple[Any, Any]]] = MappingProxyType({})
    __match_args__: ClassVar[tuple[str, ...]] = ()
    _kw_only: ClassVar[bool] = False

    def __init_subclass__(cls, *, kw_only: bool | None = None) -> None:
        """Find its fields.

        :param kw_only: whether its fields, and those of its subclasses, can be given
            by name only; None: as in the class that it is derived from.
        """
        super().__init_subclass__()
        if kw_only is not None:
            cls._kw_only = kw_only
        known: Any = cls
        # Each has its own: what is found out of a base is not what there is.
        known.__dataclass_fields__ = _DataclassFields()
        own = _own_fields(cls)
        added = {name: _default_of(cls, name) for name in own}
        cls._defaults = {**cls._defaults, **added}
        if not cls._kw_only:
            known.__match_args__ = tuple(dict.fromkeys((*cls.__match_args__, *own)))  # type: ignore[misc]

    def __replace__(self, /, **changes: Any) -> typing.Self:
        """Return one that differs in these: of :func:`copy.replace`."""
        return dataclasses.replace(self, **changes)  # type: ignore[type-var]

    if not typing.TYPE_CHECKING:  # who checks types knows the fields

        def __init__(self, *args: Any, **values: Any) -> None:
            """Have these values; the parameters are the fields."""
            if args:
                self._name_values(args, values)
            own = self.__dict__
            for name, (default, make) in self._defaults.items():
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
    """Base of mutable records, each of which equals only itself."""


@typing.dataclass_transform(frozen_default=True, field_specifiers=(dataclasses.field,))
class Record(_Fields):
    """Base of immutable records, which are equal if their fields are."""

    if not typing.TYPE_CHECKING:

        def __setattr__(self, name: str, value: Any) -> None:
            raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")

        def __delattr__(self, name: str) -> None:
            raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash((type(self), *vars(self).values()))
