#!/usr/bin/env python3
# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Disturb a supervised service in every way there is, and see that it survives.

One life of the service follows another: it is started, disturbed at random, left
alone, checked, and ended. What breaks a promise is told, and the status is 1.
"""

import argparse
import collections
import random
import signal
import sys
import time
from pathlib import Path

from oslo_service.testing import _drivers

import apart
from ledger import Violation
from life import Life
from subject import Plan

# In seconds, for one driver.
_LITTLE = 60.0
_METHODS = ("reload", "mutate", "rolling")


def main() -> int:
    """Run for so long; give the exit status."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    options = _options()
    disk = apart.go()
    seed = (
        random.SystemRandom().randrange(10**6) if options.seed is None else options.seed
    )
    print(f"Seed {seed}", flush=True)
    drivers = options.backend or _drivers.installed()
    good = [
        _run(driver, seed, 60 * options.minutes / len(drivers), options, disk)
        for driver in drivers
    ]
    return 0 if all(good) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="storm", description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0, help="in all (1)")
    parser.add_argument(
        "--backend", action="append", help="a driver (all); more than once for more"
    )
    parser.add_argument("--seed", type=int, help="of the random numbers (any)")
    parser.add_argument(
        "--phase", type=float, default=3.0, help="seconds of disturbance at a time (3)"
    )
    parser.add_argument(
        "--memory",
        action="store_true",
        help="take memory away, too: of a worker that had none anything may become,"
        " so look at what is found",
    )
    parser.add_argument(
        "--admin",
        action="store_true",
        help="with the admin endpoint, which is scraped, and misused, all the time: in"
        " every life, not in every other",
    )
    parser.add_argument(
        "--keep-going", action="store_true", help="after a violation, with another life"
    )
    return parser.parse_args()


def _run(
    driver: str,
    seed: int,
    seconds: float,
    options: argparse.Namespace,
    disk: Path | None,
) -> bool:
    rng = random.Random(f"{seed} {driver}")
    until = time.monotonic() + seconds
    # Short lives where there is little time, so that some end.
    most = 3 if seconds < _LITTLE else 8
    done: collections.Counter[str] = collections.Counter()
    lives = answered = scraped = violations = 0
    while time.monotonic() < until and (options.keep_going or not violations):
        # The first one has the endpoint: there may be time for no other.
        admin = options.admin or lives % 2 == 0
        plan = Plan(driver, rng.choice(_METHODS), admin=admin)
        life = Life(plan, rng.randrange(10**9), disk, memory=options.memory)
        begun = time.monotonic()
        try:
            life.live(rng.randrange(most), options.phase)
        except Violation as exc:
            violations += 1
            print(f"{driver}: VIOLATION: {exc}", flush=True)
        lives += 1
        print(
            f"  {driver}, {plan.restart_method}{', scraped' * admin}:"
            f" {life.ledger.done.total()} events in"
            f" {time.monotonic() - begun:.1f} s; {life.story()}",
            flush=True,
        )
        done += life.ledger.done
        answered += life.answered
        scraped += life.scraped
    print(
        f"{driver}: {done.total()} events in {lives} lives, {answered} requests"
        f" answered, {scraped} scrapes, {violations} violations",
        flush=True,
    )
    for what, count in sorted(done.items(), key=lambda item: -item[1]):
        print(f"  {count:8} {what}", flush=True)
    return not violations


if __name__ == "__main__":
    sys.exit(main())
