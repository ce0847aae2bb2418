# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What the rules about the use of Eventlet find, and what they do not."""

CASES = {
    "OSE101": (
        """
        import eventlet
        from eventlet import patcher

        eventlet.monkey_patch(os=False)  # here
        patcher.monkey_patch()  # here
        """,
        """
        import eventlet
        import patches

        patches.monkey_patch()
        eventlet.monkey_patch = None
        """,
    ),
    "OSE102": (
        """
        import eventlet  # here
        import eventlet.event as events  # here
        import greenlet  # here
        from eventlet import GreenPool  # here


        def late():
            import eventlet  # here
        """,
        """
        import eventlet_things
        from my.eventlet import GreenPool
        from .eventlet import spawn

        text = "import eventlet"
        """,
    ),
    "OSE103": (
        """
        import importlib

        from oslo_utils import importutils

        a = importlib.import_module("eventlet.tpool")  # here
        b = importutils.try_import("eventlet")  # here
        c = __import__("greenlet")  # here
        """,
        """
        import importlib

        a = importlib.import_module("eventletutils")
        b = importlib.import_module(name)
        c = print("eventlet")
        """,
    ),
    "OSE104": (
        """
        from eventlet import import_patched
        from eventlet.green import threading  # here
        import eventlet.green.socket  # here

        lock = threading.Lock()
        sock = eventlet.green.socket.socket()  # here
        ftp = import_patched("ftplib")  # here
        """,
        """
        import threading

        lock = threading.Lock()
        """,
    ),
    "OSE105": (
        """
        from eventlet import patcher

        native = patcher.original("threading")  # here
        if patcher.is_monkey_patched("socket"):  # here
            pass
        """,
        """
        from mock import patcher

        native = patcher.original("threading")
        """,
    ),
    "OSE110": (
        """
        import eventlet as e
        from eventlet import greenthread
        from eventlet import spawn as start

        e.spawn(print)  # here
        greenthread.spawn_n(print)  # here
        start(print)  # here
        begin = e.spawn_n  # here
        begin(print)  # here
        """,
        """
        import eventlet

        def spawn(call):
            call()

        spawn(print)

        def other(eventlet):
            eventlet.spawn(print)
        """,
    ),
    "OSE111": (
        """
        import eventlet

        late = eventlet.spawn_after(5, print)  # here
        late.cancel()  # here
        eventlet.greenthread.spawn_after_local(1, print)  # here
        """,
        """
        import threading

        late = threading.Timer(5, print)
        late.cancel()
        """,
    ),
    "OSE112": (
        """
        import eventlet

        thread = eventlet.spawn(print)
        thread.link(print)  # here
        thread.wait()  # here
        eventlet.kill(thread)  # here


        class Holder:
            def start(self):
                self.thread = eventlet.GreenPool().spawn(print)

            def stop(self):
                self.thread.kill()  # here


        later = eventlet.spawn_after(1, print)
        later.wait()  # here
        if not later.dead:  # here
            later.kill()  # here


        def begin(what):
            return eventlet.spawn(what)


        class Worker:
            def begin(self):
                self.green = self.make()

            def make(self):
                if self.green:
                    return None
                return begin(print)

            def end(self):
                self.green.kill()  # here


        begin(print).wait()  # here
        """,
        """
        import eventlet
        import subprocess


        def either(what):
            if what:
                return eventlet.spawn(what)
            return subprocess.Popen(what)


        def several():
            yield 1
            return eventlet.spawn(print)


        either(print).wait()
        several().wait()

        thread = subprocess.Popen(["true"])
        thread.wait()
        thread = eventlet.spawn(print)
        thread.kill()


        class Other:
            def stop(self):
                self.thread.kill()
        """,
    ),
    "OSE113": (
        """
        import eventlet


        class Worker:
            def __init__(self):
                self.pool = None

            def start(self):
                self.pool = eventlet.GreenPool(100)  # here

            def work(self):
                self.pool.spawn_n(print)  # here
                with_all = lambda: self.pool.waitall()  # here
        """,
        """
        import futurist


        class Worker:
            def __init__(self):
                self.pool = futurist.ThreadPoolExecutor()

            def work(self):
                self.pool.submit(print)
        """,
    ),
    "OSE114": (
        """
        import eventlet
        from eventlet import greenthread

        eventlet.sleep(0.5)  # here
        greenthread.sleep(seconds=pause)  # here
        """,
        """
        import time
        import eventlet

        time.sleep(0.5)
        eventlet.sleep(0)
        """,
    ),
    "OSE115": (
        """
        import eventlet

        eventlet.sleep()  # here
        eventlet.greenthread.sleep(0)  # here
        """,
        """
        import eventlet

        eventlet.sleep(0.1)
        """,
    ),
    "OSE116": (
        """
        import eventlet
        from eventlet.timeout import Timeout

        with eventlet.Timeout(3) as limit:  # here
            limit.cancel()  # here
        try:
            eventlet.with_timeout(1, print)  # here
        except Timeout:  # here
            pass
        """,
        """
        from concurrent.futures import TimeoutError as Timeout

        try:
            pass
        except Timeout:
            pass
        """,
    ),
    "OSE117": (
        """
        from eventlet import tpool

        tpool.execute(print)  # here
        proxy = tpool.Proxy(thing)  # here
        """,
        """
        import tpool

        tpool.execute(print)
        """,
    ),
    "OSE118": (
        """
        import eventlet.event

        done = eventlet.event.Event()  # here
        done.send(1)  # here
        done.wait()
        """,
        """
        import threading

        event = threading.Event()
        event.set()
        """,
    ),
    "OSE119": (
        """
        import eventlet
        from eventlet import queue

        things = queue.LightQueue()  # here
        more = eventlet.Queue()  # here
        try:
            things.get()
        except queue.Empty:  # here
            pass
        """,
        """
        import queue

        things = queue.Queue()
        """,
    ),
    "OSE120": (
        """
        from eventlet import semaphore

        places = semaphore.BoundedSemaphore(3)  # here
        """,
        """
        from threading import Semaphore

        places = Semaphore(3)
        """,
    ),
    "OSE121": (
        """
        from eventlet import corolocal

        state = corolocal.local()  # here
        """,
        """
        import contextvars

        state = contextvars.ContextVar("state")
        """,
    ),
    "OSE122": (
        """
        import eventlet.db_pool
        from eventlet import pools


        class Connections(pools.Pool):  # here
            pass


        pool = eventlet.db_pool.ConnectionPool(db)  # here
        """,
        """
        from sqlalchemy import pools


        class Connections(pools.Pool):
            pass
        """,
    ),
    "OSE123": (
        """
        import eventlet.wsgi
        from eventlet import websocket

        eventlet.wsgi.server(sock, app)  # here


        @websocket.WebSocketWSGI  # here
        def handle(ws):
            pass
        """,
        """
        from oslo_service import wsgi

        wsgi.Server(conf, "api", app)
        """,
    ),
    "OSE124": (
        """
        import eventlet

        sock = eventlet.wrap_ssl(  # here
            eventlet.listen(("", 80)),  # here
        )
        """,
        """
        import socket

        sock = socket.create_server(("", 80))
        """,
    ),
    "OSE125": (
        """
        import eventlet.debug
        from eventlet import hubs
        from eventlet.hubs import trampoline

        hubs.use_hub()  # here
        trampoline(fd, read=True)  # here
        eventlet.debug.hub_exceptions(False)  # here
        """,
        """
        import hubs

        hubs.use_hub()
        """,
    ),
    "OSE126": (
        """
        import eventlet

        print(eventlet.version_info)  # here
        """,
        """
        import eventlet

        eventlet.sleep(1)
        """,
    ),
    "OSE130": (
        """
        import greenlet

        try:
            pass
        except greenlet.GreenletExit:  # here
            pass
        """,
        """
        import threads

        threads.greenlet.getcurrent()
        """,
    ),
    "OSE131": (
        """
        import futurist

        pool = futurist.GreenThreadPoolExecutor(10)  # here
        """,
        """
        import futurist

        pool: futurist.GreenThreadPoolExecutor = futurist.ThreadPoolExecutor(10)
        green = isinstance(pool, futurist.GreenThreadPoolExecutor)
        """,
    ),
    "OSE132": (
        """
        import oslo_messaging

        server = oslo_messaging.get_rpc_server(  # here
            transport, target, endpoints, executor="eventlet"
        )
        other = oslo_messaging.get_rpc_server(  # here
            transport, target, endpoints, "eventlet", serializer
        )
        """,
        """
        import oslo_messaging

        oslo_messaging.get_rpc_server(transport, target, executor="threading")
        other(executor="eventlet")
        """,
    ),
    "OSE133": (
        """
        from oslo_service import backend
        from oslo_service.backend._eventlet import loopingcall  # here

        backend.init_backend("eventlet")  # here
        backend.init_backend(backend.BackendType.EVENTLET)  # here
        """,
        """
        from oslo_service import backend
        from oslo_service.backend import exceptions

        backend.init_backend("threading")
        green = backend.get_backend_type() == backend.BackendType.EVENTLET
        backend.register_backend_default_hook(lambda: backend.BackendType.EVENTLET)
        """,
    ),
    "OSE135": (
        """
        import __original_module_threading as orig_threading  # here
        import threading

        orig_threading.current_thread.__globals__["_active"] = threading._active
        other = __import__("__original_module_os")  # here
        """,
        """
        import threading

        name = "__original_module_threading"
        print("__original_module_threading")
        """,
    ),
    "OSE134": (
        """
        from unittest import mock

        import eventlet


        @mock.patch("eventlet.sleep")  # here
        @mock.patch.object(eventlet, "spawn")  # here
        def test(self):
            self.patchobject(eventlet.queue, "LightQueue")  # here


        eventlet.tpool.Proxy.__str__ = print  # here
        eventlet.wsgi.MAX_HEADER_LINE = 1000  # here
        """,
        """
        from unittest import mock

        import eventlet.wsgi
        import eventlet_things
        from eventlet.green.http.client import _UNKNOWN


        @mock.patch("time.sleep")
        @mock.patch.object(eventlet_things, "spawn")
        def test():
            print("eventlet.sleep")


        class Server:
            protocol = None

            def __init__(self, protocol=eventlet.wsgi.HttpProtocol):
                self.protocol = protocol
                self.length = _UNKNOWN
        """,
    ),
}
