# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""Applications from a PasteDeploy file: found, made, or an error that helps."""

import pickle
from pathlib import Path

import pytest
from oslo_config import cfg

from oslo_service import wsgi
from oslo_service.backend.exceptions import OsloServiceError
from oslo_service.testing.waiting import run_script

pytest.importorskip("paste.deploy")

DESCRIPTION = f"""\
[app:greeting]
paste.app_factory = {__name__}:make_greeting
words = hello

[filter:upper]
paste.filter_factory = {__name__}:make_upper

[pipeline:loud]
pipeline = upper greeting

[pipeline:broken]
pipeline = missing greeting

[app:unimportable]
paste.app_factory = no_such_module:make

[app:failing]
paste.app_factory = {__name__}:make_failing
"""


def make_greeting(global_conf, words):
    return lambda environ, start_response: [words.encode()]


def make_upper(global_conf):
    def decorate(app):
        return lambda environ, start_response: [
            part.upper() for part in app(environ, start_response)
        ]

    return decorate


def make_failing(global_conf):
    return {}["nothing"]


def configured(path: object, *, files: tuple[str, ...] = ()) -> cfg.ConfigOpts:
    conf = cfg.ConfigOpts()
    conf([], default_config_files=list(files))
    conf.register_opt(cfg.StrOpt("api_paste_config", default=str(path)))
    return conf


@pytest.fixture
def described(tmp_path: Path) -> Path:
    path = tmp_path / "api-paste.ini"
    path.write_text(DESCRIPTION)
    return path


class TestLoading:
    @pytest.mark.parametrize(
        ("name", "answer"), [("greeting", b"hello"), ("loud", b"HELLO")]
    )
    def test_an_application_or_a_pipeline_is_made_by_its_name(
        self, described: Path, name: str, answer: bytes
    ) -> None:
        app = wsgi.Loader(configured(described)).load_app(name)

        assert list(app({}, None)) == [answer]

    def test_one_that_is_not_described_is_an_error_that_names_it(
        self, described: Path
    ) -> None:
        loader = wsgi.Loader(configured(described))

        with pytest.raises(wsgi.PasteAppNotFound, match=r"'quiet'.*api-paste.ini"):
            loader.load_app("quiet")

    def test_so_is_a_part_of_a_pipeline_and_the_cause_names_the_part(
        self, described: Path
    ) -> None:
        loader = wsgi.Loader(configured(described))

        with pytest.raises(wsgi.PasteAppNotFound, match="'broken'") as caught:
            loader.load_app("broken")
        assert "'missing'" in str(caught.value.__cause__)

    def test_what_a_factory_looked_up_in_vain_is_the_cause(
        self, described: Path
    ) -> None:
        loader = wsgi.Loader(configured(described))

        with pytest.raises(wsgi.PasteAppNotFound) as caught:
            loader.load_app("failing")
        assert repr(caught.value.__cause__) == "KeyError('nothing')"

    def test_a_factory_that_cannot_be_imported_is_the_import_error(
        self, described: Path
    ) -> None:
        loader = wsgi.Loader(configured(described))

        with pytest.raises(ImportError, match="no_such_module"):
            loader.load_app("unimportable")


class TestFinding:
    def test_a_name_is_looked_up_beside_the_configuration_file(
        self, described: Path
    ) -> None:
        beside = described.with_name("service.conf")
        beside.write_text("")

        loader = wsgi.Loader(configured(described.name, files=(str(beside),)))

        assert loader.config_path == str(described)

    def test_the_path_may_have_what_means_something_in_a_url(
        self, tmp_path: Path
    ) -> None:
        path = tmp_path / "a b#c?é+d.ini"
        path.write_text(DESCRIPTION)

        assert wsgi.Loader(configured(path)).load_app("greeting")

    def test_the_options_are_registered_where_nobody_has(self, described: Path) -> None:
        beside = described.with_name("service.conf")
        beside.write_text("")
        conf = cfg.ConfigOpts()
        conf([], default_config_files=[str(beside)])

        assert wsgi.Loader(conf).config_path == str(described)

    @pytest.mark.parametrize("path", ["missing.ini", "/missing/api-paste.ini", "", "/"])
    def test_a_missing_file_is_an_error_that_names_it(self, path: str) -> None:
        with pytest.raises(wsgi.ConfigNotFound) as caught:
            wsgi.Loader(configured(path))

        assert repr(path) in str(caught.value)
        assert "api_paste_config" in str(caught.value)


class TestErrors:
    @pytest.mark.parametrize(
        "error",
        [
            wsgi.ConfigNotFound(path="/there"),
            wsgi.PasteAppNotFound(name="greeting", path="/there"),
        ],
    )
    def test_they_are_the_librarys_and_survive_pickling(
        self, error: OsloServiceError
    ) -> None:
        copied = pickle.loads(pickle.dumps(error))

        assert isinstance(error, OsloServiceError)
        assert str(copied) == str(error)
        assert vars(copied) == vars(error)


def test_where_pastedeploy_is_missing_the_error_says_what_to_install(
    described: Path,
) -> None:
    result = run_script(
        "import sys\n"
        "sys.modules['paste.deploy'] = None\n"
        "from oslo_config import cfg\n"
        "from oslo_service import wsgi\n"
        "conf = cfg.ConfigOpts()\n"
        "wsgi.register_opts(conf)\n"
        "conf.set_override('api_paste_config', sys.argv[1])\n"
        "loader = wsgi.Loader(conf)\n"
        "try:\n"
        "    loader.load_app('greeting')\n"
        "except ImportError as exc:\n"
        "    print(exc)\n",
        str(described),
    )

    assert "pip install 'oslo.service[wsgi]'" in result.stdout, result.stderr
    assert "paste.deploy" in result.stdout
