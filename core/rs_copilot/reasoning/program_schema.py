"""The form of programs as a JSON schema, for models whose text is held to one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from string import ascii_lowercase
from typing import Any

from rs_copilot.reasoning.checking import MAX_STEPS, MAX_TEXT, UNITS
from rs_copilot.reasoning.operations.table import Operation, Takes
from rs_copilot.reasoning.program import OPERATIONS
from rs_copilot.reasoning.values import Sort

# What steps are called, in their order. Servers know named properties, and few of them patterns of names.
NAMES = ascii_lowercase[:MAX_STEPS]
REFERENCE = {"enum": [f"${name}" for name in NAMES]}
Schema = Mapping[str, Any]


def program_schema(
    fixed: Mapping[tuple[str, str], Schema] | None = None, without: Collection[str] = ()
) -> dict[str, Any]:
    """Steps by name, each one of the operations, and the step that is the answer.

    Args:
        fixed: what parameters are held to besides their sort, by operation and parameter: for example the
            names that there are.
        without: operations that there is no use for.

    A step stands once in ``$defs``, which has to be kept at the root of whatever document this is put into.
    """
    operations = [
        _schema_of(operation, fixed or {})
        for name, operation in sorted(OPERATIONS.items()) if name not in without
    ]  # fmt: skip
    steps = {
        "type": "object",
        "properties": {name: {"$ref": "#/$defs/step"} for name in NAMES},
        "required": [NAMES[0]],
        "additionalProperties": False,
    }
    return {
        "$defs": {"step": {"anyOf": operations}},
        "type": "object",
        "properties": {"steps": steps, "answer": {"enum": list(NAMES)}},
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
