# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Naming what a service has in progress: who stops it waits for that, and sees it.

What a service does beside its loops, its threads and its HTTP requests is not known
to anybody. Where it says so, a stop says what is in progress, the end of the process
waits for it, and ``ctl work`` shows it::

    with work.track("live migration", id=request_id):
        migrate(instance)


    @work.tracked
    def rebuild(instance): ...


    work.track_future(executor.submit(upload, image), "upload", id=image.id)

After the services' ``wait()``, under ``graceful_shutdown_timeout``, the process waits
for what is in progress, and ends as soon as that is done. It is for pieces of work
that come to an end, not for what runs for as long as the service does.
"""

from oslo_service._common.public_names import set_modules
from oslo_service.supervisor.tracked_work import track, track_future, tracked

__all__ = ("track", "track_future", "tracked")

set_modules(globals())
