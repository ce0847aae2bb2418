# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The pytest plugin of projects that test on every driver.

It is there wherever the library and pytest are installed. A test that asks for the
fixture ``oslo_service_driver`` runs once for each driver; other tests are not
touched, and nothing of the library is imported for them.

A driver that has to prepare the process (:meth:`.Driver.prepare_process`) gets one
of its own, which it prepares before any test module is imported.
"""

import argparse
import os
from collections.abc import Generator, Iterator, Sequence
from typing import Any

import pytest

from oslo_service.testing import _drivers, _isolation

__all__ = ("choose", "oslo_service_driver", "parameters")

_OPTION, _SHORT, _INI = "--oslo-service-backend", "--backend", "oslo_service_backends"
_FIXTURE = "oslo_service_driver"
_SUITE = "oslo_service.testing"
# How many processes run it, for each core.
_PER_CORE = 2
# What choose() has found: looking through all that is installed takes its time.
_CHOSEN = pytest.StashKey[list[str]]()


def _add_option(target: Any, name: str) -> None:
    target.addoption(
        name,
        action="append",
        dest=_INI,
        metavar="NAME",
        help="run the tests that ask for a driver of oslo.service on this one (may"
        f" be repeated; default: the setting {_INI}, or every driver installed)",
    )


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option, and the setting."""
    _add_option(parser.getgroup("oslo.service"), _OPTION)
    parser.addini(
        _INI,
        "the drivers of oslo.service that tests run on (default: every driver"
        " installed); on one that is not installed, they are skipped",
        type="args",
    )


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser, args: list[str]
) -> Generator[None, Any, Any]:
    """Add the short option where it is free: everybody else goes first."""
    args += _side_by_side(early_config.known_args_namespace, args)
    result = yield
    try:
        _add_option(parser.getgroup("oslo.service"), _SHORT)
    except (ValueError, argparse.ArgumentError):
        pass
    return result


def _side_by_side(options: argparse.Namespace, args: list[str]) -> list[str]:
    """Return what has the conformance suite run in several processes.

    Its tests mostly wait. Nothing where somebody says how, or debugs.
    """
    whole = "--pyargs" in args and _SUITE in args
    unsaid = getattr(options, "numprocesses", 0) is None and not options.usepdb
    if not (whole and unsaid):
        return []
    return [f"--numprocesses={_PER_CORE * (os.cpu_count() or 1)}", "--dist=worksteal"]


def pytest_configure(config: pytest.Config) -> None:
    """Refuse names on the command line that no driver has."""
    for name in config.getoption(_INI) or ():
        reason = _drivers.obstacle(name)
        if reason is not None:
            raise pytest.UsageError(f"{_OPTION} {name}: {reason}")


def choose(config: pytest.Config) -> list[str]:
    """Return the names of the drivers that tests are to run on."""
    if _CHOSEN not in config.stash:
        config.stash[_CHOSEN] = _choose(config)
    return config.stash[_CHOSEN]


def _choose(config: pytest.Config) -> list[str]:
    if _drivers.prepared is not None:
        return [_drivers.prepared]
    named: Sequence[str] = config.getoption(_INI) or config.getini(_INI)
    return list(dict.fromkeys(named)) or _drivers.installed()


def parameters(values: Sequence[tuple[str, str, Any]]) -> list[Any]:
    """Return the parameters of a test; skipped where its driver cannot run.

    :param values: for each, an id, the name of its driver, and the parameter.
    """
    found = []
    for id_, name, value in values:
        reason = _drivers.obstacle(name)
        marks = [] if reason is None else [pytest.mark.skip(reason=reason)]
        found.append(pytest.param(value, id=id_, marks=marks))
    return found


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Multiply tests by drivers."""
    if _FIXTURE in metafunc.fixturenames:
        names = choose(metafunc.config)
        metafunc.parametrize(
            _FIXTURE, parameters([(one, one, one) for one in names]), indirect=True
        )


@pytest.fixture
def oslo_service_driver(request: pytest.FixtureRequest) -> Iterator[Any]:
    """The driver that this run of the test is for, selected in this process."""
    with _drivers.on_driver(request.param) as driver:
        yield driver


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Put what runs in another process last, driver by driver."""
    elsewhere = {item: name for item in items if (name := _elsewhere(item))}
    if elsewhere:
        items.sort(key=lambda item: elsewhere.get(item, ""))
        config.pluginmanager.register(_isolation.Controller(config, elsewhere))


def _elsewhere(item: pytest.Item) -> str | None:
    """Return the driver for which an item has to run in another process."""
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    name: str | None = parameters.get(_FIXTURE)
    if name is None or any(item.iter_markers("skip")):
        return None
    return name if _drivers.needs_own_process(name) else None
