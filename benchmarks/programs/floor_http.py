# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The least that a server in plain Python does.

``floor_http ROLE PORT WORKERS [CERTIFICATE KEY]``

One thread, epoll(7), httptools, the call of the application, one ``send()``. There are
no limits, no deadlines, no errors, no bodies of requests, and nothing waits: it is
there to show what the system, the parser, TLS and the application cost by themselves.
"""

import io
import select
import socket
import ssl
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
        self._close = not parser.should_keep_alive()
        body = application(environ, self._start_response)
        self._send(self._head + b"".join(body))

    def _start_response(self, status, headers):
        lines = [f"HTTP/1.1 {status}", *map(": ".join, headers), "\r\n"]
        if self._close:
            lines.insert(1, "Connection: close")
        self._head = "\r\n".join(lines).encode("latin-1")

    def _send(self, data):
        self._connection.sendall(data)

    def _decrypt(self, data):
        return data

    def serve(self):
        """Read once; return whether the connection goes on."""
        try:
            data = self._connection.recv(65536)
            if plain := self._decrypt(data):
                self._parser.feed_data(plain)
        except OSError:
            data = b""
        if data and not self._close:
            return True
        self._parser = None
        self._connection.close()
        return False


class TLSClient(Client):
    """One that speaks TLS."""

    def __init__(self, connection, context):
        super().__init__(connection)
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_side=True)
        self._shaken = False

    def _send(self, data):
        self._tls.write(data)
        self._connection.sendall(self._out.read())

    def _decrypt(self, data):
        self._in.write(data)
        plain = b""
        try:
            if not self._shaken:
                self._tls.do_handshake()
                self._shaken = True
            while self._in.pending and (part := self._tls.read(16384)):
                plain += part
        except ssl.SSLWantReadError:
            pass
        if self._out.pending:
            self._connection.sendall(self._out.read())
        return plain


def main():
    """Serve until a signal ends it."""
    _, _, port, _, *files = sys.argv
    listener = socket.create_server(("127.0.0.1", int(port)), backlog=1024)
    context = None
    if files:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*files)
    poller = select.epoll()
    poller.register(listener, select.EPOLLIN)
    clients = {}
    while True:
        for fd, _ in poller.poll():
            client = clients.get(fd)
            if client is None:
                connection = listener.accept()[0]
                clients[connection.fileno()] = (
                    TLSClient(connection, context) if files else Client(connection)
                )
                poller.register(connection, select.EPOLLIN)
            elif not client.serve():
                del clients[fd]


if __name__ == "__main__":
    main()
