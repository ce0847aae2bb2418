# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The first service that a newcomer writes works as written."""

import signal

import pytest

from oslo_service.testing.live import Live

PROGRAM = """
import os
import sys
import time

from oslo_config import cfg

from oslo_service import service

CONF = cfg.CONF


class First(service.ServiceBase):
    def __init__(self, conf):
        super().__init__(conf)
        self.over = False

    def start(self):
        print(f"started in {os.getpid()} with {type(self.conf).__name__}\\n", end="")

    def stop(self):
        self.over = True

    def wait(self):
        while not self.over:
            time.sleep(0.1)


CONF([], project="first")
launcher = service.launch(CONF, First(CONF), workers=int(sys.argv[1]))
launcher.wait()
print("and that was all")
"""
PATCH = "import eventlet; eventlet.monkey_patch()\n"


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("top", ["", PATCH], ids=["plain", "patched"])
def test_it_starts_stops_and_goes_on_to_its_own_last_line(
    tmp_path, workers: int, top: str
) -> None:
    path = tmp_path / "first.py"
    path.write_text(top + PROGRAM, encoding="ascii")
    program = Live([str(path), str(workers)], {"PYTHONUNBUFFERED": "1"})
    try:
        program.expect_text("started in ", workers)
        program.expect_text(" with ConfigOpts", workers)
        assert program.end(signal.SIGTERM) == 0, program.transcript
        assert program.transcript.endswith("and that was all\n")
        assert program.transcript.count("started in") == workers
    finally:
        program.clean_up()
