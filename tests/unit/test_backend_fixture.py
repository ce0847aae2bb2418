# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The fixture that selects a driver for a while."""

import pytest

from oslo_service import backend, fixture, loopingcall
from oslo_service.backend.exceptions import UnsupportedBackendError


def tell():
    raise loopingcall.LoopingCallDone(backend.get_backend_type())


class TestBackendFixture:
    def test_it_selects_a_driver_for_a_while(self, driver):
        backend.register_backend_default_hook(lambda: "other")
        for name in ("threading", "eventlet"):
            with fixture.BackendFixture(name) as selected:
                assert backend.get_backend() is selected.driver
                assert selected.driver.name == name
                loop = loopingcall.FixedIntervalLoopingCall(tell)
                assert loop.start(1).wait() is backend.BackendType(name)
            assert backend.get_backend() is driver

    def test_it_brings_back_that_nothing_was_decided_and_the_hook(self, undecided):
        backend.register_backend_default_hook(lambda: "eventlet")
        with fixture.BackendFixture(backend.BackendType.THREADING):
            backend.register_backend_default_hook(None)
            assert backend.get_backend_type() is backend.BackendType.THREADING
        assert backend.get_backend_type() is None
        assert backend.get_backend().name == "eventlet"

    def test_a_driver_that_there_is_not_changes_nothing(self, driver):
        with (
            pytest.raises(UnsupportedBackendError, match="nonsense"),
            fixture.BackendFixture("nonsense"),
        ):
            pass
        assert backend.get_backend() is driver
