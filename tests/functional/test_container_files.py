# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The files for containers in the examples, as far as they can be checked here."""

import importlib.util
import json
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from oslo_config import cfg

from oslo_service import opts

ROOT = Path(__file__).resolve().parents[2]
CONTAINERS = ROOT / "examples" / "containers"
EXAMPLE = ROOT / "examples" / "json_api"
DOCUMENTS = list(yaml.safe_load_all((CONTAINERS / "kubernetes.yaml").read_text()))
BY_KIND: dict[str, Any] = {one["kind"]: one for one in DOCUMENTS}
POD = BY_KIND["Deployment"]["spec"]["template"]["spec"]
CONTAINER = POD["containers"][0]


@pytest.fixture
def conf(tmp_path: Path) -> cfg.ConfigOpts:
    """The configuration of the pod."""
    path = tmp_path / "stock-api.conf"
    path.write_text(BY_KIND["ConfigMap"]["data"]["stock-api.conf"])
    conf = cfg.ConfigOpts()
    opts.register_service_opts(conf)
    conf(["--config-file", str(path)], project="stock-api")
    return conf


def test_each_limit_is_longer_than_what_it_waits_for(conf: cfg.ConfigOpts) -> None:
    ours = conf.oslo_service
    inside = ours.shutdown_delay + conf.graceful_shutdown_timeout
    assert ours.shutdown_delay > 0
    assert POD["terminationGracePeriodSeconds"] > inside + 1
    window = CONTAINER["readinessProbe"]["periodSeconds"]
    assert (
        ours.shutdown_delay > window * CONTAINER["readinessProbe"]["failureThreshold"]
    )
    assert ours.restart_limit == 5


def test_the_workers_are_recycled_before_the_kernel_kills(conf: cfg.ConfigOpts) -> None:
    limit = int(CONTAINER["resources"]["limits"]["memory"].removesuffix("Mi")) << 20
    assert 2 * conf.oslo_service.worker_max_memory < limit


def test_the_probes_ask_the_endpoint_of_the_configuration() -> None:
    text = BY_KIND["ConfigMap"]["data"]["stock-api.conf"]
    ports = {one["name"]: one["containerPort"] for one in CONTAINER["ports"]}
    assert f"admin_address = 0.0.0.0:{ports['admin']}" in text
    assert f"\nport = {ports['http']}\n" in text
    paths = {
        name: CONTAINER[name]["httpGet"]["path"]
        for name in ("startupProbe", "readinessProbe", "livenessProbe")
    }
    assert paths == {
        "startupProbe": "/ready",
        "readinessProbe": "/ready",
        "livenessProbe": "/live",
    }
    assert all(CONTAINER[name]["httpGet"]["port"] == "admin" for name in paths)


@pytest.mark.skipif(
    importlib.util.find_spec("kubernetes_validate") is None,
    reason="kubernetes-validate is not installed",
)
@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda one: one["kind"])
def test_kubernetes_knows_every_field(document: dict[str, Any]) -> None:
    import kubernetes_validate

    kubernetes_validate.validate(document, "1.30", strict=True)


class TestContainerfile:
    """The file that the image is built by."""

    @pytest.fixture
    def instructions(self) -> list[tuple[str, str]]:
        text = (CONTAINERS / "Containerfile").read_text().replace("\\\n", "")
        lines = [one for one in text.splitlines() if one and not one.startswith("#")]
        return [(one.split()[0], one.partition(" ")[2].strip()) for one in lines]

    def test_its_command_is_in_the_exec_form_and_of_the_example(
        self, instructions: list[tuple[str, str]]
    ) -> None:
        (command,) = [json.loads(rest) for name, rest in instructions if name == "CMD"]
        assert ("COPY", "examples/json_api /app") in instructions
        for argument in command:
            if argument.startswith("/app/"):
                assert (EXAMPLE / argument.removeprefix("/app/")).exists()
        assert CONTAINER["command"][:2] == command[:2]

    def test_what_it_installs_are_extras_that_there_are(
        self, instructions: list[tuple[str, str]]
    ) -> None:
        (build,) = [rest for _, rest in instructions if "pip wheel" in rest]
        (install,) = [rest for _, rest in instructions if "pip install" in rest]
        (source,) = [one for one in shlex.split(build) if one.startswith("/src[")]
        (target,) = [one for one in shlex.split(install) if "oslo.service[" in one]
        extras = target.partition("[")[2].rstrip("]").split(",")
        assert source.partition("[")[2] == target.partition("[")[2]
        setup = (ROOT / "setup.cfg").read_text() + (ROOT / "pyproject.toml").read_text()
        assert [one for one in extras if f"\n{one} =" not in setup] == []

    def test_it_is_built_where_there_is_git_and_runs_where_there_is_little(
        self, instructions: list[tuple[str, str]]
    ) -> None:
        build, image = (rest for name, rest in instructions if name == "FROM")
        # pbr asks git for the version; the small images have none.
        assert build == image.removesuffix("-slim") + " AS build"
        assert ("COPY", ". /src") in instructions[: instructions.index(("FROM", image))]

    def test_it_runs_as_nobody_in_particular(
        self, instructions: list[tuple[str, str]]
    ) -> None:
        (user,) = [rest for name, rest in instructions if name == "USER"]
        assert user == str(POD["securityContext"]["runAsUser"])
        assert {name for name, _ in instructions} <= {
            *("FROM", "RUN", "COPY", "USER", "WORKDIR", "ENV", "EXPOSE"),
            *("STOPSIGNAL", "CMD"),
        }
