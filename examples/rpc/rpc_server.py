# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""An RPC server that loses no call when it is stopped."""

from oslo_messaging.rpc import server


class Server(server.RPCServer):
    """oslo.messaging's server, and what is to be done after its ``stop()``.

    From then on, oslo.messaging reads no more calls, but stays subscribed until
    ``wait()`` is over: the broker goes on sending it calls, which nobody answers
    meanwhile. When it closes its connection at last, it acknowledges those that
    arrive until that is done, and forgets them (seen with 18.3).
    """

    def unsubscribe(self) -> None:
        """Leave to other servers what has not begun; call it after ``stop()``."""
        if self.listener is None:
            return
        # What the broker has sent, and was not told that it arrived, goes to
        # another server now. Answers have connections of their own.
        self.listener.cleanup()
        # What was acknowledged while the connection was closed is ours to answer.
        arrived = self.listener._poll_style_listener
        for calls in iter(arrived.poll, []):
            self._on_incoming(calls)
