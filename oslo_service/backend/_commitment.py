# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The driver of launchers: decided for good when the first one is made."""

from oslo_config import cfg

from oslo_service import opts
from oslo_service._common.records import Record
from oslo_service.backend import _loading, _state, base, exceptions
from oslo_service.backend._selection_rules import (
    BackendType,
    Choice,
    Rule,
    stated_by_option,
)
from oslo_service.backend._unknown_options import unknown_options

__all__ = ("Preview", "commit", "preview", "warn_of_idle_hub")


class Preview(Record):
    """The driver that a launcher would run on.

    :ivar name: its name.
    :ivar rule: what decides: ``code``, ``option``, ``hook`` or ``auto``.
    :ivar origin: the same in words, with the file and the line where there is one.
    :ivar refusal: why a launcher would refuse to be made; None: it would not.
    """

    name: str
    rule: str
    origin: str
    refusal: str | None


def commit(conf: cfg.ConfigOpts | None = None) -> base.Driver:
    """Decide for good: a launcher is being made.

    :param conf: the configuration that the launcher was given; None: the
        global one.
    :returns: the driver that launchers run on.
    :raises UnsupportedBackendError: the option says ``threading`` in a process
        that is monkey-patched.
    :raises BackendAlreadySelected: the option names another driver than the
        one that is in use.
    """
    selection = _state.current()
    with selection.lock:
        stated = stated_by_option(conf)
        chosen = selection.choice
        if chosen is not None and chosen.rule is Rule.CODE:
            if stated is not None and stated.name != chosen.name:
                selection.warn_once(f"{chosen}, goes before {stated}")
        elif stated is not None:
            _refuse_patched(stated)
            selection.select(stated)
        for message in unknown_options(conf, opts.group_opts):
            selection.warn_once(message)
        driver = selection.select(selection.decide(conf, for_launcher=True))
        selection.announce()
        if selection.launching is None:
            selection.launching = _for_launchers(selection, driver)
        return selection.launching


def preview(conf: cfg.ConfigOpts) -> Preview:
    """Return which driver a launcher would run on here, deciding nothing.

    The hook is asked, where there is one.

    :param conf: the configuration that the launcher would be given.
    """
    with _state.current().lock:
        choice = _state.current().decide(conf)
    refusal = None
    if choice.rule is Rule.OPTION:
        try:
            _refuse_patched(choice)
        except exceptions.UnsupportedBackendError as exc:
            refusal = str(exc)
    return Preview(choice.name, choice.rule.name.lower(), choice.origin, refusal)


def warn_of_idle_hub(driver: base.Driver, who: str) -> None:
    """Warn once of green threads that never run: the process is not Eventlet's.

    :param driver: the one that the launcher runs on.
    :param who: what has run in this native thread until now, for the message.
    """
    if _loading.has_hub() and driver.name != BackendType.EVENTLET.value:
        selection = _state.current()
        selection.warn_once(
            f"{who} uses Eventlet, but this process runs on the driver"
            f" {selection.choice}: nothing runs the green threads that it has spawned."
            " Set [oslo_service] backend = eventlet"
        )


def _refuse_patched(stated: Choice) -> None:
    if stated.name == BackendType.THREADING.value and _loading.is_patched():
        raise exceptions.UnsupportedBackendError(
            f"{stated}, needs native threads, and eventlet has"
            " monkey-patched them in this process. Replace the call of"
            " eventlet.monkey_patch() by"
            " oslo_service.backend.bootstrap(), which patches only"
            " where the option says eventlet"
        )


def _for_launchers(selection: _state.Selection, driver: base.Driver) -> base.Driver:
    if driver.name == BackendType.THREADING.value and _loading.is_patched():
        selection.warn_once(
            f"{selection.choice}, but eventlet has monkey-patched this"
            " process and it has no native threads: launchers run on 'eventlet'"
        )
        driver = _loading.load(BackendType.EVENTLET.value)
    warning = driver.environment_warning()
    if warning is not None:
        selection.warn_once(f"The driver is {selection.choice}, but {warning}")
    return driver
