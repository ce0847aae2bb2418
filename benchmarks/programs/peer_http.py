# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Other servers, with the same application.

``peer_http NAME PORT WORKERS [CERTIFICATE KEY]``
"""

import functools
import os
import shutil
import sys
import tempfile
from pathlib import Path

from programs.http_app import application

_NGINX = """\
daemon off; master_process off; pid nginx.pid; error_log stderr;
events {{ worker_connections 4096; }}
http {{
    access_log off; keepalive_requests 1000000000;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    server {{
        listen 127.0.0.1:{port} backlog=1024;
        location / {{ return 200 "Hello, world!"; }}
    }}
}}
"""


def cheroot(port, _workers, *files):
    """Serve with the threads that it has by default."""
    from cheroot import wsgi
    from cheroot.ssl.builtin import BuiltinSSLAdapter

    server = wsgi.Server(("127.0.0.1", port), application, request_queue_size=1024)
    if files:
        server.ssl_adapter = BuiltinSSLAdapter(*files)
    server.start()


def waitress(port, _workers):
    """Serve with as many threads as cheroot."""
    import waitress as server

    server.serve(application, host="127.0.0.1", port=port, threads=10)


def gunicorn(port, workers, *files, more=()):
    """Serve with threads."""
    named = zip(("--certfile", "--keyfile"), files, strict=False)
    _become(
        *("gunicorn", "--bind", f"127.0.0.1:{port}", "--worker-class", "gthread"),
        *("--threads", "10", "--workers", str(workers), "--log-level", "warning"),
        *("--keep-alive", "60", "--no-control-socket", *more),
        *(word for pair in named for word in pair),
        *_where("STATSD", "--statsd-host"),
        "programs.http_app",
    )


def granian(port, workers, *files, threads):
    """Serve with so many threads for the application."""
    named = zip(("--ssl-certificate", "--ssl-keyfile"), files, strict=False)
    _become(
        *("granian", "--interface", "wsgi", "--port", str(port), "--no-ws"),
        *("--workers", str(workers), "--blocking-threads", str(threads)),
        *("--backlog", "1024", "--log-level", "warning"),
        *(word for pair in named for word in pair),
        "programs.http_app:application",
    )


def fastpysgi(port, _workers):
    """Serve in one thread."""
    import fastpysgi as server

    server.run(application, host="127.0.0.1", port=port, loglevel=0)


def uwsgi(port, workers):
    """Serve with threads, and connections that are kept."""
    _become(
        *("uwsgi", "--http11-socket", f"127.0.0.1:{port}", "--module"),
        *("programs.http_app", "--master", "--processes", str(workers)),
        *("--threads", "10", "--disable-logging", "--listen", "100"),
        *_where("ADMIN_SOCKET", "--stats"),
    )


def nginx(port, _workers):
    """Have nginx answer itself: what no server of Python can do."""
    folder = Path(tempfile.mkdtemp(prefix="nginx-"))
    text = _NGINX.format(port=port)
    (folder / "nginx.conf").write_text(text, encoding="ascii")
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        sys.exit("nginx is not installed")
    os.execv(program, [program, "-p", str(folder), "-c", str(folder / "nginx.conf")])


def _where(variable, option):
    """Return an option that requests are measured by, where they are to be."""
    return (option, os.environ[variable]) if variable in os.environ else ()


def _become(name, *arguments):
    program = Path(sys.executable).with_name(name)
    os.execv(program, [str(program), *arguments])


def bjoern(port, _workers):
    """Serve in one thread."""
    import bjoern as server

    server.run(application, "127.0.0.1", port)


_SERVERS = {
    "cheroot": cheroot,
    "waitress": waitress,
    "gunicorn": gunicorn,
    "uWSGI": uwsgi,
    "nginx": nginx,
    "granian-10": functools.partial(granian, threads=10),
    "granian-100": functools.partial(granian, threads=100),
    "fastpysgi": fastpysgi,
    "bjoern": bjoern,
    "gunicorn[fast]": functools.partial(gunicorn, more=("--http-parser", "fast")),
}

if __name__ == "__main__":
    _name, _port, _workers, *_files = sys.argv[1:]
    _SERVERS[_name](int(_port), int(_workers), *_files)
