# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Which drivers are wrong, and which tests of the suite find it."""

import dataclasses
import re
from collections.abc import Callable


@dataclasses.dataclass(frozen=True)
class Mutant:
    """A driver that is wrong.

    :ivar found_by: the tests that fail, as ``module::Class::test``, or the beginning
        of that. Without a module it is ``test_primitives``.
    :ivar alone: whether it harms others that are judged in the same process.
    """

    class_: type
    found_by: tuple[str, ...]
    alone: bool

    @property
    def name(self) -> str:
        return self.class_.name


#: All of them, by their names.
MUTANTS: dict[str, Mutant] = {}
#: Those that are right, in the same folder.
SOUND: dict[str, type] = {}


def found_by(*tests: str, alone: bool = False) -> Callable[[type], type]:
    """Have a driver judged, which is called like its class: ``a-b`` for ``AB``."""

    def register(class_: type) -> type:
        class_.name = _name(class_)
        found = tuple(
            one if one.startswith("test_") else f"test_primitives::{one}"
            for one in tests
        )
        MUTANTS[class_.name] = Mutant(class_, found, alone)
        return class_

    return register


def sound(class_: type) -> type:
    """Note a driver that is right."""
    class_.name = _name(class_)
    SOUND[class_.name] = class_
    return class_


def _name(class_: type) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", class_.__name__).lower()
