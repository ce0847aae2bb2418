# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The least that a server in plain Python does: ``floor_http ROLE PORT WORKERS``.

One thread, epoll(7), httptools, the call of the application, one ``send()``. There are
no limits, no deadlines, no errors, no bodies of requests, and nothing waits: it is
there to show what the system, the parser and the application cost by themselves.
"""

import io
import select
import socket
import sys

import httptools

from programs.http_app import application

_SERVER = {
    "SCRIPT_NAME": "",
    "SERVER_NAME": "127.0.0.1",
    "SERVER_PORT": sys.argv[2],
    "wsgi.version": (1, 0),
    "wsgi.url_scheme": "http",
    "wsgi.errors": sys.stderr,
    "wsgi.multithread": False,
    "wsgi.multiprocess": False,
    "wsgi.run_once": False,
}


class Client:
    """One connection, and the parser's callbacks."""

    def __init__(self, connection):
        self._connection = connection
        self._parser = httptools.HttpRequestParser(self)
        self._feed = self._parser.feed_data
        self._close = False

    def on_message_begin(self):
        """Begin an environment."""
        self._environ = _SERVER.copy()

    def on_url(self, url):
        """Set the path."""
        self._environ["PATH_INFO"] = url.decode("latin-1")

    def on_header(self, name, value):
        """Set a field."""
        key = "HTTP_" + name.decode().upper().replace("-", "_")
        self._environ[key] = value.decode("latin-1")

    def on_message_complete(self):
        """Answer."""
        environ, parser = self._environ, self._parser
        environ["REQUEST_METHOD"] = parser.get_method().decode()
        environ["SERVER_PROTOCOL"] = "HTTP/1.1"
        environ["QUERY_STRING"] = ""
        environ["wsgi.input"] = io.BytesIO()
        body = application(environ, self._start_response)
        self._close = not parser.should_keep_alive()
        self._connection.send(self._head + b"".join(body))

    def _start_response(self, status, headers):
        lines = [f"HTTP/1.1 {status}", *map(": ".join, headers), "\r\n"]
        self._head = "\r\n".join(lines).encode("latin-1")

    def serve(self):
        """Read once; return whether the connection goes on."""
        data = self._connection.recv(65536)
        if data:
            self._feed(data)
        if data and not self._close:
            return True
        self._parser = self._feed = None
        self._connection.close()
        return False


def main():
    """Serve until a signal ends it."""
    listener = socket.create_server(("127.0.0.1", int(sys.argv[2])), backlog=1024)
    poller = select.epoll()
    poller.register(listener, select.EPOLLIN)
    clients = {}
    while True:
        for fd, _ in poller.poll():
            client = clients.get(fd)
            if client is None:
                connection = listener.accept()[0]
                clients[connection.fileno()] = Client(connection)
                poller.register(connection, select.EPOLLIN | select.EPOLLET)
            elif not client.serve():
                del clients[fd]


if __name__ == "__main__":
    main()
