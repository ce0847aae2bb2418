# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Fetches what it is told to."""

import logging
import urllib.request

import eventlet
import oslo_messaging
from oslo_service import service

LOG = logging.getLogger(__name__)


class Agent(service.Service):
    def __init__(self, conf):
        super().__init__()
        self.conf = conf
        self.fetched = 0

    def start(self):
        self.pool = eventlet.GreenPool(1000)
        self.server = oslo_messaging.get_rpc_server(
            oslo_messaging.get_rpc_transport(self.conf),
            oslo_messaging.Target(topic="stockpile", server="here"),
            endpoints=[self],
            executor="eventlet",
        )
        self.server.start()
        self.flushing = eventlet.spawn_after(300, self.flush)
        self.watcher = eventlet.spawn(self.watch)

    def stop(self):
        self.server.stop()
        self.watcher.kill()
        self.flushing.cancel()
        super().stop()

    def wait(self):
        self.pool.waitall()
        super().wait()

    def fetch(self, context, urls):
        for url in urls:
            self.pool.spawn_n(self.fetch_one, url)

    def fetch_one(self, url):
        with eventlet.Timeout(30):
            urllib.request.urlopen(url).read()
        self.fetched += 1

    def flush(self):
        LOG.info("what is old is thrown away, once")

    def watch(self):
        while True:
            LOG.info("%d are here", self.fetched)
            eventlet.sleep(10)
