# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""What ``/status`` answers is what its schema in the documentation says."""

import json
from pathlib import Path
from typing import Any

import pytest

from oslo_service.testing.test_admin import site

SCHEMA = json.loads(
    (Path(__file__).parents[2] / "doc" / "source" / "status-schema.json").read_text()
)
TYPES: dict[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}


def faults(schema: dict[str, Any], value: Any, where: str) -> list[str]:
    """Return what is wrong with a value; also a key that is not known."""
    if "$ref" in schema:
        schema = SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]]
    if "const" in schema and value != schema["const"]:
        return [f"{where} is {value!r}"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{where} is {value!r}"]
    wanted = schema.get("type", [])
    wanted = [wanted] if isinstance(wanted, str) else wanted
    if wanted and not any(isinstance(value, TYPES[one]) for one in wanted):
        return [f"{where} is {value!r}"]
    found = []
    if isinstance(value, dict):
        known, others = schema.get("properties", {}), schema.get("additionalProperties")
        found += [f"{where}.{one} is missing" for one in schema.get("required", ())]
        found = [one for one in found if one.split(".")[-1].split()[0] not in value]
        for name, member in value.items():
            if name not in known and not others:
                found.append(f"{where}.{name} is not known")
            else:
                found += faults(known.get(name) or others, member, f"{where}.{name}")
    elif isinstance(value, list):
        for number, member in enumerate(value):
            found += faults(schema.get("items", {}), member, f"{where}[{number}]")
    return found


@pytest.mark.parametrize("workers", [1, 2])
def test_it_is_valid(driver_name: str, workers: int, tmp_path: Path) -> None:
    traits = ["failing start"] if workers == 2 else []
    with site(driver_name, tmp_path, workers=workers, traits=traits) as there:
        if traits:
            there.program.expect_text("ended 3 times in a row", 2)
        else:
            there.until_status(200)
        status = there.status()
        assert faults(SCHEMA, status, "status") == []
        assert faults(SCHEMA, {**status, "schema": 2, "new": 1}, "status") == [
            "status.schema is 2",
            "status.new is not known",
        ]
        there.program.end()
