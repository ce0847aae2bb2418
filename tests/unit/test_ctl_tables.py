# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What ``ctl`` shows to people."""

from pathlib import Path

import pytest

from oslo_service.admin.ctl import tables

ROOT = Path(__file__).parents[2]
PLAIN, COLOURED = tables.Style(colours=False), tables.Style(colours=True)

WORKER = {
    "slot": 0,
    "pid": 5120,
    "state": "ready",
    "age": 4321.0,
    "generation": 2,
    "restarts": {"ordered": 2, "unexpected": 1},
    "memory": 19_083_264,
    "work": {"count": 3, "oldest": 0.42},
    "health": {"status": "fail", "checks": {"database": "fail"}},
    "problem": None,
}
STATUS = {
    "schema": 1,
    "state": "ready",
    "ready": True,
    "version": "5.0.0",
    "python": "3.11.7",
    "uptime": 277_200.0,
    "process": {
        "pid": 4711,
        "command": ["/opt/inventory/__main__.py", "--x"],
        "memory": 32_925_286,
    },
    "driver": {"name": "threading", "chosen_by": "the default"},
    "services": [
        {
            "name": "inventory.Api",
            "slots": 2,
            "ready": True,
            "here": False,
            "workers": [
                WORKER,
                {
                    **WORKER,
                    "slot": 1,
                    "pid": None,
                    "state": "paused",
                    "age": None,
                    "memory": None,
                    "work": None,
                    "health": None,
                    "restarts": {},
                },
            ],
        }
    ],
    "reloads": {"finished": 2, "failed": 1},
    "listeners": [
        {"name": "api", "host": "0.0.0.0", "port": 8080},
        {"name": "api6", "host": "::1", "port": 80},
        {"name": "unix", "host": "/run/s", "port": None},
    ],
}


def test_the_status_is_a_few_lines_and_a_table() -> None:
    assert tables.status(STATUS, PLAIN) == [
        (
            "inventory: ready; pid 4711, up 3d5h, 31.4 MiB, driver threading,"
            " oslo.service 5.0.0, Python 3.11.7"
        ),
        "Reloads: 2 finished, 1 failed",
        "",
        (
            "SERVICE        SLOT  PID   STATE   AGE    GEN  RESTARTS                 "
            "MEMORY    WORK  OLDEST  HEALTH"
        ),
        (
            "inventory.Api  0     5120  ready   1h12m  2    2 ordered, 1 unexpected  "
            "18.2 MiB  3     0.4s    fail"
        ),
        (
            "inventory.Api  1     -     paused  -      2    0                        "
            "-         -     -       -"
        ),
        "",
        "Listens on: 0.0.0.0:8080 (api), [::1]:80 (api6), /run/s (unix)",
    ]


def test_what_the_pages_show_is_what_it_prints() -> None:
    """Two reloads, and since then a worker that has died."""
    rows = [
        (5120, "ready", 4_350.0, {"ordered": 2}, 18.2, (3, 0.4), "pass"),
        (5121, "ready", 4_350.0, {"ordered": 2}, 18.9, (1, 12.0), "fail"),
        (
            6007,
            "starting",
            0.2,
            {"ordered": 2, "unexpected": 1},
            9.7,
            (0, None),
            "pass",
        ),
    ]
    workers = [
        {
            **WORKER,
            "slot": slot,
            "pid": pid,
            "state": state,
            "age": age,
            "restarts": restarts,
            "memory": mebibytes * (1 << 20),
            "work": dict(zip(("count", "oldest"), work, strict=True)),
            "health": {"status": health},
        }
        for slot, (pid, state, age, restarts, mebibytes, work, health) in enumerate(
            rows
        )
    ]
    (service,) = STATUS["services"]
    shown = {**STATUS, "uptime": 273_900.0, "listeners": STATUS["listeners"][:1]}
    shown |= {"services": [{**service, "workers": workers}]}
    for page in ("README.rst", "doc/source/admin.rst"):
        text = (ROOT / page).read_text("utf-8")
        block = "\n".join(
            f"    {line}".rstrip() for line in tables.status(shown, PLAIN)
        )
        assert block in text, f"{page} is to show:\n{block}"


def test_colours_say_what_is_good_and_what_is_not() -> None:
    shown = "\n".join(tables.status(STATUS, COLOURED))
    assert "\x1b[32mready" in shown
    assert "\x1b[33mpaused" in shown
    assert "\x1b[31mfail" in shown


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "-"),
        (0.04, "0.0s"),
        (9.94, "9.9s"),
        (59.6, "1m0s"),
        (3599, "59m59s"),
        (3600, "1h0m"),
        (86_400 * 400, "400d0h"),
    ],
)
def test_a_time_has_two_units(seconds, text) -> None:
    assert tables.seconds(seconds) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (None, "-"),
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (5e15, "4547.5 TiB"),
    ],
)
def test_a_size_has_one(number, text) -> None:
    assert tables.size(number) == text


def test_a_worker_that_does_not_answer_is_named_below_the_table() -> None:
    (service,) = STATUS["services"]
    silent = {**WORKER, "slot": 2, "pid": 5121, "work": None, "problem": "no answer"}
    service = {**service, "workers": [*service["workers"], silent]}
    lines = tables.status({**STATUS, "services": [service]}, PLAIN)
    assert lines[-3:-1] == ["inventory.Api/2 (pid 5121): no answer", ""]


def test_loops_and_events_are_shown_in_times_that_people_read() -> None:
    loop = {
        "name": "scan",
        "kind": "FixedIntervalLoopingCall",
        "interval": "every 10 s",
        "state": "pausing",
        "last_run": 63.25,
        "next_run": None,
        "late": 0.0,
    }
    here = {"service": None, "worker": None, "pid": 6, "problem": None}
    head, row = tables.loops({"processes": [{**here, "loops": [loop]}]}, PLAIN)
    assert head.endswith("LAST RUN  NEXT RUN  LATE")
    assert row.split()[-4:] == ["pausing", "1m3s", "-", "0.0s"]
    ready = {"event": "WorkerReady", "time": 0.0, "id": 7, "seconds": 0.123456789}
    (line,) = tables.events([ready])
    assert line.endswith(" WorkerReady seconds=0.123")


def test_who_does_not_answer_is_named() -> None:
    silent = {"service": "api", "worker": 1, "pid": 7, "problem": "no answer"}
    here = {"service": None, "worker": None, "pid": 6, "problem": None}
    work = {"kind": "request", "name": "GET /", "id": None, "age": 1.0, "task": "x"}
    lines = tables.work(
        {"processes": [{**here, "work": [work]}, {**silent, "work": []}]}, PLAIN
    )
    assert lines[1].split() == ["pid", "6", "request", "GET", "/", "-", "1.0s", "x"]
    assert lines[-1] == "api/1 (pid 7): no answer"
