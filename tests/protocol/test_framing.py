"""Any chunking of the bytes gives the same frames; garbage gives an error, never a hang."""

from __future__ import annotations

import struct
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rs_copilot.protocol import FrameDecoder, ProtocolError, RawFrame, encode_frame
from rs_copilot.protocol.framing import MAGIC, MAX_HEADER_BYTES, MAX_PAYLOAD_BYTES

frames = st.lists(st.builds(RawFrame, st.binary(max_size=60), st.binary(max_size=60)), max_size=5)


def chunks(data: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[a:b] for a, b in pairwise(places)]


@given(frames, st.lists(st.integers(0, 10_000), max_size=12))
def test_any_chunking_gives_the_same_frames(sent, cuts):
    stream = b"".join(map(encode_frame, sent))
    decoder = FrameDecoder()
    got = [frame for chunk in chunks(stream, cuts) for frame in decoder.feed(chunk)]
    assert got == sent
    assert decoder.pending_bytes == 0


@given(frames, st.binary(min_size=1, max_size=11))
def test_an_unfinished_frame_is_seen_as_such(sent, tail):
    decoder = FrameDecoder()
    start = encode_frame(RawFrame(b"x" * 20))[: len(tail)]
    assert decoder.feed(b"".join(map(encode_frame, sent)) + start) == sent
    assert decoder.pending_bytes > 0


@given(st.binary(min_size=4, max_size=200))
def test_garbage_is_an_error_and_stays_one(garbage):
    if garbage.startswith(MAGIC):
        garbage = b"?" + garbage
    decoder = FrameDecoder()
    with pytest.raises(ProtocolError):
        decoder.feed(garbage)
    with pytest.raises(ProtocolError):
        decoder.feed(encode_frame(RawFrame(b"{}")))


@given(st.binary(max_size=300))
def test_arbitrary_bytes_never_do_anything_but_parse_or_raise(data):
    decoder = FrameDecoder()
    try:
        got = decoder.feed(data)
    except ProtocolError:
        return
    assert isinstance(got, list)


def test_a_login_banner_is_quoted():
    with pytest.raises(ProtocolError, match="Welcome to server42"):
        FrameDecoder().feed(b"Welcome to server42!\nLast login: today\n")


@pytest.mark.parametrize(
    "sizes", [(MAX_HEADER_BYTES + 1, 0), (0, MAX_PAYLOAD_BYTES + 1), (2**32 - 1, 2**32 - 1)]
)
def test_hostile_sizes_are_refused_before_anything_is_stored(sizes):
    with pytest.raises(ProtocolError, match="larger than the limit"):
        FrameDecoder().feed(struct.pack("!4sII", MAGIC, *sizes))


def test_nothing_too_large_is_ever_sent():
    with pytest.raises(ProtocolError, match="larger than the limit"):
        encode_frame(RawFrame(b" " * (MAX_HEADER_BYTES + 1)))
