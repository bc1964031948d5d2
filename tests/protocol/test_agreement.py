"""Versions and codes: what both sides must agree on."""

from __future__ import annotations

import pytest

from rs_copilot import errors
from rs_copilot.protocol import ALL_CODES, PROTOCOL_VERSION, Code, incompatibility

CONVERSATION_CODES = {
    Code.UNKNOWN_METHOD,
    Code.BAD_MESSAGE,
    Code.VERSION_MISMATCH,
    Code.ENGINE_DIED,
    Code.ENGINE_NOT_STARTED,
}


def engine_codes() -> set[str]:
    found, todo = set(), [errors.RsCopilotError]
    while todo:
        kind = todo.pop()
        found.add(kind.code)
        todo += kind.__subclasses__()
    return found


def test_the_protocol_knows_every_code_of_the_engine_and_no_other():
    assert engine_codes() | CONVERSATION_CODES == ALL_CODES


def test_the_drawn_tree_names_every_code():
    drawn = errors.__doc__ or ""
    assert all(f" {code} " in drawn or f" {code}\n" in drawn for code in engine_codes())


@pytest.mark.parametrize(
    ("theirs", "fits"),
    [
        ("1.0", True),
        ("1.99", True),
        ("1", True),
        ("2.0", False),
        ("0.9", False),
        ("", False),
        ("one", False),
        ("²", False),
    ],
)
def test_major_versions_must_agree(theirs, fits):
    reason = incompatibility(theirs, "1.3")
    assert (reason is None) == fits
    assert fits or "1.3" in reason


def test_we_understand_ourselves():
    assert incompatibility(PROTOCOL_VERSION) is None
