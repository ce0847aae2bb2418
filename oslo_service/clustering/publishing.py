# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Having events told by whoever supervises this process, or else here and now."""

from oslo_service.supervisor import current, events, log_messages
from oslo_service.supervisor.subscribers import EventQueue

__all__ = ("publish",)


def publish(event: events.Event) -> None:
    """Have everybody told of an event; thread-safe."""
    supervisor = current.known()
    if supervisor is not None and supervisor.units and not supervisor.left:
        supervisor.publish(event)
        supervisor.post(lambda: None)  # whoever turns tells it
        return
    queue = EventQueue([log_messages.log])
    queue.publish(event)
    queue.deliver()
