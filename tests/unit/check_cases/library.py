# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What the rules about features of the library find, and what they do not."""

CASES = {
    "OSE201": (
        """
        from oslo_service import service, threadgroup, wsgi

        group = threadgroup.ThreadGroup(1000)  # here
        group = threadgroup.ThreadGroup(thread_pool_size=200)  # here
        server = wsgi.Server(conf, "api", app, pool_size=500)  # here


        class Mine(service.Service):
            def __init__(self):
                super().__init__(threads=1000)  # here
        """,
        """
        from oslo_service import threadgroup

        group = threadgroup.ThreadGroup(100)
        other = ThreadGroup(1000)


        class Mine(Service):
            def __init__(self):
                super().__init__(threads=1000)
        """,
    ),
    "OSE202": (
        """
        from oslo_service import loopingcall, service


        class Mine(service.Service):
            def start(self):
                for thing in things:
                    self.tg.add_timer(5, thing.poll)  # here
                    loop = loopingcall.FixedIntervalLoopingCall(thing.poll)
                    loop.start(5)  # here
                loops = [
                    loopingcall.DynamicLoopingCall(one).start()  # here
                    for one in things
                ]
        """,
        """
        from oslo_service import loopingcall, service


        class Mine(service.Service):
            def start(self):
                self.tg.add_timer(5, self.poll)
                for thing in things:
                    self.clock.add_timer(5, thing)
                    thing.start(5)
                    loop = loopingcall.FixedIntervalLoopingCall(thing.poll)
                    loop.start(5).wait()

                    def later():
                        loop.start(5)
        """,
    ),
    "OSE203": (
        """
        from oslo_service.loopingcall import FixedIntervalLoopingCall as Loop

        Loop(poll).start(interval=1).wait()  # here
        timer = Loop(f=poll)
        timer.start(1).wait()  # here
        """,
        """
        from oslo_service.loopingcall import FixedIntervalLoopingCall as Loop

        timer = Loop(poll)
        timer.start(1)
        timer.wait()
        """,
    ),
    "OSE204": (
        """
        from oslo_service import threadgroup

        group = threadgroup.ThreadGroup()
        thread = group.add_thread(print)
        thread.stop()  # here
        """,
        """
        from oslo_service import threadgroup

        group = threadgroup.ThreadGroup()
        group.add_thread(print).wait()
        group.stop()
        """,
    ),
    "OSE205": (
        """
        from oslo_service import loopingcall, service


        class Mine(service.Service):
            def start(self):
                self.tg.pool.spawn_n(print)  # here
                self.thread = self.tg.add_thread(print)
                self.thread.thread.kill()  # here
                self.loop = loopingcall.FixedIntervalLoopingCall(print)
                self.loop.done.send(1)  # here
        """,
        """
        from oslo_service import service


        class Mine(service.Service):
            def start(self):
                self.pool.pool.spawn_n(print)
                self.tg.add_thread(print).link(print)
        """,
    ),
    "OSE206": (
        """
        from oslo_service import loopingcall, service


        class Base(service.Service):
            pass


        class Mine(Base):
            def __init__(self):
                super().__init__()
                self.tg.add_timer(5, print)  # here
                self.tg.add_thread(print)  # here
                self.loop = loopingcall.FixedIntervalLoopingCall(print)
                self.loop.start(5)  # here
                self.helper = Helper(self.tg)


        class Helper:
            def __init__(self, group):
                group.add_timer(5, print)  # here
        """,
        """
        from oslo_service import loopingcall, service


        class Mine(service.Service):
            def __init__(self):
                super().__init__()
                self.loop = loopingcall.FixedIntervalLoopingCall(print)

            def start(self):
                self.loop.start(5)
                self.tg.add_thread(print)
                self.helper = Helper(self.tg)


        class Helper:
            def __init__(self, group):
                group.add_timer(5, print)


        class NoService:
            def __init__(self):
                loopingcall.FixedIntervalLoopingCall(print).start(5)
        """,
    ),
    "OSE208": (
        """
        import threading

        from oslo_service import loopingcall, service, threadgroup


        def main():
            loop = loopingcall.FixedIntervalLoopingCall(print)
            loop.start(5)  # here
            threading.Thread(target=print).start()  # here
            launcher = service.launch(conf, thing, workers=conf.workers)
            launcher.wait()


        def other():
            group = threadgroup.ThreadGroup()
            group.add_timer(5, print)  # here
            launcher = service.ProcessLauncher(conf)
            launcher.launch_service(thing, workers=2)
        """,
        """
        import threading

        from oslo_service import loopingcall, service


        def main():
            loop = loopingcall.FixedIntervalLoopingCall(print)
            launcher = service.launch(conf, thing, workers=4)
            loop.start(5)
            launcher.wait()


        def single():
            threading.Thread(target=print).start()
            service.launch(conf, thing).wait()
            service.launch(conf, thing, workers=1).wait()
            service.ServiceLauncher(conf).launch_service(thing)


        def elsewhere():
            threading.Thread(target=print).start()
        """,
    ),
    "OSE207": (
        """
        import eventlet
        from oslo_service import backend

        eventlet.monkey_patch()
        backend.init_backend(backend.BackendType.THREADING)  # here
        """,
        """
        import eventlet
        from oslo_service import backend

        if green:
            eventlet.monkey_patch()
        else:
            backend.init_backend("threading")
        """,
    ),
}
