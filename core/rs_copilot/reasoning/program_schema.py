"""The form of programs as a JSON schema, for models whose text is held to one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from rs_copilot.reasoning.checking import MAX_STEPS, MAX_TEXT, UNITS
from rs_copilot.reasoning.operations.table import Operation, Takes
from rs_copilot.reasoning.program import OPERATIONS
from rs_copilot.reasoning.values import Sort

# What steps are called: short, and with nothing in it that would have to be escaped.
STEP = r"[a-z][a-z0-9_]{0,15}"
REFERENCE = {"type": "string", "pattern": rf"^\${STEP}$"}
Schema = Mapping[str, Any]


def program_schema(
    fixed: Mapping[tuple[str, str], Schema] | None = None, without: Collection[str] = ()
) -> dict[str, Any]:
    """Steps by name, each one of the operations, and the step that is the answer.

    Args:
        fixed: what parameters are held to besides their sort, by operation and parameter: for example the
            names that there are.
        without: operations that there is no use for.
    """
    operations = [
        _schema_of(operation, fixed or {})
        for name, operation in sorted(OPERATIONS.items()) if name not in without
    ]  # fmt: skip
    return {
        "type": "object",
        "properties": {
            "steps": {
                "type": "object",
                "patternProperties": {f"^{STEP}$": {"anyOf": operations}},
                "additionalProperties": False,
                "minProperties": 1,
                "maxProperties": MAX_STEPS,
            },
            "answer": {"type": "string", "pattern": f"^{STEP}$"},
        },
        "required": ["steps", "answer"],
        "additionalProperties": False,
    }


def _schema_of(operation: Operation, fixed: Mapping[tuple[str, str], Schema]) -> dict[str, Any]:
    properties: dict[str, Any] = {"op": {"const": operation.name}}
    properties |= {
        key: dict(fixed.get((operation.name, key)) or _schema_of_value(takes))
        for key, takes in operation.takes.items()
    }
    return {
        "type": "object",
        "description": operation.meaning,
        "properties": properties,
        "required": ["op", *(key for key, takes in operation.takes.items() if not takes.optional)],
        "additionalProperties": False,
    }


def _schema_of_value(takes: Takes) -> dict[str, Any]:
    if takes.words:
        return {"enum": list(takes.words)}
    if takes.sort in UNITS:
        quantity = {
            "type": "object",
            "properties": {"value": {"type": "number"}, "unit": {"enum": list(UNITS[takes.sort])}},
            "required": ["value", "unit"],
        }
        return {"anyOf": [{"type": "number"}, quantity, REFERENCE]}
    if takes.sort is Sort.MOMENTS:
        span = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
        return {"anyOf": [span, REFERENCE]}
    if takes.sort in (Sort.NAME, Sort.PHRASE):
        return {"type": "string", "minLength": 1, "maxLength": MAX_TEXT}
    return REFERENCE
