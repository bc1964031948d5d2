"""Messages survive the way to bytes and back, are tolerant of the new and strict about the wrong."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rs_copilot.protocol import (
    Cancel,
    Error,
    FrameDecoder,
    Hello,
    MessageDecoder,
    Progress,
    ProtocolError,
    RawFrame,
    Request,
    Result,
    encode,
    encode_frame,
    parse,
)

texts = st.text(max_size=20)
ids = st.integers(0, 2**53)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(texts, json_values, max_size=3)
messages = st.one_of(
    st.builds(
        Hello,
        texts,
        st.lists(texts, max_size=3).map(tuple),
        st.lists(objects, max_size=2).map(tuple),
        texts,
        ids,
    ),
    st.builds(Request, ids, texts, objects),
    st.builds(Cancel, ids),
    st.builds(Progress, ids, ids, ids, texts, st.none() | objects),
    st.builds(Result, ids, objects, st.binary(max_size=50)),
    st.builds(Error, ids, texts, texts, texts, st.none() | objects),
)


@given(st.lists(messages, max_size=6), st.integers(1, 40))
def test_round_trip_in_any_chunks(sent, size):
    stream = b"".join(map(encode, sent))
    decoder = MessageDecoder()
    got = [m for at in range(0, len(stream), size) for m in decoder.feed(stream[at : at + size])]
    assert got == sent
    assert decoder.pending_bytes == 0


@given(messages)
def test_unknown_fields_are_ignored(message):
    frame = FrameDecoder().feed(encode(message))[0]
    data = {**json.loads(frame.header), "colour of the year 2031": [1, {}]}
    assert parse(RawFrame(json.dumps(data).encode(), frame.payload)) == message


def test_unknown_types_are_dropped():
    assert MessageDecoder().feed(encode_frame(RawFrame(b'{"type":"farewell","id":1}'))) == []


@given(messages, st.data())
def test_a_field_of_the_wrong_kind_is_an_error(message, data):
    fields = message.to_json()
    key = data.draw(st.sampled_from(sorted(fields)))
    wrong = {"type": message.type, **fields, key: 1.5}
    with pytest.raises(ProtocolError, match=key):
        parse(RawFrame(json.dumps(wrong).encode()))


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b'{"type":"request"}',
        b'{"type":"request","id":true,"method":"x"}',
        b'{"type":"cancel","id":"1"}',
        b'{"type":1}',
        b"[" * 100_000,
    ],
    ids=lambda header: header[:40].decode("latin-1") or "empty",
)
def test_bad_headers_are_errors(header):
    with pytest.raises(ProtocolError):
        parse(RawFrame(header))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), {1, 2}, "\ud800"], ids=repr)
def test_what_json_lacks_is_not_sent(value):
    with pytest.raises(ProtocolError, match="does not fit into JSON"):
        encode(Result(1, {"value": value}))
