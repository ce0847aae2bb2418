# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The interface of every service."""

import abc
from collections.abc import Callable
from typing import Any

from oslo_config import cfg

from oslo_service._common import coroutines

__all__ = ("ServiceBase", "check_methods")


def _takes(function: Callable[..., Any], *args: Any, **kwargs: Any) -> bool:
    """Whether a function can be called so."""
    import inspect

    try:
        inspect.signature(function).bind(*args, **kwargs)
    except TypeError:
        return False
    except ValueError:  # it is written in C, and does not say
        return True
    return True


class ServiceBase(abc.ABC):
    """What a launcher runs: the interface of every service.

    A service belongs to the process that calls its :meth:`start`: connections
    and threads are made there, not in the constructor.

    A class may have other bases after this one: what is not known here goes to the
    constructor of the next, and so does ``conf`` where that takes it.

    :param args: ``conf``, a :class:`~oslo_config.cfg.ConfigOpts`, kept as ``conf``
        where it is given; with other bases, what these take.
    :param kwargs: ``conf``; with other bases, what these take.
    :raises TypeError: nobody takes what was given.
    """

    __module__ = "oslo_service.service"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        following = super().__init__
        is_last = getattr(following, "__objclass__", None) is object
        rest, named = list(args), dict(kwargs)
        if args and (is_last or isinstance(args[0], cfg.ConfigOpts)):
            conf = rest.pop(0)
        else:
            conf = named.pop("conf", None)
        if conf is not None:
            self.conf = conf
        if not is_last and _takes(following, *args, **kwargs):
            following(*args, **kwargs)
        else:
            following(*rest, **named)

    @abc.abstractmethod
    def start(self) -> None:
        """Begin the work. May return at once, or block until :meth:`stop`.

        An exception ends the process with status 1.
        """

    @abc.abstractmethod
    def stop(self) -> None:
        """Take in no more work, and make :meth:`wait` return.

        Called once; a second time where the first call came before
        :meth:`start` had returned.
        """

    @abc.abstractmethod
    def wait(self) -> None:
        """Block until the work in flight is done.

        Called after :meth:`start`, and where it returned before :meth:`stop`
        was called, once more after that.
        """

    def reset(self) -> None:  # noqa: B027 - most services have nothing to do
        """Adapt to a configuration that has been read again."""


def check_methods(service: object) -> None:
    """Refuse a service of which nothing would run.

    :param service: the service.
    :raises TypeError: a method is asynchronous.
    """
    for name in ("start", "stop", "wait", "reset"):
        coroutines.refuse(getattr(service, name, None), f"{name}() of a service")
