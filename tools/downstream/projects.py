# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The projects whose tests are run: releases that go together."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from places import MODULES

__all__ = ("PROJECTS", "Project", "by_name")

Environment = Mapping[str, str]


@dataclass(frozen=True)
class Project:
    """A release of a project, and how its tests are run.

    :ivar distribution: its name in the package index.
    :ivar package: what is imported.
    :ivar tests: the package that has its unit tests.
    :ivar needs: what the tests import and the project does not require.
    :ivar first: what is imported before the tests.
    :ivar older: what it needs in an older version than the others have.
    :ivar variants: for each way of running them, environment variables.
    """

    distribution: str
    version: str
    package: str
    tests: str
    needs: tuple[str, ...]
    first: tuple[str, ...] = ()
    older: tuple[str, ...] = ()
    variants: Mapping[str, Environment] = field(default_factory=lambda: {"default": {}})

    @property
    def name(self) -> str:
        """What it is called."""
        return self.distribution.removeprefix("openstack-").removeprefix("python-")

    @property
    def requirement(self) -> str:
        """What pip is asked for."""
        return f"{self.distribution}=={self.version}"

    @property
    def modules_file(self) -> Path:
        """The list of the test modules that are run."""
        return MODULES / f"{self.name}.txt"

    def modules(self) -> list[str]:
        """Return the test modules that are run."""
        return self.modules_file.read_text(encoding="ascii").split()


# A library leaves the choice of the driver to whoever uses it: once as the
# process finds itself, which is on threads, and once on Eventlet. Upstream
# knows no such option: there these libraries run on Eventlet both times.
_LIBRARY = {"default": {}, "eventlet": {"OS_OSLO_SERVICE__BACKEND": "eventlet"}}
# What projects go with that have had no release since.
_OF_2023 = ("oslo.db==14.1.0", "SQLAlchemy==1.4.54")

# All of OpenStack 2026.2.
PROJECTS = (
    Project(
        "os-brick",
        "7.1.1",
        package="os_brick",
        tests="os_brick.tests",
        needs=("castellan", "ddt", "oslo.vmware", "oslotest", "testscenarios"),
        variants=_LIBRARY,
    ),
    Project(
        "oslo.vmware",
        "4.10.1",
        package="oslo_vmware",
        tests="oslo_vmware.tests",
        needs=("ddt", "fixtures", "testtools"),
        variants=_LIBRARY,
    ),
    Project(
        "cinder",
        "29.0.0",
        package="cinder",
        tests="cinder.tests.unit",
        needs=(
            *("ddt", "fixtures", "oslotest", "PyMySQL", "SQLAlchemy-Utils"),
            *("testtools", "moto", "google-api-python-client"),
            "python-swiftclient",
        ),
        variants={
            "eventlet": {"OS_CINDER_DISABLE_EVENTLET_PATCHING": "false"},
            "threading": {"OS_CINDER_DISABLE_EVENTLET_PATCHING": "true"},
        },
    ),
    Project(
        "openstack-heat",
        "27.0.1",
        package="heat",
        tests="heat.tests",
        needs=(
            *("ddt", "fixtures", "kombu", "oslotest", "PyMySQL"),
            *("testresources", "testscenarios", "testtools"),
        ),
        # This chooses threads, which upstream allows before anything else only.
        # Where all of heat's tests are imported, the first one brings it.
        first=("heat.tests.common",),
        # It chooses threads itself, wherever it is started.
        variants={"threading": {}},
    ),
    Project(
        "python-watcher",
        "17.0.0",
        package="watcher",
        tests="watcher.tests.unit",
        needs=(
            *("ddt", "fixtures", "freezegun", "oslotest", "PyMySQL"),
            *("requests-mock", "testscenarios", "testtools", "WebTest"),
        ),
        variants={
            "eventlet": {"OS_WATCHER_DISABLE_EVENTLET_PATCHING": "false"},
            "threading": {"OS_WATCHER_DISABLE_EVENTLET_PATCHING": "true"},
        },
    ),
    Project(
        "nova",
        "34.0.0",
        package="nova",
        tests="nova.tests.unit",
        needs=(
            *("ddt", "fixtures", "oslotest", "PyMySQL", "requests-mock"),
            *("testtools", "testscenarios", "wsgi-intercept", "openstack-placement"),
        ),
        variants={
            "eventlet": {"OS_NOVA_DISABLE_EVENTLET_PATCHING": "false"},
            "threading": {"OS_NOVA_DISABLE_EVENTLET_PATCHING": "true"},
        },
    ),
    # The last release, of 2023: it neither patches nor says what it runs on, and
    # spawns green threads.
    Project(
        "sahara",
        "19.0.0",
        package="sahara",
        tests="sahara.tests.unit",
        needs=("fixtures", "oslotest", "PyMySQL", "testresources", "testscenarios"),
        older=_OF_2023,
        variants=_LIBRARY,
    ),
    # The last release, of 2023: it patches sockets only, and when it is imported.
    Project(
        "murano",
        "16.0.0",
        package="murano",
        tests="murano.tests.unit",
        needs=(
            *("fixtures", "murano-pkg-check", "oslotest", "PyMySQL", "pytz"),
            *("testresources", "testscenarios"),
        ),
        older=_OF_2023,
        variants=_LIBRARY,
    ),
)


def by_name(name: str) -> Project:
    """Find a project."""
    return next(project for project in PROJECTS if project.name == name)
