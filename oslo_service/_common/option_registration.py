# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The option that selects the driver, and how options are registered.

The others are in :mod:`oslo_service.opts`.
"""

import contextlib
import math
import threading
from typing import Any

from oslo_config import cfg, types

from oslo_service._common import digits
from oslo_service._common.fork_safety import PerProcess
from oslo_service._common.option_locations import location_of

__all__ = (
    "BACKEND_GROUP",
    "BACKEND_OPTION",
    "Finite",
    "Size",
    "backend_opts",
    "register",
    "register_backend_opts",
    "unknown_options",
)

BACKEND_GROUP = "oslo_service"
BACKEND_OPTION = "backend"

# The suffixes of sizes, in bytes.
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}

backend_opts = [
    cfg.StrOpt(
        BACKEND_OPTION,
        default="auto",
        help="The concurrency model that the service runs on: the name of an"
        " installed driver. 'threading' (native threads) and 'eventlet' (green"
        " threads) come with oslo.service. 'auto' is eventlet in a process that"
        " eventlet has monkey-patched, or in which green threads are in use when a"
        " launcher is made, and threading in every other.",
    ),
]


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


# Two threads that register in a new group at a time would each make the group,
# and the options in one of the two would be lost. Reentrant for the sake of
# signal handlers; of each process, as a fork may come while it is held.
_registering = PerProcess(threading.RLock)


def register(
    conf: cfg.ConfigOpts, options: list[Any], group: str | None = None
) -> None:
    """Register options that may be registered already.

    By another thread, or by another library with a slightly different definition: the
    first one stays.
    """
    # Projects' tests pass stand-ins for a configuration, which have little more.
    where = {} if group is None else {"group": group}
    with _registering.get():
        missing = _missing(conf, options, group)
        try:
            if missing:
                conf.register_opts(missing, **where)
        except cfg.DuplicateOptError:
            for option in missing:
                with contextlib.suppress(cfg.DuplicateOptError):
                    conf.register_opts([option], **where)


def _missing(conf: cfg.ConfigOpts, options: list[Any], group: str | None) -> list[Any]:
    """Return the options whose names are not registered.

    Registering one again makes oslo.config forget all values that it has looked up: a
    worker would look up again what its parent knows.
    """
    if not isinstance(conf, cfg.ConfigOpts):
        return options  # a stand-in, which cannot say
    known: Any = conf
    if group is not None:
        if group not in conf:
            return options
        known = conf[group]
        if not isinstance(known, cfg.ConfigOpts.GroupAttr):
            return options
    return [option for option in options if option.dest not in known]


def register_backend_opts(conf: cfg.ConfigOpts) -> None:
    """Register ``[oslo_service] backend``; idempotent.

    :param conf: the configuration.
    """
    register(conf, backend_opts, BACKEND_GROUP)


def unknown_options(conf: cfg.ConfigOpts | None, ours: list[Any]) -> list[str]:
    """Return messages about unknown options in the group of the library.

    An option that is neither ours nor registered by others is misspelt: it has no
    effect.

    :param conf: the configuration, read; None: the global one.
    :param ours: the options of the library, registered or not.
    """
    conf = cfg.CONF if conf is None else conf
    # What oslo.config has parsed is not to be had otherwise without reading it again.
    parsed = getattr(getattr(conf, "_namespace", None), "_parsed", None)
    if not isinstance(parsed, list):
        return []
    known = {*conf[BACKEND_GROUP], *(option.dest for option in ours)}
    found = {name for file in parsed for name in file.get(BACKEND_GROUP, ())}
    return [
        f"[{BACKEND_GROUP}] {name} is set{_place(conf, name)}, which is no option and"
        f" has no effect; there is: {', '.join(sorted(known))}"
        for name in sorted(found)
        if name.replace("-", "_") not in known
    ]


def _place(conf: cfg.ConfigOpts, name: str) -> str:
    """Return where one of the group is set, in brackets, where that is found."""
    place = location_of(conf, BACKEND_GROUP, name.replace("-", "_"))
    return f" ({place})" if place else ""
