# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""A plugin of pytest: of a broken driver's tests, run those that have to find it."""

from broken_drivers.catalogue import MUTANTS


def pytest_collection_modifyitems(config, items):
    """Deselect what a broken driver is not judged by."""
    wanted = [item for item in items if _is_wanted(item)]
    config.hook.pytest_deselected(items=[one for one in items if one not in wanted])
    items[:] = wanted


def _is_wanted(item):
    if not hasattr(item, "callspec"):
        return False
    given = item.callspec.params
    scenario = given.get("scenario") or {"driver_name": given["oslo_service_driver"]}
    module = item.module.__name__.rpartition(".")[2]
    parts = (module, item.cls and item.cls.__name__, item.originalname)
    path = "::".join(filter(None, parts))
    return path.startswith(MUTANTS[scenario["driver_name"]].found_by)
