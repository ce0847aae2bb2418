# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The rules by which the driver is chosen, and what each of them says."""

import enum
import functools
import os
from collections.abc import Callable

from oslo_config import cfg

from oslo_service import opts
from oslo_service._common import option_locations
from oslo_service._common.records import Record
from oslo_service.backend import _loading

__all__ = (
    "AUTO",
    "BackendType",
    "Choice",
    "Rule",
    "auto",
    "name_of",
    "stated_by_option",
)

AUTO = "auto"


class BackendType(enum.Enum):
    """The drivers that come with the library."""

    __module__ = "oslo_service.backend"

    EVENTLET = "eventlet"
    THREADING = "threading"


class Rule(enum.IntEnum):
    """What decided on the driver; the lower, the stronger."""

    CODE = 1
    OPTION = 2
    HOOK = 3
    AUTO = 4


class Choice(Record):
    """A driver, and why it is the one.

    :ivar name: the driver's name.
    :ivar rule: what decided.
    :ivar tell: returns the same in words.
    """

    name: str
    rule: Rule
    tell: Callable[[], str]

    @property
    def origin(self) -> str:
        """What decided, in words, with the file and the line where there is one."""
        return self.tell()

    def __str__(self) -> str:
        return f"{self.name!r}, selected by {self.origin}"


def name_of(type_: object) -> str:
    """Return the name of a driver that was given in code.

    :raises TypeError: it is neither a :class:`BackendType` nor a name.
    """
    if isinstance(type_, BackendType):
        return type_.value
    if isinstance(type_, str) and type_:
        return type_
    raise TypeError(
        "a backend is given as a member of BackendType or as the name of a"
        f" driver, not as {type_!r}"
    )


def stated_by_option(conf: cfg.ConfigOpts | None) -> Choice | None:
    """Return the choice that the option states; None: it is not set.

    :param conf: the configuration; None: the global one.
    """
    conf = cfg.CONF if conf is None else conf
    opts.register_backend_opts(conf)
    group, option = opts.BACKEND_GROUP, opts.BACKEND_OPTION
    value = conf[group][option]
    location = conf.get_location(option, group)
    if location is None or location.location is cfg.Locations.opt_default:
        variable = f"OS_{group.upper()}__{option.upper()}"
        # A configuration that has been read has looked there itself.
        called = getattr(conf, "prog", None)
        value = None if called else os.environ.get(variable)
        location = cfg.LocationInfo(cfg.Locations.environment, variable)
    if not value:
        return None
    tell = functools.cache(functools.partial(_setting, conf, value, location))
    if value == AUTO:
        return auto(tell, Rule.OPTION)
    return Choice(value, Rule.OPTION, tell)


def _setting(conf: cfg.ConfigOpts, value: str, location: cfg.LocationInfo) -> str:
    """Return how the option is set, and where."""
    group, option = opts.BACKEND_GROUP, opts.BACKEND_OPTION
    where = location.detail or location.location.name
    if location.location is cfg.Locations.user:
        where = option_locations.location_of(conf, group, option, value) or where
    return f"[{group}] {option} = {value} ({where})"


def auto(told: Callable[[], str], rule: Rule = Rule.AUTO) -> Choice:
    """Return what suits the process as it is.

    :param told: says who leaves it to that.
    """
    if _loading.is_patched():
        name, why = BackendType.EVENTLET.value, "the process is monkey-patched"
    elif _loading.has_hub():
        name, why = BackendType.EVENTLET.value, "a hub of Eventlet is in use here"
    else:
        name, why = BackendType.THREADING.value, "the process is not monkey-patched"
    return Choice(name, rule, lambda: f"{told()}, as {why}")
