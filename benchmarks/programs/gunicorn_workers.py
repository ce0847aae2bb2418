# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The same with gunicorn: ``gunicorn_workers WORKERS [exit]``."""

import os
import sys

from gunicorn.app.base import BaseApplication

from programs._report import report

_workers, *_crash = sys.argv[1:]


class Application(BaseApplication):
    """Workers that serve nothing."""

    def load_config(self):
        """Set the options."""
        self.cfg.set("workers", int(_workers))
        self.cfg.set("bind", "127.0.0.1:0")
        self.cfg.set("control_socket_disable", True)
        self.cfg.set("post_worker_init", _started)

    def load(self):
        """Return the WSGI application."""
        return lambda _environ, _start_response: []


def _started(worker):
    del worker
    report("start")
    if "exit" in _crash:
        os._exit(1)


if __name__ == "__main__":
    report("launch")
    Application("%(prog)s").run()
