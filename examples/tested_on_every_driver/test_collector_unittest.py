# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The collector's tests, for unittest, stestr and what else runs such."""

import time
import unittest

import collector

from oslo_service.testing import scenarios

LIMIT = 30.0


class TestCollector(scenarios.OnEveryDriver, unittest.TestCase):
    """Each test runs once a driver, and once a period."""

    backends = ("threading", "eventlet", "gevent")
    scenarios = [("often", {"period": 1.0}), ("rarely", {"period": 3600.0})]

    def test_every_source_is_asked(self):
        """The first time is at once, whatever the period."""
        collected = collector.Collector({"slow": self.slow}, self.period)
        collected.start()
        self.addCleanup(collected.stop)

        end = time.monotonic() + LIMIT
        while not collected.values and time.monotonic() < end:
            time.sleep(0.001)

        self.assertEqual({"slow": 1.0}, collected.values)
        self.assertEqual(self.driver_name, self.driver.name)

    @staticmethod
    def slow():
        """A source that takes its time."""
        time.sleep(0.01)
        return 1.0
