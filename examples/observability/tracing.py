# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Traces with OpenTelemetry, from each worker, to the last."""

from oslo_service import backend

backend.bootstrap("traced")

import functools
import sys

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter
from oslo_config import cfg

from oslo_service import service

CONF = cfg.CONF
TRACER = trace.get_tracer("traced")  # finds the provider when it is used


@functools.cache
def set_up() -> None:
    """Make the provider, once in this process."""
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(ConsoleSpanExporter()))
    trace.set_tracer_provider(provider)


class Traced(service.Service):
    """Works every second."""

    def start(self) -> None:
        """Begin to work."""
        set_up()
        self.tg.add_timer(1, self.work)

    def work(self) -> None:
        """Do something that is traced."""
        with TRACER.start_as_current_span("work"):
            print("working", flush=True)

    def stop(self) -> None:
        """Stop; that is traced, too."""
        with TRACER.start_as_current_span("the last span"):
            super().stop()


def main() -> int:
    """Run the service to its end; give the exit status."""
    CONF(sys.argv[1:], project="traced")
    return service.launch(CONF, Traced(), workers=2).wait()


if __name__ == "__main__":
    sys.exit(main())
