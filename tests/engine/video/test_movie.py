from __future__ import annotations

import wave
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rs_copilot.errors import VideoError
from rs_copilot.types import SizeWH
from rs_copilot.video.clip import open_clip
from rs_copilot.video.decode import Cursor
from rs_copilot.video.orientation import Turn
from tests.engine.video.films import HEIGHT, WIDTH, number_of, picture, rotate, write_film

STEADY = [n / 25 for n in range(75)]
UNEVEN = list(np.cumsum([0.0, *([0.04] * 9), 0.5, *([0.1] * 12), *([0.02] * 20), 1.3, *([0.04] * 10)]))


@pytest.fixture(scope="module")
def steady(tmp_path_factory):
    return write_film(tmp_path_factory.mktemp("films") / "steady.mp4", STEADY)


@pytest.fixture(scope="module")
def uneven(tmp_path_factory):
    return write_film(tmp_path_factory.mktemp("films") / "uneven.mp4", UNEVEN)


def test_info_says_what_the_container_says(steady):
    with open_clip(steady) as clip:
        info = clip.info
    assert info.kind == "video"
    assert info.size == SizeWH(WIDTH, HEIGHT)
    assert info.frame_count == 75
    assert info.duration_s == pytest.approx(3.0, abs=0.05)
    assert isinstance(info.fps, Fraction)
    assert float(info.fps) == pytest.approx(25, rel=0.02)


@pytest.mark.parametrize(
    ("name", "codec", "bframes"),
    [("a.mp4", "libx264", 2), ("a.mp4", "libx264", 0), ("a.mkv", "libx264", 2), ("a.ts", "libx264", 2),
     ("a.avi", "mpeg4", 0), ("a.ts", "mpeg2video", 0), ("a.mov", "mpeg4", 0)],
)  # fmt: skip
def test_every_frame_comes_once_in_order_with_its_time(tmp_path, name, codec, bframes):
    path = write_film(tmp_path / name, STEADY, codec=codec, bframes=bframes)
    with open_clip(path) as clip:
        frames = list(clip.frames())
        assert [number_of(frame.image) for frame in frames] == list(range(75))
        assert [frame.index for frame in frames] == list(range(75))
        assert [frame.time_s for frame in frames] == pytest.approx(STEADY, abs=1e-3)
        for time_s, number in ((2.0, 50), (0.52, 13), (2.95, 73), (0.0, 0)):
            assert number_of(clip.frame_at(time_s).image) == number
        assert clip.warnings == []


def test_variable_frame_rate_keeps_its_times(uneven):
    with open_clip(uneven) as clip:
        frames = list(clip.frames())
    assert [number_of(frame.image) for frame in frames] == list(range(len(UNEVEN)))
    assert [frame.time_s for frame in frames] == pytest.approx(UNEVEN, abs=1e-3)


@settings(max_examples=40, deadline=None)
@given(time_s=st.floats(-0.5, UNEVEN[-1] + 1.0))
def test_a_seek_gives_the_frame_on_screen(uneven_clip, time_s):
    frame = uneven_clip.frame_at(time_s)
    on_screen = max((n for n, t in enumerate(UNEVEN) if t <= time_s + 2e-4), default=0)
    near_a_change = min(abs(t - time_s) for t in UNEVEN) < 1e-3
    assert number_of(frame.image) == frame.index
    assert frame.index == on_screen or near_a_change


@pytest.fixture(scope="module")
def uneven_clip(uneven):
    with open_clip(uneven) as clip:
        yield clip


@settings(max_examples=25, deadline=None)
@given(every_s=st.floats(0.03, 1.5), start_s=st.floats(0.0, 3.0), length_s=st.floats(0.0, 3.0))
def test_sampling_takes_the_first_frame_at_or_after_each_multiple(uneven_clip, every_s, start_s, length_s):
    end_s = start_s + length_s
    frames = list(uneven_clip.frames(every_s, start_s, end_s))
    times = [frame.time_s for frame in uneven_clip.frames()]
    expected = []
    for step in range(1000):
        due = step * every_s
        number = next((n for n, t in enumerate(times) if t >= max(due, start_s) - 1e-4), None)
        if due >= start_s - 1e-4 and number is not None and times[number] <= end_s + 1e-4:
            expected.append(number)
    assert [frame.index for frame in frames] == sorted(set(expected))
    assert [number_of(frame.image) for frame in frames] == [frame.index for frame in frames]


def test_sampling_skips_what_it_need_not_decode(tmp_path, monkeypatch):
    path = write_film(tmp_path / "long.mp4", [n / 25 for n in range(500)], gop=10, bframes=0)
    decoded = []
    plain = Cursor.next
    monkeypatch.setattr(Cursor, "next", lambda self: decoded.append(1) or plain(self))
    with open_clip(path) as clip:
        assert [frame.index for frame in clip.frames(4.0)] == [0, 100, 200, 300, 400]
    assert len(decoded) < 150


