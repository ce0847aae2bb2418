# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Tracking the work that a service has in progress: a stop waits for it, and names it.

The library knows the calls of loops, the threads and the HTTP requests of a service by
itself. Other work is to be tracked: then a stop names what is in progress, the end of
the process waits for it, and ``ctl work`` shows it::

    with work.track("live migration", id=request_id):
        migrate(instance)


    @work.tracked
    def rebuild(instance): ...


    work.track_future(executor.submit(upload, image), "upload", id=image.id)

After the services' ``wait()``, under ``graceful_shutdown_timeout``, the process waits
for the work in progress, and ends as soon as that is done. This is for pieces of work
that come to an end, not for what runs for as long as the service does.
"""

from oslo_service._common.public_names import set_modules
from oslo_service.supervisor.tracked_work import track, track_future, tracked

__all__ = ("track", "track_future", "tracked")

set_modules(globals())
