# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The example of monitoring: rules and dashboard, in a real Prometheus."""

import contextlib
import json
import re
import shutil
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from oslo_service.testing.live import Live
from oslo_service.testing.waiting import LIMIT

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "monitoring"
SERVICE = ROOT / "examples" / "inventory" / "main.py"
PAGE = ROOT / "doc" / "source" / "metrics.rst"
DASHBOARD = json.loads((EXAMPLE / "dashboard.json").read_text("utf-8"))
RULES = (EXAMPLE / "alerts.yml").read_text("utf-8")

#: What the variables of the dashboard stand for.
VARIABLES = {"$job": "inventory", "$instance": ".*"}

prometheus = pytest.mark.skipif(
    shutil.which("prometheus") is None,
    reason="the Debian package prometheus is not installed",
)


def expressions() -> list[str]:
    """Return what the dashboard asks."""
    found = [
        target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]
    ]
    for name, value in VARIABLES.items():
        found = [one.replace(name, value) for one in found]
    return found


def test_whatever_is_asked_for_is_documented() -> None:
    page = PAGE.read_text("utf-8").replace("``_busy``", "``oslo_service_pool_busy``")
    asked = set(re.findall(r"\boslo_service_\w+", " ".join([*expressions(), RULES])))
    known = set(re.findall(r"\boslo_service_\w+", page))
    histograms = {
        f"{one}{end}" for one in known for end in ("_bucket", "_sum", "_count")
    }
    assert asked <= known | histograms
    assert len(asked) > 15


@prometheus
def test_promtool_has_nothing_to_say_against_it() -> None:
    for what in (("config", "prometheus.yml"), ("rules", "alerts.yml")):
        done = subprocess.run(
            ["promtool", "check", *what],
            cwd=EXAMPLE,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


class Prometheus:
    """A server that scrapes a port every second, by the example's configuration."""

    def __init__(self, place: Path, target: int) -> None:
        config = (EXAMPLE / "prometheus.yml").read_text("utf-8")
        config = config.replace("9001", str(target)).replace("15s", "1s")
        config = config.replace(
            "  scrape_interval", "  evaluation_interval: 1s\n  scrape_interval"
        )
        (place / "prometheus.yml").write_text(config, "utf-8")
        shutil.copy(EXAMPLE / "alerts.yml", place)
        self._address = f"127.0.0.1:{free_port()}"
        self._log = (place / "log").open("wb")
        self.process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={place / 'prometheus.yml'}",
                f"--storage.tsdb.path={place / 'data'}",
                f"--web.listen-address={self._address}",
            ],
            stdout=self._log,
            stderr=self._log,
        )

    def ask(self, path: str, **query: str) -> Any:
        """Ask its interface; give the data of the answer."""
        text = urllib.parse.urlencode(query)
        with urllib.request.urlopen(
            f"http://{self._address}/api/v1/{path}?{text}", timeout=LIMIT
        ) as answer:
            said = json.load(answer)
        assert said["status"] == "success", said
        return said["data"]

    def value(self, expression: str) -> float | None:
        """Return the value of an expression; None: there is none yet."""
        try:
            result = self.ask("query", query=expression)["result"]
        except OSError:  # it does not listen yet
            return None
        return float(result[0]["value"][1]) if result else None

    def end(self) -> None:
        self.process.terminate()
        self.process.wait(LIMIT)
        self._log.close()


@pytest.fixture
def scraped(tmp_path) -> Iterator[Prometheus]:
    """A Prometheus that scrapes the example service."""
    port, tree = free_port(), tmp_path / "tree"
    tree.mkdir()
    config = tmp_path / "inventory.conf"
    config.write_text(
        f"[oslo_service]\nadmin_address = 127.0.0.1:{port}\n"
        f"[inventory]\nworkers = 2\ninterval = 0.5\ndatabase = {tmp_path / 'db'}\n"
    )
    service = Live([str(SERVICE), "--config-file", str(config), str(tree)], {})
    with contextlib.ExitStack() as stack:
        stack.callback(service.clean_up)
        found = Prometheus(tmp_path, port)
        stack.callback(found.end)
        yield found


def until(there: Prometheus, expression: str, wanted: float) -> None:
    """Wait until an expression has a value."""
    end = time.monotonic() + LIMIT
    while (value := there.value(expression)) != wanted:
        assert time.monotonic() < end, f"{expression} is {value}, not {wanted}"
        time.sleep(0.1)


@prometheus
def test_a_real_one_scrapes_the_example_service(scraped) -> None:
    until(scraped, "up", 1)
    until(scraped, 'sum(oslo_service_workers{state="ready"})', 2)
    until(scraped, "oslo_service_ready", 1)
    until(scraped, "count(oslo_service_loop_last_run_timestamp_seconds) > bool 0", 1)
    (target,) = scraped.ask("targets")["activeTargets"]
    assert (target["health"], target["lastError"]) == ("up", "")
    for expression in expressions():
        scraped.ask("query", query=expression)
    groups = scraped.ask("rules")["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert len(rules) == RULES.count("- alert:")
    assert [one for one in rules if one["health"] == "err"] == []
    assert [one["name"] for one in rules if one["state"] == "firing"] == []
