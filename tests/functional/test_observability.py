# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Tools that collect something in workers lose nothing of it, as the examples show."""

import gzip
import http.server
import pstats
import re
import shutil
import signal
import threading
from pathlib import Path

import pytest

from oslo_service.testing.http_client import Client, get
from oslo_service.testing.live import Live, children
from oslo_service.testing.waiting import run_python

pytestmark = pytest.mark.starts_processes

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
WORKERS = 2


@pytest.fixture
def run(driver_name, tmp_path, monkeypatch):
    """Runs a copy of an example."""
    shutil.copytree(EXAMPLES / "observability", tmp_path, dirs_exist_ok=True)
    shutil.copytree(EXAMPLES / "logging", tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    programs = []

    def start(*command, **environment):
        programs.append(
            Live(
                [*command],
                {"OS_OSLO_SERVICE__BACKEND": driver_name, **environment},
            )
        )
        return programs[-1]

    yield start
    for one in programs:
        one.clean_up()


def test_opentelemetry_exports_the_last_span_of_each_worker(run):
    pytest.importorskip("opentelemetry.sdk.trace.export")
    program = run("tracing.py")
    program.expect_text("working", WORKERS)

    assert program.end() == 0, program.transcript
    for name in ("work", "the last span"):
        assert program.transcript.count(f'"name": "{name}"') >= WORKERS
    assert "Traceback" not in program.transcript


class Ingest(http.server.BaseHTTPRequestHandler):
    """Takes what Sentry is sent."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.server.bodies.append(body.decode())
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass


@pytest.fixture
def ingest():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Ingest) as server:
        server.bodies = []
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_sentry_is_sent_the_last_error_of_each_worker(run, ingest):
    pytest.importorskip("sentry_sdk")
    dsn = f"http://key@127.0.0.1:{ingest.server_address[1]}/1"
    program = run("errors.py", SENTRY_DSN=dsn, no_proxy="*")
    program.expect_text("working", WORKERS)

    assert program.end() == 0, program.transcript
    for text in ("it does not work", "the last error"):
        sent = sum(text in body for body in ingest.bodies)
        assert sent >= WORKERS, ingest.bodies


def scraped(program):
    port = int(re.search(r"127\.0\.0\.1:(\d+)/metrics", program.transcript)[1])
    with Client(("127.0.0.1", port)) as client:
        client.send(get("/metrics"))
        text = client.answer().body.decode()
    return {
        name: float(value)
        for name, value in re.findall(r"^(\w+) (\S+)$", text, re.MULTILINE)
    }


def test_prometheus_is_told_of_all_workers_and_of_none_that_is_dead(run):
    pytest.importorskip("prometheus_client")
    program = run("metrics.py")
    program.expect_text("/metrics")
    program.until(lambda: scraped(program).get("alive") == WORKERS, "all are alive")
    program.until(lambda: scraped(program).get("beats_total", 0) > WORKERS, "beats")
    before = scraped(program)["beats_total"]

    program.kill(signal.SIGKILL, min(children(program.pid)))
    program.until(lambda: len(children(program.pid)) == WORKERS + 1, "another")
    program.until(
        lambda: (
            scraped(program).get("alive") == WORKERS
            and scraped(program)["beats_total"] > before
        ),
        "the dead one does not count, and what it has counted does",
    )
    assert program.end() == 0, program.transcript


def test_yappi_writes_a_profile_of_each_worker(run, tmp_path):
    pytest.importorskip("yappi")
    program = run("profiling.py")
    program.expect_text("working", WORKERS)

    assert program.end() == 0, program.transcript
    profiles = list(tmp_path.glob("profile.*"))
    assert len(profiles) == WORKERS
    for path in profiles:
        names = {name for _, _, name in pstats.Stats(str(path)).stats}
        assert any("work" in name for name in names), names


def test_coverage_knows_what_workers_have_run(run, driver_name, tmp_path):
    pytest.importorskip("coverage", minversion="7.10")
    pytest.importorskip("opentelemetry.sdk.trace.export")
    rc = tmp_path / "coveragerc"
    if driver_name != "threading":
        rc.write_text(rc.read_text().replace("= thread", f"= {driver_name}"))
    coverage = ("-m", "coverage", "run", "--rcfile", str(rc))
    program = run(*coverage, "--include", "tracing.py", "tracing.py")
    program.expect_text("working", WORKERS)
    assert program.end() == 0, program.transcript

    combined = run_python("-m", "coverage", "combine", "--rcfile", str(rc))
    assert combined.returncode == 0, combined.stdout + combined.stderr
    report = run_python("-m", "coverage", "report", "--rcfile", str(rc), "-m").stdout
    assert re.search(r"^tracing\.py +\d+ +0 ", report, re.MULTILINE), report


def test_oslo_log_logs_of_all_workers_and_changes_its_level(run, tmp_path):
    pytest.importorskip("oslo_log")
    file = tmp_path / "heart.conf"
    file.write_text("[DEFAULT]\ndebug = false\n")
    program = run("with_oslo_log.py", "--config-file", str(file))
    program.expect_text("INFO heart", WORKERS)
    assert "DEBUG heart" not in program.transcript

    file.write_text("[DEFAULT]\ndebug = true\n")
    program.kill(signal.SIGHUP)
    workers = children(program.pid)
    program.until(
        lambda: all(f" {pid} DEBUG heart" in program.transcript for pid in workers),
        "every worker logs more",
    )
    assert program.end() == 0, program.transcript
