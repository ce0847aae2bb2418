# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The service: an RPC server in each worker."""

import logging
import os
import time
from typing import Any

import oslo_messaging
from oslo_config import cfg

import options
import rpc_server
import tracked_endpoint
from oslo_service import service

LOG = logging.getLogger(__name__)


class Greeter:
    """What can be called.

    :param conf: the configuration.
    """

    target = oslo_messaging.Target(version="1.0")

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._settings = conf[options.GROUP]
        self.resets = 0

    def echo(self, context: dict[str, Any], text: str) -> str:
        """Give back what was sent."""
        self._begin("echo", context)
        return text

    def who(self, context: dict[str, Any]) -> dict[str, Any]:
        """Tell who answers."""
        self._begin("who", context)
        return self._answer()

    def slow(self, context: dict[str, Any], seconds: float) -> dict[str, Any]:
        """Tell who answers, after so many seconds."""
        self._begin("slow", context)
        if seconds > self._settings.longest_call:
            raise ValueError(f"{seconds} s is longer than longest_call")
        time.sleep(seconds)
        return self._answer()

    def _begin(self, method: str, context: dict[str, Any]) -> None:
        LOG.info("Call %s begins: %s", context.get("call"), method)

    def _answer(self) -> dict[str, Any]:
        return {
            "pid": os.getpid(),
            "resets": self.resets,
            "greeting": self._settings.greeting,
        }


class GreetingService(service.ServiceBase):
    """Answers calls.

    Nothing of the bus is made before :meth:`start`: a connection must not cross
    the fork that makes a worker.

    :param conf: the configuration.
    """

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        super().__init__()
        self.conf = conf
        self._greeter = Greeter(conf)
        self._transport: Any = None
        self._server: Any = None
        self._stopped = False

    def start(self) -> None:
        """Connect, and answer calls from now on."""
        settings = self.conf[options.GROUP]
        self._stopped = False
        self._transport = oslo_messaging.get_rpc_transport(self.conf)
        target = oslo_messaging.Target(topic=settings.topic, server=settings.host)
        endpoint = tracked_endpoint.TrackedEndpoint(self._greeter, id_key="call")
        # On what it runs, oslo.messaging sees by whether threads are patched.
        server = oslo_messaging.get_rpc_server(
            self._transport, target, [endpoint], server_cls=rpc_server.Server
        )
        server.start()
        self._server = server
        LOG.info("Answering calls for %s", settings.topic)

    def stop(self) -> None:
        """Take no more calls."""
        if self._server is None:
            return  # start() has not returned yet; this will be called again
        self._server.stop()
        self._server.unsubscribe()
        self._stopped = True

    def wait(self) -> None:
        """Wait until the calls that have begun are answered."""
        if not self._stopped:
            return  # this will be called again
        self._server.wait()
        self._transport.cleanup()
        LOG.info("Every call has been answered")

    def reset(self) -> None:
        """Note that the configuration has been read again."""
        self._greeter.resets += 1
        LOG.info("The greeting is %r", self.conf[options.GROUP].greeting)
