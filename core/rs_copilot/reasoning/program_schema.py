"""The form of programs as a JSON schema, for models whose text is held to one."""

from __future__ import annotations

from typing import Any

from rs_copilot.reasoning.checking import MAX_STEPS, MAX_TEXT, UNITS
from rs_copilot.reasoning.operations.table import Operation, Takes
from rs_copilot.reasoning.program import OPERATIONS
from rs_copilot.reasoning.values import Sort

REFERENCE = {"type": "string", "pattern": r"^\$\w+$"}


def program_schema() -> dict[str, Any]:
    """Steps by name, each one of the operations, and the step that is the answer."""
    operations = [_schema_of(operation) for _, operation in sorted(OPERATIONS.items())]
    steps = {"type": "object", "minProperties": 1, "maxProperties": MAX_STEPS}
    return {
        "type": "object",
        "properties": {
            "steps": {**steps, "additionalProperties": {"anyOf": operations}},
            "answer": {"type": "string"},
        },
        "required": ["steps", "answer"],
        "additionalProperties": False,
    }


def _schema_of(operation: Operation) -> dict[str, Any]:
    properties: dict[str, Any] = {"op": {"const": operation.name}}
    properties |= {key: _schema_of_value(takes) for key, takes in operation.takes.items()}
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
