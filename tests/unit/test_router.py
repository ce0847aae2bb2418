# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The router: which application gets a request, and what it is told."""

import pytest

from oslo_service.testing.waiting import run_script

routes = pytest.importorskip("routes")
pytest.importorskip("webob")

import webob  # noqa: E402 - it may be missing
import webob.dec  # noqa: E402
import webob.exc  # noqa: E402

from oslo_service import wsgi  # noqa: E402
from oslo_service.applications import router as routers  # noqa: E402


@webob.dec.wsgify(RequestClass=wsgi.Request)
def told(request):
    """An application that answers with what it was told."""
    assert isinstance(request, wsgi.Request)
    rest = {key: value for key, value in request.urlvars.items() if value is not told}
    return webob.Response(
        json={"urlvars": rest, "script": request.script_name, "path": request.path_info}
    )


def plain(environ, start_response):
    """An application without WebOb."""
    _, found = environ["wsgiorg.routing_args"]
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [found["name"].encode()]


@webob.dec.wsgify
def refusing(request):
    raise webob.exc.HTTPConflict


@pytest.fixture
def router():
    mapper = routes.Mapper()
    mapper.connect(None, "/things/{name}", controller=told, action="show")
    mapper.connect(
        None, "/gets/{name:[a-z]+}", controller=told, conditions={"method": ["GET"]}
    )
    mapper.connect(None, "/plain/{name}", controller=plain)
    mapper.connect(None, "/refusing", controller=refusing)
    mapper.connect(None, "/nobody")
    mapper.connect(None, "/v1/{path_info:.*}", controller=told)
    mapper.redirect("/old", "/things/new")
    return wsgi.Router(mapper)


def get(router, path, method="GET", **kwargs):
    return webob.Request.blank(path, method=method, **kwargs).get_response(router)


class TestFound:
    def test_the_controller_gets_the_request_and_what_the_route_says(self, router):
        answer = get(router, "/things/kettle")

        assert answer.status_int == 200
        assert answer.json["urlvars"] == {"name": "kettle", "action": "show"}

    def test_it_may_be_any_wsgi_application(self, router):
        assert get(router, "/plain/kettle").body == b"kettle"

    def test_what_it_answers_is_the_answer(self, router):
        assert get(router, "/refusing").status_int == 409

    def test_the_rest_of_the_path_is_that_of_an_application_below(self, router):
        answer = get(router, "/v1/a/b", base_url="http://localhost/api")

        assert (answer.json["script"], answer.json["path"]) == ("/api/v1", "/a/b")

    def test_a_route_may_redirect(self, router):
        answer = get(router, "/old")

        assert answer.status_int == 302
        assert answer.headers["Location"].endswith("/things/new")

    def test_a_form_may_name_the_method_that_it_cannot_have(self, router):
        answer = get(router, "/gets/kettle?_method=GET", method="POST")

        assert answer.status_int == 200


class TestNotFound:
    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("GET", "/"),
            ("GET", "/things"),
            ("GET", "/gets/7"),
            ("POST", "/gets/kettle"),
            ("HEAD", "/none"),
            ("GET", "/nobody"),
        ],
    )
    def test_the_answer_is_404(self, router, method, path):
        assert get(router, path, method).status_int == 404

    def test_it_comes_in_the_form_that_the_client_wants(self, router):
        answer = get(router, "/none", headers={"Accept": "application/json"})

        assert answer.content_type == "application/json"
        assert answer.json["title"] == "Not Found"


class TestExtending:
    def test_a_subclass_may_dispatch_by_itself(self, router):
        class Own(wsgi.Router):
            @staticmethod
            @webob.dec.wsgify(RequestClass=wsgi.Request)
            def _dispatch(request):
                _, found = request.environ["wsgiorg.routing_args"]
                return f"{found['action']} {found['name']}"

        assert get(Own(router.map), "/things/kettle").text == "show kettle"

    def test_called_with_a_request_it_gives_what_answers_that(self, router):
        request = wsgi.Request.blank("/plain/kettle")

        assert request.get_response(router(request)).text == "kettle"

    def test_the_mapper_can_be_found(self, router):
        assert router.map.match("/things/kettle")["action"] == "show"


class TestImporting:
    def test_the_public_module_has_them(self):
        assert wsgi.Router is routers.Router
        assert wsgi.Request is routers.Request
        assert issubclass(wsgi.Request, webob.Request)

    @pytest.mark.parametrize("missing", ["webob", "routes"])
    def test_where_a_package_is_missing_the_error_says_what_to_install(self, missing):
        result = run_script(
            "import sys\n"
            "sys.modules[sys.argv[1]] = None\n"
            "from oslo_service import wsgi\n"
            "try:\n"
            "    from oslo_service.wsgi import Router\n"
            "except ImportError as exc:\n"
            "    print(exc)\n",
            missing,
        )

        assert "pip install 'oslo.service[wsgi]'" in result.stdout, result.stderr
        assert missing in result.stdout

    def test_they_work_where_eventlet_is_not_installed(self):
        result = run_script(
            "import sys\n"
            "sys.modules['eventlet'] = sys.modules['greenlet'] = None\n"
            "import routes, webob\n"
            "from oslo_service import wsgi\n"
            "router = wsgi.Router(routes.Mapper())\n"
            "print(wsgi.Request.blank('/').get_response(router).status_int)\n"
        )

        assert result.stdout == "404\n", result.stderr
