"""Streams are read once, forwards: same frames and times as from the file."""

from __future__ import annotations

import os
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rs_copilot.errors import VideoError
from rs_copilot.video.clip import open_clip, open_stream
from rs_copilot.video.decode import name_of
from tests.engine.video.films import number_of, write_film

STEADY = [n / 25 for n in range(50)]


def piped(source, pipe):
    """A named pipe into which another thread pours a file."""
    os.mkfifo(pipe)
    thread = threading.Thread(target=lambda: pipe.write_bytes(source.read_bytes()), daemon=True)
    thread.start()
    return pipe


@pytest.mark.parametrize("name", ["a.mp4", "a.ts"])
def test_a_stream_gives_the_frames_of_the_file(tmp_path, name):
    path = write_film(tmp_path / name, STEADY)
    with open_clip(path) as clip:
        expected = [(frame.index, frame.time_s, number_of(frame.image)) for frame in clip.frames(every_s=0.2)]
    with open_stream(path) as stream:
        found = [(frame.index, frame.time_s, number_of(frame.image)) for frame in stream.frames(every_s=0.2)]
        assert stream.info.size == clip.info.size
    assert found == expected


def test_a_pipe_is_read_as_it_comes(tmp_path):
    source = write_film(tmp_path / "a.ts", STEADY)
    with open_stream(piped(source, tmp_path / "pipe")) as stream:
        frames = list(stream.frames())
        with pytest.raises(VideoError, match="read before"):
            stream.frames()
    assert [number_of(frame.image) for frame in frames] == list(range(50))
    assert [frame.time_s for frame in frames] == pytest.approx(STEADY, abs=1e-3)


def test_a_pipe_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(VideoError, match="read twice") as caught:
        open_clip(tmp_path / "pipe")
    assert "--causal" in caught.value.hint


def test_stills_are_opened_as_ever(tmp_path):
    with pytest.raises(VideoError, match="found nothing"):
        open_stream(tmp_path / "nothing.mp4")


def test_a_silent_address_is_refused_without_its_password():
    with pytest.raises(VideoError) as caught:
        open_stream("tcp://user:secret@127.0.0.1:9")
    assert "secret" not in f"{caught.value} {caught.value.hint} {caught.value.__cause__}"
    assert "127.0.0.1:9" in str(caught.value)


@given(st.text("abc:/?#", max_size=8), st.text("xyz1", min_size=1, max_size=8))
def test_names_of_addresses_hold_no_secret(user, host):
    name = name_of(
        f"rtsp://{user.replace('/', '').replace('?', '').replace('#', '')}:S3CRET@{host}/live?token=S3CRET"
    )
    assert name == f"rtsp://{host}/live"
