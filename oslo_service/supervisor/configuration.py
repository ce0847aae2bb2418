# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What a launcher reads from the configuration, and how it reads it again."""

import contextlib
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from oslo_config import cfg

from oslo_service import opts
from oslo_service._common import times
from oslo_service._common.careful_log import CarefulLog
from oslo_service.backend.exceptions import ClusterOptionError
from oslo_service.supervisor.services import preparations
from oslo_service.supervisor.workers.limits import Limits

__all__ = ("RESTART_METHODS", "Settings", "check_cluster", "check_restart_method")

LOG = CarefulLog(__name__)

RESTART_METHODS = ("reload", "mutate", "rolling")


def check_restart_method(method: object) -> None:
    """Refuse what does not say what SIGHUP does.

    :raises ValueError: there is no such method.
    """
    if method not in RESTART_METHODS:
        raise ValueError(
            f"restart_method is one of {', '.join(RESTART_METHODS)}, not {method!r}"
        )


def check_cluster(conf: cfg.ConfigOpts) -> None:
    """Refuse a configuration without a cluster where there must be one.

    :param conf: the options of clusters are registered.
    :raises ClusterOptionError: there is none.
    """
    if isinstance(conf, cfg.ConfigOpts):  # else a stand-in, which cannot say
        options = conf.oslo_service
        if options.cluster_required and not options.cluster_url:
            raise ClusterOptionError(
                "[oslo_service] cluster_url is not set, and cluster_required is"
            )


