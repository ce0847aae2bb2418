# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What is done once, however many processes there are: cleaning up, and reporting."""

import logging
from pathlib import Path
from typing import Any

from oslo_config import cfg

from oslo_service import cluster, periodic_task

LOG = logging.getLogger("keeper")

OPTIONS = [
    cfg.StrOpt("folder", default=".", help="Where the uploads are."),
    cfg.FloatOpt("keep", default=60, help="After how many seconds one is removed."),
]
GROUP = "keeper"


class Keeper(periodic_task.PeriodicTasks):
    """Removes uploads that have been there for long, and reports how many are left.

    :param conf: has the options.
    """

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        super().__init__(conf)
        self._options = conf[GROUP]

    @property
    def uploads(self) -> list[Path]:
        """The uploads that are there."""
        return sorted(Path(self._options.folder).glob("*.upload"))

    # What is missed is done with the next one.
    @periodic_task.periodic_task(spacing=1, scope="cluster")
    def clean_up(self, context: Any) -> None:  # noqa: ARG002
        """Remove those that were there for long when this was due."""
        due = cluster.due_time() or 0.0
        old = [one for one in self.uploads if one.stat().st_mtime < due - self._keep]
        for one in old:
            one.unlink(missing_ok=True)
        LOG.info("clean_up for %.0f: removed %d", due, len(old))

    # Somebody looks at the report: the latest has to be there, if twice.
    @periodic_task.periodic_task(spacing=5, scope="cluster", missed="run")
    def report(self, context: Any) -> None:  # noqa: ARG002
        """Write how many are left."""
        text = f"{cluster.due_time():.0f} {len(self.uploads)}\n"
        (Path(self._options.folder) / "report").write_text(text, encoding="ascii")
        LOG.info("report for %s", text.strip())

    @property
    def _keep(self) -> float:
        keep: float = self._options.keep
        return keep
