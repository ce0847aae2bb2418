# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The inventory service of the examples, as an operator has it."""

import contextlib
from pathlib import Path

import pytest

from oslo_service.testing.live import Live
from oslo_service.testing.test_admin import Site

SERVICE = Path(__file__).parents[2] / "examples" / "inventory" / "main.py"
FOUND = "Looking after partition"

pytestmark = pytest.mark.starts_processes


@pytest.mark.parametrize("driver", ["threading", "eventlet"])
def test_a_worker_that_follows_takes_over_when_the_one_before_has_gone(
    driver: str, tmp_path: Path
) -> None:
    """What it looks after can be looked after by one at a time."""
    tree, path, config = (tmp_path / one for one in ("tree", "admin.sock", "conf"))
    tree.mkdir()
    config.write_text(
        f"[oslo_service]\nadmin_socket = {path}\n"
        f"[inventory]\ninterval = 0.5\ndatabase = {tmp_path / 'db'}\n"
    )
    service = Live(
        [str(SERVICE), "--config-file", str(config), str(tree)],
        {"OS_OSLO_SERVICE__BACKEND": driver},
    )
    with contextlib.ExitStack() as stack:
        stack.callback(service.clean_up)
        service.expect_text(FOUND, 2)
        there = Site(service, config, path)
        first = there.until_workers(2)
        assert there.post("/recycle").status == 202
        counted = [{"recycled": 1}] * 2
        service.until(
            lambda: [one["restarts"] for one in there.workers()] == counted,
            "both workers are replaced",
        )
        assert not set(first) & set(there.until_workers(2))
        service.expect_text(FOUND, 4)
        assert service.end() == 0
