# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Counts with prometheus_client, in each worker, and has the sums scraped."""

from oslo_service import backend

backend.bootstrap("measured")

import os
import sys
import tempfile

# A new one each time: what an earlier run has left there would count.
os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="metrics-")

import prometheus_client
from oslo_config import cfg
from prometheus_client import multiprocess

from oslo_service import events, service, wsgi

CONF = cfg.CONF
BEATS = prometheus_client.Counter("beats", "Beats of all hearts, also of dead ones")
ALIVE = prometheus_client.Gauge("alive", "Hearts", multiprocess_mode="livesum")


class Heart(service.Service):
    """Beats."""

    def start(self) -> None:
        """Begin to beat."""
        ALIVE.set(1)
        self.tg.add_timer(0.2, BEATS.inc)


def scrape(environ, start_response):  # noqa: ANN001, ANN201 - WSGI
    """Answer with what all processes have written so far."""
    registry = prometheus_client.CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)
    return prometheus_client.make_wsgi_app(registry)(environ, start_response)


def forget(event: events.Event) -> None:
    """Have a worker that has ended not count as alive."""
    if isinstance(event, events.WorkerEnded):
        multiprocess.mark_process_dead(event.pid)


def main() -> int:
    """Run the service to its end; give the exit status."""
    CONF(sys.argv[1:], project="measured")
    events.subscribe(forget)
    server = wsgi.Server(CONF, "metrics", scrape, host="127.0.0.1", port=0)
    launcher = service.ProcessLauncher(CONF)
    launcher.launch_service(Heart(), workers=2)
    launcher.launch_service(server)
    print(f"curl http://127.0.0.1:{server.port}/metrics", flush=True)
    return launcher.wait()


if __name__ == "__main__":
    sys.exit(main())
