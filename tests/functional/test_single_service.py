# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A single service of two processes without parents, one of which is paused.

Nobody can stop it before the other one takes over: how long both run is measured.
"""

import contextlib
import signal
import time

import pytest

from oslo_service.testing.live import Live
from oslo_service.testing.servers import Redis

LEASE = 5
# How long one that has woken up may go on, on a machine that is busy, in seconds; on
# one that is not, it is some milliseconds.
OVERLAP = 3.0
PROGRAM = """
import json, os, time

from oslo_service import backend

backend.bootstrap(argv=[])

from oslo_config import cfg
from oslo_service import cluster, service


class Alone(service.Service):
    def start(self):
        tell("leads")

    def stop(self, graceful=False):
        tell("stop")
        super().stop(graceful)


def tell(what):
    print(json.dumps({"event": what, "pid": os.getpid(), "at": time.monotonic()}))


cfg.CONF([], project="alone", default_config_files=[])
service.launch(cfg.CONF, cluster.SingleService(Alone())).wait()
"""

pytestmark = pytest.mark.starts_processes


@pytest.fixture
def programs(driver_name, tmp_path):
    """Two programs, of which one leads."""
    if Redis.obstacle():
        pytest.skip(Redis.obstacle())
    path = tmp_path / "alone.py"
    path.write_text(PROGRAM)
    (home := tmp_path / "redis").mkdir()
    with contextlib.ExitStack() as running:
        server = running.enter_context(Redis(home))
        environment = {
            "OS_OSLO_SERVICE__BACKEND": driver_name,
            "OS_OSLO_SERVICE__CLUSTER_URL": server.url,
            "OS_OSLO_SERVICE__CLUSTER_LEASE": str(LEASE),
            "PYTHONUNBUFFERED": "1",
        }
        found = [Live([str(path)], environment) for _ in range(2)]
        for one in found:
            running.callback(one.clean_up)
        yield found


def test_one_that_was_paused_stops_when_it_wakes_up(programs):
    def leading():
        return [one for one in programs if one.events("leads")]

    programs[0].until(leading, "one leads")
    (first,) = leading()
    (second,) = (one for one in programs if one is not first)
    paused = time.monotonic()
    first.kill(signal.SIGSTOP)
    (taken,) = second.expect("leads")
    assert taken["at"] - paused < LEASE + 1.0 + OVERLAP
    woken = time.monotonic()
    first.kill(signal.SIGCONT)

    (stopped,) = first.expect("stop")

    assert stopped["at"] - woken < OVERLAP
    for one in programs:
        assert one.end() == 0
