# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Other servers, with the same application: ``peer_http NAME PORT WORKERS``."""

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


def cheroot(port, _workers):
    """Serve with the threads that it has by default."""
    from cheroot import wsgi

    wsgi.Server(("127.0.0.1", port), application, request_queue_size=1024).start()


def waitress(port, _workers):
    """Serve with as many threads as cheroot."""
    import waitress as server

    server.serve(application, host="127.0.0.1", port=port, threads=10)


def gunicorn(port, workers):
    """Serve with threads."""
    _become(
        *("gunicorn", "--bind", f"127.0.0.1:{port}", "--worker-class", "gthread"),
        *("--threads", "10", "--workers", str(workers), "--log-level", "warning"),
        *("--keep-alive", "60", "--no-control-socket", "programs.http_app"),
    )


def uwsgi(port, workers):
    """Serve with threads, and connections that are kept."""
    _become(
        *("uwsgi", "--http11-socket", f"127.0.0.1:{port}", "--module"),
        *("programs.http_app", "--master", "--processes", str(workers)),
        *("--threads", "10", "--disable-logging", "--listen", "100"),
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


def _become(name, *arguments):
    program = Path(sys.executable).with_name(name)
    os.execv(program, [str(program), *arguments])


_SERVERS = {
    "cheroot": cheroot,
    "waitress": waitress,
    "gunicorn": gunicorn,
    "uWSGI": uwsgi,
    "nginx": nginx,
}

if __name__ == "__main__":
    _SERVERS[sys.argv[1]](int(sys.argv[2]), int(sys.argv[3]))
