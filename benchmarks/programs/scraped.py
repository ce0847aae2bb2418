# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Workers that measure: ``scraped PLAYER WORKERS SERIES SOCKET``.

The player is a driver: the parent answers scrapes; or ``multiprocess``: one process of
several answers, from the files of prometheus_client's multiprocess mode.
"""

import os
import signal
import socket
import sys
import tempfile

_player, _workers, _series, _path = sys.argv[1:]
if _player == "multiprocess":
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp()
else:
    from harness.inside import select

    select(_player)

import prometheus_client  # noqa: E402 - after the choice
from prometheus_client import multiprocess  # noqa: E402
from prometheus_client.openmetrics import exposition  # noqa: E402

from programs._report import report  # noqa: E402

#: A series each, but for the histograms, which have seventeen.
COUNTER = prometheus_client.Counter("jobs", "Jobs that were done.", ["kind", "host"])
GAUGE = prometheus_client.Gauge("depth", "How many wait.", ["queue"])
TOOK = prometheus_client.Histogram(
    "took", "How long it took.", ["kind"], unit="seconds"
)
_BUCKETS = 17


def measure():
    """Have so many series: half counters, a tenth gauges, the rest in histograms."""
    series = int(_series)
    counters, gauges = series // 2, series // 10
    for number in range(counters):
        COUNTER.labels("build", f"host{number}").inc(number)
    for number in range(gauges):
        GAUGE.labels(f"queue{number}").set(number)
    for number in range((series - counters - gauges) // _BUCKETS):
        TOOK.labels(f"kind{number}").observe(number)


def ours():
    """Run a service with an endpoint."""
    from oslo_config import cfg
    from oslo_service import opts, service

    class Measuring(service.Service):
        def start(self):
            measure()
            report("start")

    conf = cfg.CONF
    opts.register_service_opts(conf)
    conf([], project="benchmark", default_config_files=[])
    conf.set_override("admin_socket", _path, group="oslo_service")
    report("launch")
    service.launch(conf, Measuring(), workers=int(_workers)).wait()


def peer():
    """Fork workers, and answer scrapes in another process."""
    report("launch")
    for _ in range(int(_workers)):
        if os.fork() == 0:
            measure()
            report("start")
            while True:
                signal.pause()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(_path)
    listener.listen(16)
    while True:
        client, _ = listener.accept()
        client.recv(65536)
        registry = prometheus_client.CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)
        client.sendall(
            b"HTTP/1.0 200 OK\r\n\r\n" + exposition.generate_latest(registry)
        )
        client.close()


if __name__ == "__main__":
    (peer if _player == "multiprocess" else ours)()
