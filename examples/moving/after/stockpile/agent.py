# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Fetches what it is told to."""

import logging
import threading
import urllib.request

import oslo_messaging
from oslo_service import service, threadgroup

LOG = logging.getLogger(__name__)


class Agent(service.Service):
    def __init__(self, conf):
        super().__init__()
        self.conf = conf
        self.lock = threading.Lock()
        self.fetched = 0

    def start(self):
        self.pool = threadgroup.ThreadGroup(thread_pool_size=20)
        self.server = oslo_messaging.get_rpc_server(
            oslo_messaging.get_rpc_transport(self.conf),
            oslo_messaging.Target(topic="stockpile", server="here"),
            endpoints=[self],
        )
        self.server.start()
        self.flushing = threading.Timer(300, self.flush)
        self.flushing.daemon = True
        self.flushing.start()
        self.tg.add_thread(self.watch)

    def stop(self):
        self.server.stop()
        self.flushing.cancel()
        super().stop()

    def wait(self):
        self.pool.waitall()
        super().wait()

    def fetch(self, context, urls):
        for url in urls:
            self.pool.add_thread(self.fetch_one, url)

    def fetch_one(self, url):
        urllib.request.urlopen(url, timeout=30).read()
        with self.lock:
            self.fetched += 1

    def flush(self):
        LOG.info("what is old is thrown away, once")

    def watch(self):
        stopping = threadgroup.stop_requested()
        while not stopping.is_set():
            LOG.info("%d are here", self.fetched)
            stopping.wait(10)
