# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What the rules about what blocks, or lives on find, and what they do not."""

CASES = {
    "OSE301": (
        """
        import threading
        import time


        def forever():
            while True:  # here
                for one in things:
                    if one:
                        break
                time.sleep(1)


        threading.Thread(target=forever, daemon=True)


        class Mine:
            def start(self):
                self.tg.add_thread(self.work)

            def work(self):
                while 1:  # here
                    self.queue.get()
        """,
        """
        import threading


        def until_told():
            while True:
                if stopping.is_set():
                    continue


        def until_done():
            while True:
                for one in things:
                    if not one:
                        return


        def until_the_end():
            try:
                while True:
                    read()
            except EOFError:
                pass


        def conditional():
            while running:
                pass


        def not_a_thread():
            while True:
                pass


        for one in (until_told, until_done, until_the_end, conditional):
            one()
        threading.Thread(target=until_told)
        threading.Thread(target=until_done)
        threading.Thread(target=until_the_end)
        threading.Thread(target=conditional)
        """,
    ),
    "OSE302": (
        """
        import signal

        from oslo_service import service


        class Mine(service.ServiceBase):
            def start(self):
                signal.signal(signal.SIGUSR1, print)  # here
                self.begin()

            def begin(self):
                signal.setitimer(signal.ITIMER_REAL, 1)  # here
        """,
        """
        import signal

        from oslo_service import service


        class Mine(service.ServiceBase):
            def start(self):
                service.SignalHandler().add_handler("SIGUSR1", print)


        def main():
            signal.signal(signal.SIGUSR1, print)
        """,
    ),
    "OSE303": (
        """
        import threading

        threading.Thread(target=work).start()  # here


        class Mine:
            def start(self):
                self.thread = threading.Thread(target=self.work)  # here
                self.thread.start()
                print(", ".join(names))
        """,
        """
        import threading

        threading.Thread(target=work, daemon=True).start()
        threading.Thread(**arguments)


        def later():
            thread = threading.Thread(target=work)
            thread.daemon = True
            thread.start()


        def serve(server):
            threading.Thread(target=server.serve_forever).start()
            done.wait()
            server.shutdown()


        class Mine:
            def start(self):
                self.thread = threading.Thread(target=self.work)
                self.thread.start()

            def wait(self):
                self.thread.join()
        """,
    ),
    "OSE304": (
        """
        import multiprocessing
        import os
        from concurrent import futures

        pid = os.fork()  # here
        process = multiprocessing.Process(target=work)  # here
        pool = futures.ProcessPoolExecutor()  # here
        context = multiprocessing.get_context("fork")  # here
        """,
        """
        import multiprocessing
        import os
        from concurrent import futures

        context = multiprocessing.get_context("spawn")
        process = context.Process(target=work)
        pool = futures.ProcessPoolExecutor(mp_context=context)


        def daemonise():
            if os.fork():
                os._exit(0)
            os.setsid()
        """,
    ),
    "OSE305": (
        """
        import time

        time.sleep(0)  # here
        """,
        """
        import time

        time.sleep(0.0001)
        sleep(0)
        """,
    ),
    "OSE306": (
        """
        import select
        import subprocess
        import urllib.request

        import requests


        class Mine:
            def start(self):
                self.tg.add_timer(5, self.poll)

            def poll(self):
                subprocess.check_call(["true"])  # here
                requests.get("http://localhost")  # here
                select.select([1], [], [])  # here
                self.ask()

            def ask(self):
                urllib.request.urlopen("http://localhost")  # here
        """,
        """
        import select
        import subprocess
        import urllib.request

        import requests


        class Mine:
            def start(self):
                self.tg.add_timer(5, self.poll)

            def poll(self):
                subprocess.check_call(["true"], timeout=5)
                requests.get("http://localhost", **options)
                select.select([1], [], [], 5)
                urllib.request.urlopen("http://localhost", None, 5)

            def elsewhere(self):
                subprocess.check_call(["true"])
        """,
    ),
    "OSE307": (
        """
        import time


        class Mine:
            def start(self):
                self.tg.add_thread(self.work)

            def work(self):
                time.sleep(self.pause)  # here
                time.sleep(60)  # here
        """,
        """
        import time


        class Mine:
            def start(self):
                self.tg.add_thread(self.work)
                time.sleep(60)

            def work(self):
                time.sleep(0.5)
        """,
    ),
    "OSE308": (
        """
        import threading

        state = threading.local()  # here
        """,
        """
        import threading

        state = local()
        lock = threading.Lock()
        """,
    ),
}
