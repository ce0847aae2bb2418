# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What launchers refuse."""

from oslo_service._common.service_base import ServiceBase

__all__ = ("check_service", "check_workers")


def check_service(service: object) -> None:
    """Refuse what a launcher cannot run.

    :raises TypeError: it is not a :class:`ServiceBase`.
    """
    if not isinstance(service, ServiceBase):
        raise TypeError(
            f"a launcher runs instances of oslo_service.service.ServiceBase,"
            f" not {service!r}"
        )


def check_workers(workers: object) -> int:
    """Return how many workers are meant.

    :raises TypeError: it is not an integer.
    :raises ValueError: it is less than 1.
    """
    if workers is None:
        return 1
    if not isinstance(workers, int) or isinstance(workers, bool):
        raise TypeError(f"workers is an integer or None, not {workers!r}")
    if workers < 1:
        raise ValueError(f"workers is 1 or more, not {workers}")
    return workers
