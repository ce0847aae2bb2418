# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Who may choose the driver, and what each of them says."""

import enum
import os

from oslo_config import cfg

from oslo_service._common import options
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
    """Who decided; the lower, the stronger."""

    CODE = 1
    OPTION = 2
    HOOK = 3
    AUTO = 4


class Choice(Record):
    """A driver, and why it is the one.

    :ivar name: the driver's.
    :ivar rule: who decided.
    :ivar origin: the same in words, with the file and the line where there is one.
    """

    name: str
    rule: Rule
    origin: str

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
    """Return what the option says where someone set it."""
    conf = cfg.CONF if conf is None else conf
    options.register_backend_opts(conf)
    group, option = options.BACKEND_GROUP, options.BACKEND_OPTION
    value = conf[group][option]
    location = conf.get_location(option, group)
    if location is None or location.location is cfg.Locations.opt_default:
        variable = f"OS_{group.upper()}__{option.upper()}"
        # A configuration that has been read has looked there itself.
        called = getattr(conf, "prog", None)
        value = None if called else os.environ.get(variable)
        where = variable
    else:
        where = location.detail or location.location.name
    if not value:
        return None
    origin = f"[{group}] {option} = {value} ({where})"
    if value == AUTO:
        return auto(origin, Rule.OPTION)
    return Choice(value, Rule.OPTION, origin)


def auto(origin: str, rule: Rule = Rule.AUTO) -> Choice:
    """Return what suits the process as it is.

    :param origin: who leaves it to that.
    """
    if _loading.is_patched():
        name, why = BackendType.EVENTLET.value, "the process is monkey-patched"
    elif _loading.has_hub():
        name, why = BackendType.EVENTLET.value, "a hub of Eventlet is in use here"
    else:
        name, why = BackendType.THREADING.value, "the process is not monkey-patched"
    return Choice(name, rule, f"{origin}, as {why}")
