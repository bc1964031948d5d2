"""The protocol's page says what the code does."""

from __future__ import annotations

from pathlib import Path

import pytest

from rs_copilot.protocol import PROTOCOL_VERSION, Cancel, Error, Hello, Progress, Request, Result
from rs_copilot.protocol.framing import MAGIC, MAX_HEADER_BYTES, MAX_PAYLOAD_BYTES
from rs_copilot.worker.methods import standard_methods

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "engine-protocol.md").read_text(encoding="utf-8")

EXAMPLES = [
    Hello("0.1.0"),
    Request(1, "ping"),
    Cancel(1),
    Progress(1, 0, 1, partial={}),
    Result(1),
    Error(1, "internal", "m", details={}),
]


def test_version_and_limits():
    assert f"version {PROTOCOL_VERSION}" in PAGE
    assert MAGIC.decode() in PAGE
    assert f"at most {MAX_HEADER_BYTES // 2**20} MiB" in PAGE
    assert f"at most {MAX_PAYLOAD_BYTES // 2**20} MiB" in PAGE


@pytest.mark.parametrize("message", EXAMPLES, ids=lambda message: message.type)
def test_every_field_of_every_message(message):
    (row,) = [line for line in PAGE.splitlines() if line.startswith(f"| `{message.type}` |")]
    assert all(f"`{name}`" in row for name in message.to_json())


@pytest.mark.parametrize("name", sorted(standard_methods().methods))
def test_every_method(name):
    table = PAGE.split("## Methods")[1].split("## When")[0]
    assert f"`{name}`" in table
