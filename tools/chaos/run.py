#!/usr/bin/env python3
# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Have services share work in a cluster, disturb all of it, and see who runs what.

Eight workers of three programs, on two hosts made of network namespaces where that
is allowed, are killed, paused and cut off, and so is the server. What breaks a
promise of :mod:`oslo_service.cluster` is told, and the status is 1.
"""

import argparse
import random
import signal
import sys
import time

from oslo_service.testing.servers import SERVERS

from chaos import BACKENDS, FILES, Chaos, Violation


def main() -> int:
    """Run; give the exit status."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    options = _options()
    seed = (
        random.SystemRandom().randrange(10**6) if options.seed is None else options.seed
    )
    good = True
    for backend in options.backend or _installed():
        for driver in options.driver or ("threading", "eventlet"):
            print(f"{backend}, {driver}, seed {seed}:", flush=True)
            good &= _run(backend, driver, seed, options)
    return 0 if good else 1


def _installed() -> list[str]:
    """Return the servers that are there; say which are not."""
    obstacles = {name: server.obstacle() for name, server in SERVERS.items()}
    for name, obstacle in obstacles.items():
        if obstacle is not None:
            print(f"without {name}: {obstacle}")
    # What memcached does not promise is known.
    return [
        *(one for one in SERVERS if obstacles[one] is None and one != "memcached"),
        FILES,
    ]


def _run(backend: str, driver: str, seed: int, options: argparse.Namespace) -> bool:
    chaos = Chaos(
        backend,
        driver,
        seed,
        interval=options.interval,
        lease=options.lease,
        hosts=not options.one_host,
        say=lambda line: print(f"  {line}", flush=True),
    )
    begun = time.monotonic()
    try:
        figures = chaos.run(options.due_times)
    except Violation as exc:
        print(f"VIOLATION: {exc}", flush=True)
        return False
    words = ", ".join(
        f"{name.replace('_', ' ')} {value:.2f}"
        if isinstance(value, float)
        else f"{name.replace('_', ' ')} {value}"
        for name, value in figures._asdict().items()
    )
    print(f"  kept in {time.monotonic() - begun:.0f} s: {words}", flush=True)
    return True


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument(
        "--backend",
        action="append",
        choices=BACKENDS,
        help="what the cluster is on (those installed); more than once for more",
    )
    parser.add_argument("--driver", action="append", help="likewise (both)")
    parser.add_argument("--due-times", type=int, default=240, help="for how many (240)")
    parser.add_argument(
        "--interval", type=float, default=0.25, help="seconds between them (0.25)"
    )
    parser.add_argument("--lease", type=int, default=5, help="in seconds (5)")
    parser.add_argument("--seed", type=int, help="of the random numbers (any)")
    parser.add_argument(
        "--one-host", action="store_true", help="make no network namespaces"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
