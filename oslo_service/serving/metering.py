# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What is measured of HTTP requests, where metrics are on."""

import functools
from collections.abc import Callable, Iterator

from oslo_service._common import instruments
from oslo_service._common.instruments import Measure, Meters, Reading

__all__ = ("meter", "readings")

_REQUESTS = Measure("http_requests", "HTTP requests, by class of status.")
_DURATION = Measure("http_request_duration_seconds", "How long HTTP requests took.")
_IN_PROGRESS = Measure("http_requests_in_progress", "HTTP requests in progress.")
_QUEUE = Measure("http_queue", "HTTP requests that wait for the application.")
_CONNECTIONS = Measure("http_connections", "Connections of HTTP clients.")

_CLASSES = {one: (("status", f"{one}xx"),) for one in "12345"}


def meter() -> Callable[[str, float], object] | None:
    """Return what counts a request, by status and seconds; None: metrics are off."""
    meters = instruments.meters()
    return None if meters is None else functools.partial(_note, meters)


def _note(meters: Meters, status: str, seconds: float) -> None:
    # The status is empty where the client has left before there was one.
    meters.count(_REQUESTS, _CLASSES.get(status[:1], (("status", "none"),)))
    meters.took(_DURATION, seconds)


def readings(
    name: str, *, size: int, busy: int, waiting: int, connections: int
) -> Iterator[Reading]:
    """Return the gauges of a server."""
    labels = (("server", name),)
    yield Reading(_IN_PROGRESS, labels, busy)
    yield Reading(_QUEUE, labels, waiting)
    yield Reading(_CONNECTIONS, labels, connections)
    pool = (("pool", name),)
    yield Reading(instruments.POOL_SIZE, pool, size)
    yield Reading(instruments.POOL_BUSY, pool, busy)
    yield Reading(instruments.POOL_WAITING, pool, waiting)
