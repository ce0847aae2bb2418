# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What is measured: one module for each group of rows of the report."""

from measures import (
    cluster,
    compiled,
    crash_loop,
    distributions,
    groups,
    http,
    idle,
    imports,
    loops,
    many_loops,
    memory,
    periodic,
    retry,
    scrape,
    shown,
    ticks,
    tracked_work,
    workers,
)

__all__ = ("ALL",)

#: In the order of the report.
ALL = (
    imports.MEASURE,
    distributions.MEASURE,
    retry.MEASURE,
    loops.MEASURE,
    *ticks.MEASURES,
    many_loops.MEASURE,
    groups.MEASURE,
    tracked_work.MEASURE,
    *periodic.MEASURES,
    *workers.MEASURES,
    *crash_loop.MEASURES,
    idle.MEASURE,
    memory.MEASURE,
    scrape.MEASURE,
    *shown.MEASURES,
    *http.MEASURES,
    *compiled.MEASURES,
    *cluster.MEASURES,
)
