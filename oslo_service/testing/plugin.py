# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A pytest plugin that runs tests once per driver.

A test, or a fixture that it uses, that asks for ``scenario``, ``driver_name``
or ``driver`` runs once for each driver; where its class has ``scenarios`` of
its own (as testscenarios has them), once for each combination. What a scenario
says becomes attributes of the test's instance. The driver's name is in the
test's id.
"""

from collections.abc import Iterator

import pytest

from oslo_service import backend
from oslo_service.backend.base import Driver
from oslo_service.testing import scenarios

__all__ = ("driver", "driver_name", "scenario")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--backend``."""
    parser.addoption(
        "--backend",
        action="append",
        metavar="NAME",
        help="run the tests of oslo.service's contract on this driver (may be"
        f" repeated; default: {' and '.join(scenarios.BUILT_IN)})",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Multiply tests by drivers, and by their class's scenarios."""
    if "scenario" not in metafunc.fixturenames:
        return
    drivers = metafunc.config.getoption("--backend") or scenarios.BUILT_IN
    own = getattr(metafunc.cls, "scenarios", ())
    found = scenarios.per_driver(drivers, own)
    metafunc.parametrize(
        "scenario",
        [values for _, values in found],
        ids=[name for name, _ in found],
        indirect=True,
    )


@pytest.fixture
def scenario(request: pytest.FixtureRequest) -> dict[str, object]:
    """What distinguishes this run of the test from its other runs."""
    values: dict[str, object] = request.param
    for name, value in values.items():
        if request.instance is not None:
            setattr(request.instance, name, value)
    return values


@pytest.fixture
def driver_name(scenario: dict[str, object]) -> str:
    """The name of the driver that this run of the test is for."""
    return str(scenario["driver_name"])


@pytest.fixture
def driver(driver_name: str) -> Iterator[Driver]:
    """The driver that this run of the test is for, selected in this process."""
    backend._reset_backend()
    try:
        backend.init_backend(driver_name)
    except backend.exceptions.UnsupportedBackendError as exc:
        pytest.skip(str(exc))
    yield backend.get_backend()
    backend._reset_backend()
