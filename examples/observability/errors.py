# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Reports errors to Sentry, from each worker, to the last."""

from oslo_service import backend

backend.bootstrap("reported")

import functools
import logging
import sys

import sentry_sdk
from oslo_config import cfg

from oslo_service import service

CONF = cfg.CONF
LOG = logging.getLogger("reported")


@functools.cache
def set_up() -> None:
    """Begin to report, once in this process, to what SENTRY_DSN names."""
    sentry_sdk.init()


class Reported(service.Service):
    """Fails once, and says at the end that it was no good."""

    def start(self) -> None:
        """Begin to work."""
        set_up()
        self.tg.add_timer(60, self.work)

    def work(self) -> None:
        """Fail, which the library logs."""
        print("working", flush=True)
        raise RuntimeError("it does not work")

    def stop(self) -> None:
        """Stop, and complain."""
        LOG.error("the last error")
        super().stop()


def main() -> int:
    """Run the service to its end; give the exit status."""
    CONF(sys.argv[1:], project="reported")
    return service.launch(CONF, Reported(), workers=2).wait()


if __name__ == "__main__":
    sys.exit(main())
