# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Modules that are used without being imported, as they came with 4.8.0."""

import pytest

from oslo_service.testing.waiting import run_script

pytest.importorskip("webob")


def run(code):
    done = run_script(f"import sys\n{code}")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "imports",
    ["import oslo_service.wsgi, webob", "import webob, oslo_service.wsgi"],
)
def test_what_webob_has_comes_with_the_server(imports):
    run(
        f"{imports}\n"
        "assert not {'webob.dec', 'webob.exc'} & set(sys.modules)\n"
        "assert webob.exc.HTTPNotFound and webob.dec.wsgify\n"
        "assert isinstance(webob.exc.HTTPNotFound(), webob.Response)\n"
        "assert not hasattr(webob, 'nothing')\n"
        "import importlib.util\n"
        "spec = importlib.util.find_spec('webob')\n"
        "assert spec is webob.__spec__ and spec.loader is webob.__loader__\n"
        "assert type(spec.loader).__module__.partition('.')[0] != 'oslo_service'\n"
        "import routes\n"
        "assert not [one for one in sys.meta_path if 'oslo' in type(one).__module__]\n"
    )


def test_what_routes_has_comes_with_the_server():
    run(
        "import oslo_service.wsgi, routes\n"
        "assert 'routes.middleware' not in sys.modules\n"
        "assert routes.middleware.RoutesMiddleware\n"
    )


def test_a_submodule_can_be_imported_first():
    run(
        "import oslo_service.wsgi\n"
        "from webob import exc\n"
        "import webob.dec\n"
        "assert exc is webob.exc and webob.dec.wsgify\n"
    )


def test_finders_that_know_only_what_others_ask_do_no_harm():
    run(
        "import oslo_service.wsgi\n"
        "class Old:\n"
        "    def find_module(self, name, path=None):\n        return None\n"
        "sys.meta_path.insert(0, Old())\n"
        "import warnings\nwarnings.simplefilter('ignore')\n"
        "import webob\n"
        "assert webob.exc.HTTPNotFound\n"
    )


def test_webob_is_not_missed_where_it_is_not_installed():
    run(
        "sys.modules['webob'] = None\n"
        "import oslo_service.wsgi\n"
        "try:\n    import webob\n"
        "except ModuleNotFoundError:\n    pass\n"
        "else:\n    raise AssertionError\n"
    )
    run(
        "import oslo_service.wsgi\n"
        "for finder in sys.meta_path:\n"
        "    if hasattr(finder, 'package'):\n"
        "        assert finder.find_spec('nowhere_at_all', None) is None\n"
        "        finder.package = 'nowhere_at_all'\n"
        "        break\n"
        "try:\n    import nowhere_at_all\n"
        "except ModuleNotFoundError:\n    pass\n"
        "else:\n    raise AssertionError\n"
    )


EVENTLETS = (
    "assert 'eventlet.wsgi' not in sys.modules\n"
    "assert eventlet.wsgi.server and eventlet.tpool.Proxy\n"
    "assert eventlet.green.subprocess.Popen\n"
    "assert not hasattr(eventlet, 'nothing')\n"
)


def test_what_eventlet_has_comes_with_its_driver():
    pytest.importorskip("eventlet")
    run(
        "import eventlet\n"
        "from oslo_service import backend\n"
        "backend.init_backend('eventlet')\n" + EVENTLETS
    )


def test_what_eventlet_has_comes_in_a_process_that_it_has_patched():
    pytest.importorskip("eventlet")
    run(
        "import eventlet\neventlet.monkey_patch()\nimport oslo_service.service\n"
        + EVENTLETS
    )


def test_on_native_threads_nothing_of_eventlet_comes():
    pytest.importorskip("eventlet")
    run(
        "import eventlet\n"
        "from oslo_service import backend, service, wsgi\n"
        "backend.init_backend('threading')\n"
        "assert not hasattr(eventlet, 'tpool') and not hasattr(eventlet, 'wsgi')\n"
    )


@pytest.mark.parametrize("missing", ["webob", "routes"])
@pytest.mark.parametrize("name", ["Router", "Request"])
def test_what_lacks_a_package_names_the_extra(missing, name):
    run(
        f"sys.modules[{missing!r}] = None\n"
        "from oslo_service import wsgi\n"
        "assert wsgi.Server\n"
        f"try:\n    wsgi.{name}\n"
        "except ImportError as exc:\n    assert 'oslo.service[wsgi]' in str(exc), exc\n"
        "else:\n    raise AssertionError\n"
    )
