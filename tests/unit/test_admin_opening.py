# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What is left where the endpoint cannot be served: nothing of it."""

import errno
from collections.abc import Iterator
from pathlib import Path

import pytest
from oslo_config import cfg

from oslo_service import opts
from oslo_service._common import instruments
from oslo_service.admin import opening
from oslo_service.supervisor import subscribers
from oslo_service.supervisor.exchange import registry
from oslo_service.supervisor.loop import Supervisor


@pytest.fixture
def supervisor(driver) -> Iterator[Supervisor]:
    """One that has nothing launched, in a process where nobody asks for anything."""
    before = registry._registry.get()
    registry._registry.set(registry._Registry())
    found = Supervisor(driver)
    yield found
    found.abandon()
    registry._registry.set(before)
    instruments._meters.set(None)


def configured(**options: str) -> cfg.ConfigOpts:
    conf = cfg.ConfigOpts()
    opts.register_service_opts(conf)
    for name, value in options.items():
        conf.set_override(name, value, "oslo_service")
    return conf


def is_served(supervisor: Supervisor) -> bool:
    """Whether anything is there, and whatever is there only together."""
    hears = bool(subscribers._subscribers.get())
    assert bool(supervisor.added_sources) == hears == registry.is_wanted()
    assert (registry.hearer("metrics") is not None) == hears
    return hears


def test_one_that_is_served_hears_what_happens_until_it_is_closed(
    supervisor, tmp_path: Path
) -> None:
    path = tmp_path / "socket"
    conf = configured(admin_socket=str(path))
    assert opening.open_endpoint(supervisor, conf)
    assert is_served(supervisor)
    assert opening.open_endpoint(supervisor, conf), "it is open"
    (server,) = supervisor.added_sources
    server.close()
    assert subscribers._subscribers.get() == ()
    assert not path.exists()


def test_one_that_has_no_place_hears_nothing(supervisor, tmp_path: Path) -> None:
    nowhere = tmp_path / "missing" / "socket"
    assert not opening.open_endpoint(supervisor, configured(admin_socket=str(nowhere)))
    assert not is_served(supervisor)


def test_one_for_which_there_is_no_descriptor_hears_nothing(
    supervisor, tmp_path: Path, monkeypatch, caplog
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    path = tmp_path / "socket"
    monkeypatch.setattr(opening, "InterestList", refuse)
    assert not opening.open_endpoint(supervisor, configured(admin_socket=str(path)))
    assert "There is no admin endpoint: [Errno 24] Too many open files" in caplog.text
    assert not is_served(supervisor)
    assert not path.exists()
