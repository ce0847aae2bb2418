# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What there is of the admin endpoint where no option asks for it: nothing."""

from pathlib import Path

import pytest

from oslo_service.testing.waiting import run_script

SERVICE = """
import os, sys, threading
from oslo_config import cfg
from oslo_service import service

class Short(service.Service):
    def start(self):
        loaded = [one for one in sys.modules if one.startswith(("oslo_service.admin",
                  "oslo_service.monitoring", "prometheus_client", "httptools"))]
        print("worker", loaded, flush=True)
        os.kill(os.getppid() if int(sys.argv[1]) > 1 else os.getpid(), 15)

cfg.CONF([sys.argv[2]] if sys.argv[2] else [], project="short")
launcher = service.launch(cfg.CONF, Short(), workers=int(sys.argv[1]))
status = launcher.wait()
loaded = [one for one in sys.modules if one.startswith("oslo_service.admin")]
threads = threading.active_count() if int(sys.argv[1]) > 1 else 1
print("parent", bool(loaded), threads)
sys.exit(status)
"""


@pytest.mark.parametrize("workers", ["1", "2"])
def test_nothing_is_imported(workers: str) -> None:
    done = run_script(SERVICE, workers, "")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[-1] == "parent False 1"
    assert set(lines[:-1]) == {"worker []"}


def test_there_is_no_thread_in_a_parent_that_has_it(tmp_path: Path) -> None:
    config = tmp_path / "conf"
    config.write_text(f"[oslo_service]\nadmin_socket = {tmp_path / 'socket'}\n")
    done = run_script(SERVICE, "2", f"--config-file={config}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "parent True 1"