def test_two_readers_of_one_clip_do_not_disturb_each_other(steady):
    with open_clip(steady) as clip:
        first, second = clip.frames(), clip.frames(every_s=0.5)
        pairs = [(next(first).index, next(second).index, clip.frame_at(1.0).index) for _ in range(4)]
    assert pairs == [(0, 0, 25), (1, 13, 25), (2, 25, 25), (3, 38, 25)]


def test_impossible_interval_is_refused_at_once(steady):
    with open_clip(steady) as clip, pytest.raises(ValueError, match="positive"):
        clip.frames(every_s=0.0)


@pytest.mark.parametrize(
    ("matrix", "quarter_turns"), [((0, -1, 1, 0), 1), ((-1, 0, 0, -1), 2), ((0, 1, -1, 0), 3)]
)
def test_rotation_metadata_put_the_picture_upright(tmp_path, matrix, quarter_turns):
    path = rotate(write_film(tmp_path / "r.mp4", STEADY[:10]), matrix)
    with open_clip(path) as clip:
        frame = clip.frame_at(0.2)
        assert clip.info.size == frame.size
    expected = np.rot90(picture(5), quarter_turns)
    assert frame.image.shape == expected.shape
    assert np.abs(frame.image.astype(int) - expected).mean() < 8
    assert frame.image.flags.c_contiguous


@given(st.lists(st.sampled_from([-1, 0, 1]), min_size=4, max_size=4), st.binary(max_size=40))
def test_any_display_matrix_gives_some_turn(values, junk):
    data = b"".join(int(v * 65536).to_bytes(4, "little", signed=True) for v in (*values[:2], 0, *values[2:]))
    for matrix in (data + bytes(16), junk):
        image = Turn.from_display_matrix(matrix).apply(picture(3))
        assert image.size == picture(3).size


# --- bad input -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "options"), [("t.mp4", {"movflags": "faststart"}), ("t.ts", {}), ("t.mkv", {})]
)
def test_truncated_video_is_read_as_far_as_it_goes_with_a_warning(tmp_path, name, options):
    path = write_film(tmp_path / name, [n / 25 for n in range(250)], options=options)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * 0.6)])
    with open_clip(path) as clip:
        frames = list(clip.frames())
        late = clip.frame_at(9.9)
        assert 60 < len(frames) < 250
        numbers = [number_of(frame.image) for frame in frames[:-3]]
        assert numbers == list(range(len(numbers)))
        assert late.index <= 249
        assert len(clip.warnings) == (0 if name == "t.ts" else 1), clip.warnings


def test_a_video_whose_index_was_cut_off_is_refused_with_what_to_do(tmp_path):
    path = write_film(tmp_path / "t.mp4", STEADY)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(VideoError) as caught:
        open_clip(path)
    assert "untrunc" in caught.value.hint


def test_damage_in_the_middle_is_survived(tmp_path):
    path = write_film(tmp_path / "d.ts", [n / 25 for n in range(250)])
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 3000] = bytes(3000)
    path.write_bytes(data)
    with open_clip(path) as clip:
        frames = list(clip.frames())
    assert frames[0].index == 0
    assert number_of(frames[-1].image) == 249
    assert all(a.time_s < b.time_s for a, b in pairwise(frames))


def test_sound_without_picture_is_no_clip(tmp_path):
    with wave.open(str(tmp_path / "s.wav"), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(16_000))
    with pytest.raises(VideoError, match="audio"):
        open_clip(tmp_path / "s.wav")


@pytest.mark.parametrize("content", [b"", b"just text", b"\x00\x00\x00\x18ftypmp42" + bytes(200)])
def test_junk_is_no_clip(tmp_path, content):
    (tmp_path / "j.mp4").write_bytes(content)
    with pytest.raises(VideoError):
        open_clip(tmp_path / "j.mp4")


def test_nothing_there_is_no_clip(tmp_path):
    with pytest.raises(VideoError, match="nothing"):
        open_clip(tmp_path / "none.mp4")


def test_real_video_times_and_seeks_agree(real_data):
    with open_clip(real_data / "03_nust_video_ortho" / "flight.mp4") as clip:
        sequence = {frame.index: frame for frame in clip.frames(every_s=2.5)}
        assert [f.time_s for f in sequence.values()] == pytest.approx([0.0, 2.5025, 5.005, 7.5075], abs=1e-3)
        for frame in sequence.values():
            again = clip.frame_at(frame.time_s + 0.01)
            assert again.index == frame.index
            assert np.array_equal(again.image, frame.image)


def test_a_stream_without_timestamps_is_read_by_its_rate(tmp_path):
    path = write_film(tmp_path / "raw.h264", STEADY, bframes=0, container_format="h264")
    with open_clip(path) as clip:
        frames = list(clip.frames())
        later, earlier = clip.frame_at(2.0), clip.frame_at(1.0)
    assert [number_of(frame.image) for frame in frames] == list(range(75))
    assert np.all(np.diff([frame.time_s for frame in frames]) > 0)
    assert later.index > earlier.index > 0
    assert number_of(later.image) == later.index