class Settings:
    """A configuration, seen from a launcher.

    :param conf: the configuration; the options are registered on it.
    :param restart_method: what SIGHUP does, one of ``RESTART_METHODS``.
    :param before: the limits of a parent, as :meth:`in_force` returns them: what
        cannot be read stays as it is there.
    :raises TypeError: it is no configuration.
    :raises ValueError: there is no such method, or no cluster where there must be,
        or what is to be used of the library cannot be as the options are.
    """

    def __init__(
        self,
        conf: cfg.ConfigOpts,
        restart_method: str = "reload",
        before: Mapping[str, Any] | None = None,
    ) -> None:
        check_restart_method(restart_method)
        if not hasattr(conf, "register_opts"):
            raise TypeError(
                "conf is an oslo_config.cfg.ConfigOpts, such as oslo_config.cfg.CONF,"
                f" not {conf!r}"
            )
        self.conf = conf
        self.restart_method = restart_method
        opts.register_service_opts(conf)
        check_cluster(conf)
        preparations.check(conf)
        #: The seconds that stopping may take, as they were last read: what a signal
        #: handler may look at.
        self.last_stop_limit = (
            float(times.bounded(conf.graceful_shutdown_timeout))
            if before is None
            else float(before["graceful_shutdown_timeout"])
        )
        #: The seconds to go on for after a SIGTERM, likewise.
        self.last_stop_delay = 0.0 if before is None else before["shutdown_delay"]
        #: What else limits the workers, as it was last read.
        self.limits = Limits()
        if before is not None:
            self.limits = Limits(**{one: before[one] for one in vars(self.limits)})
            _ = self.stop_limit
        self._aside: tuple[Any, Any] = (None, None)
        self._read_limits(at_first=before is None)

    @property
    def mutates(self) -> bool:
        """Whether SIGHUP mutates the configuration and restarts nothing."""
        return self.restart_method == "mutate"

    @property
    def rolls(self) -> bool:
        """Whether SIGHUP replaces one worker after the other, each successor first."""
        return self.restart_method == "rolling"

    @property
    def stop_limit(self) -> float:
        """The seconds that stopping may take; 0: no limit."""
        try:
            seconds = times.bounded(self.conf.graceful_shutdown_timeout)
            self.last_stop_limit = float(seconds)
        except Exception:
            # oslo.config looks at a value only when it is asked for, and a type of
            # somebody else's may raise anything.
            LOG.exception(
                "graceful_shutdown_timeout cannot be read; it stays at %g s",
                self.last_stop_limit,
            )
        return self.last_stop_limit

    def _read_limits(self, *, at_first: bool = False) -> None:
        group = getattr(self.conf, opts.BACKEND_GROUP, None)
        if group is None:
            return  # a stand-in for a configuration
        before = {"shutdown_delay": self.last_stop_delay, **vars(self.limits)}
        found = {
            name: self._number(group, name, value, at_first=at_first)
            for name, value in before.items()
        }
        self.last_stop_delay = found.pop("shutdown_delay")
        self.limits = Limits(**found)

    @staticmethod
    def _number(group: Any, name: str, before: Any, *, at_first: bool) -> Any:
        """Return the value of an option; where it cannot be read, the one before.

        :raises ValueError: it cannot be read at first, when there is none before.
        """
        try:
            value = getattr(group, name)
        except Exception:
            if at_first:
                raise
            LOG.exception("%s cannot be read; it stays at %s", name, before)
            return before
        # What a mock has is none.
        return value if isinstance(value, int | float) else before

    def in_force(self) -> dict[str, float]:
        """Return the limits, as they were last read, by the names of options."""
        return {
            "graceful_shutdown_timeout": self.last_stop_limit,
            "shutdown_delay": self.last_stop_delay,
            **vars(self.limits),
        }

    def log_options(self) -> None:
        """Write the values of all options to the log, where that is wanted."""
        try:
            if self.conf.log_options and LOG.isEnabledFor(logging.DEBUG):
                self.conf.log_opt_values(LOG, logging.DEBUG)
        except Exception:
            LOG.exception("The values of the options cannot be written to the log")

    def read_again(self) -> BaseException | None:
        """Read the configuration files again, as the restart method says.

        The options of the library's own are tried: what reads them, wherever that is,
        can count on their values.

        :returns: why that is not possible; the old values stay then, where it is not
            ``mutate``, all of them.
        """
        before = self._values()
        error = self._read()
        if error is None and not self.mutates:  # of those, each stays by itself
            error = self._find_own_error()
            if error is not None:
                self._set_values(before)
        self._take_up()
        self.log_options()
        return error

    def read_aside(self) -> BaseException | None:
        """Read the files again, and keep what they say aside: all stays as it is.

        Every option is looked at, so that a value that cannot be one is found now.

        :returns: why that is not possible; what was kept before is kept then.
        """
        before = self._values()
        try:
            error = self._read() or self._find_error()
            if error is None:
                self._aside = self._values()
        finally:
            self._set_values(before)
        return error

    @contextlib.contextmanager
    def aside(self) -> Iterator[None]:
        """Have the configuration be what is kept aside, for a while."""
        before = self._values()
        self._set_values(self._aside)
        try:
            yield
        finally:
            self._set_values(before)

    def adopt(self) -> None:
        """Have the configuration be what is kept aside, from now on."""
        self._set_values(self._aside)
        self.log_options()

    def _read(self) -> BaseException | None:
        read: Callable[[], object] = (
            self.conf.mutate_config_files
            if self.mutates
            else self.conf.reload_config_files
        )
        try:
            if read() is False:
                return self._why_not()
        except BaseException as exc:  # noqa: BLE001 - argparse exits; it is reported
            return exc
        return None

    def _why_not(self) -> BaseException:
        """Return why the files cannot be read, which oslo.config tells its log only."""
        conf: Any = self.conf
        try:
            conf._reload_config_files()
        except SystemExit:
            return cfg.Error("the command line cannot be parsed again")
        except BaseException as exc:  # noqa: BLE001 - likewise
            return exc
        return cfg.Error("the files could not be read, and now they could")

    def _find_error(self) -> BaseException | None:
        """Return what is wrong with the value of some option, if anything is."""
        self._forget_lookups()
        return _find_error(self.conf, self.conf)

    def _find_own_error(self) -> BaseException | None:
        """Return what is wrong with the value of an option of the library's."""
        self._forget_lookups()
        for group, ours in opts.all_opts:
            if group is not None and group not in self.conf:
                continue
            values = self.conf if group is None else self.conf[group]
            registered = [one.dest for one in ours if one.dest in values]
            error = _find_error(values, registered)
            if error is not None:
                return error
        return None

    # What oslo.config has read: there is no other way to have it twice.

    def _values(self) -> tuple[Any, Any]:
        conf: Any = self.conf
        return conf._namespace, conf._mutable_ns

    def _set_values(self, values: tuple[Any, Any]) -> None:
        conf: Any = self.conf
        conf._namespace, conf._mutable_ns = values
        self._take_up()

    def _take_up(self) -> None:
        """Look again at what is looked at by signal handlers, and often."""
        self._forget_lookups()
        _ = self.stop_limit
        self._read_limits()

    def _forget_lookups(self) -> None:
        # What another thread asked for while the files were read is the old value,
        # which oslo.config would keep. Registering anything makes it look again.
        self.conf.register_opts([])


def _find_error(values: Any, names: Iterable[str]) -> BaseException | None:
    """Return what is wrong with one of these values, if anything is.

    :param values: those of a group, or of all groups.
    :param names: which; of a group, all that are in it.
    """
    for name in names:
        try:
            value = values[name]
        except Exception as exc:  # noqa: BLE001 - so may a type of somebody else's
            return exc
        if isinstance(value, cfg.ConfigOpts.GroupAttr):
            error = _find_error(value, value)
            if error is not None:
                return error
    return None
