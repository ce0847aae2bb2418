# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What there is of the admin endpoint where no option asks for it: nothing."""

from pathlib import Path

import pytest

from oslo_service.testing.waiting import run_script

SERVICE = """
from oslo_service import backend
backend.bootstrap(argv=[])
import os, sys
from oslo_config import cfg
from oslo_service import service
from oslo_service._common import instruments
from oslo_service.supervisor.exchange import registry

if "wants" in sys.argv:
    registry.want()

# Whoever has it first counts, and ends everything.
ours, theirs = os.pipe()
os.write(theirs, b"x")
os.set_blocking(ours, False)

def say(what):
    sys.stdout.write(what + "\\n")
    sys.stdout.flush()

class Short(service.Service):
    def start(self):
        loaded = [one for one in sys.modules if one.startswith(("oslo_service.admin",
                  "oslo_service.monitoring", "prometheus_client", "httptools"))]
        if "measures" not in sys.argv:
            say(f"worker {loaded}")
        if sys.argv[3:]:
            say(f"measures {instruments.meters()}")
        try:
            backend.get_backend().original("os").read(ours, 1)
        except BlockingIOError:
            return
        parent = os.getppid() if int(sys.argv[1]) > 1 else os.getpid()
        say(f"threads {len(os.listdir(f'/proc/{parent}/task'))}")
        os.kill(parent, 15)

cfg.CONF([sys.argv[2]] if sys.argv[2] else [], project="short")
launcher = service.launch(cfg.CONF, Short(), workers=int(sys.argv[1]))
status = launcher.wait()
loaded = [one for one in sys.modules if one.startswith("oslo_service.admin")]
say(f"parent {bool(loaded)}")
sys.exit(status)
"""


def run(driver: str, workers: str, *arguments: str) -> set[str]:
    """Return what a service prints until it has ended."""
    environment = {"OS_OSLO_SERVICE__BACKEND": driver}
    done = run_script(SERVICE, workers, *arguments, env=environment)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines())


@pytest.mark.parametrize("workers", ["1", "2"])
def test_nothing_is_imported(driver_name: str, workers: str) -> None:
    said = run(driver_name, workers, "")
    assert {"worker []", "parent False"} < said
    assert len(said) == 3
    assert "threads 1" in said or workers == "1"


def test_nothing_is_measured_for_one_that_cannot_be_opened(
    driver_name: str, tmp_path: Path
) -> None:
    config = tmp_path / "conf"
    config.write_text(f"[oslo_service]\nadmin_socket = {tmp_path / 'no' / 'socket'}\n")
    said = run(driver_name, "2", f"--config-file={config}", "measures")
    assert {"measures None", "parent True"} < said
    assert len(said) == 3


def test_nor_imported_in_workers_that_tell_their_parent_something_else(
    driver_name: str,
) -> None:
    said = run(driver_name, "2", "", "wants")
    assert {"worker []", "measures None", "parent False"} < said
    assert len(said) == 4


def test_there_is_no_thread_in_a_parent_that_has_it(
    driver_name: str, tmp_path: Path
) -> None:
    config = tmp_path / "conf"
    config.write_text(f"[oslo_service]\nadmin_socket = {tmp_path / 'socket'}\n")
    said = run(driver_name, "2", f"--config-file={config}")
    assert {"threads 1", "parent True"} < said
