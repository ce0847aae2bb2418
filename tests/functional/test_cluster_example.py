# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The example of a cluster: its own tests pass, and its demonstration shows all."""

import shutil
import sys
from pathlib import Path

from oslo_service.testing.waiting import run_python

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "cluster"


def test_its_own_tests_pass(tmp_path: Path) -> None:
    shutil.copytree(EXAMPLE, tmp_path, dirs_exist_ok=True)
    done = run_python(
        *("-W", "ignore", "-m", "pytest", "-q", "-p", "no:cacheprovider"),
        *("--oslo-service-backend", "threading"),
        env={"PYTHONDONTWRITEBYTECODE": "1"},
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed" in done.stdout


def test_the_demonstration_needs_no_server(tmp_path: Path) -> None:
    done = run_python(
        *("-W", "ignore", str(EXAMPLE / "demo.py"), "--backend", "threading"),
        env={"PATH": str(Path(sys.executable).parent), "TMPDIR": str(tmp_path)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "they meet at file:" in done.stdout
    assert "none of them twice" in done.stdout
