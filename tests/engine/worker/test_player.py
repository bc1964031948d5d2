"""Frames for the video panel: the right one, in the right bytes, ahead of time."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from rs_copilot.errors import UsageError, VideoError
from rs_copilot.jobs.player import AHEAD_FRAMES, Player, scaled_size, to_bgra
from rs_copilot.protocol import Code
from rs_copilot.types import Frame, SizeWH

FPS = 10
FRAMES = 40
# Lossy video moves grey levels a little; neighbours are 6 levels apart.
LEVEL_STEP = 6


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    """4 s, 96 × 64 px; frame n is grey level 6 n, with a red corner at the top left."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"crf": "1", "g": "12"})
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for n in range(FRAMES):
            image = np.full((64, 96, 3), LEVEL_STEP * n, np.uint8)
            image[:16, :16] = (255, 0, 0)
            for packet in stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path


@pytest.fixture
def player():
    player = Player()
    yield player
    player.close(None)


def number_shown(pixels: np.ndarray) -> int:
    return round(float(pixels[pixels.shape[0] // 2 :, :, :3].mean()) / LEVEL_STEP)


def from_payload(result: dict, payload: bytes) -> np.ndarray:
    return np.frombuffer(payload, np.uint8).reshape(result["height_px"], result["width_px"], 4)


def test_open_tells_what_a_player_must_know(player, clip):
    info = player.open(str(clip))
    assert (info["width_px"], info["height_px"], info["kind"], info["fps"]) == (96, 64, "video", "10/1")
    assert info["duration_s"] == pytest.approx(4.0)
    assert info["times_s"] == pytest.approx([n / FPS for n in range(FRAMES)])
    assert info["ring"] is None


@pytest.mark.parametrize("time_s", [0.0, 0.05, 0.1, 1.999, 2.0, 3.95, 99.0, -1.0, 0.6])
def test_the_frame_on_screen_at_a_time(player, clip, time_s):
    player.open(str(clip))
    result, payload = player.frame(str(clip), time_s)
    expected = min(max(int(time_s * FPS + 1e-6), 0), FRAMES - 1)
    assert result["index"] == expected
    assert result["time_s"] == pytest.approx(expected / FPS)
    assert number_shown(from_payload(result, payload)) == expected


def test_pixels_are_blue_green_red_alpha(player, clip):
    player.open(str(clip))
    pixels = from_payload(*player.frame(str(clip), 0.0))
    blue, green, red, alpha = pixels[4, 4]
    assert red > 200
    assert blue < 60
    assert green < 60
    assert alpha == 255


def test_playback_in_order_and_ahead(player, clip):
    player.open(str(clip))
    for n in range(FRAMES):
        result, payload = player.frame(str(clip), n / FPS + 0.01)
        assert result["index"] == n
        assert number_shown(from_payload(result, payload)) == n
        steps = 0
        while player.work_ahead():
            steps += 1
        assert steps <= AHEAD_FRAMES
    assert not player.work_ahead()


def test_jumps_do_not_decode_ahead(player, clip):
    player.open(str(clip))
    for time_s in (3.0, 0.5, 2.2):
        player.frame(str(clip), time_s)
        assert not player.work_ahead()


def test_the_ring_holds_the_same_pixels_and_is_deleted(player, clip, tmp_path):
    ring = player.open(str(clip), str(tmp_path))["ring"]
    shown = []
    for n in range(ring["slots"] + 2):
        result, payload = player.frame(str(clip), n / FPS)
        assert payload == b""
        data = np.fromfile(ring["path"], np.uint8)[result["offset"] :]
        assert number_shown(data[: 96 * 64 * 4].reshape(64, 96, 4)) == n
        shown.append(result["offset"])
    assert len(set(shown)) == ring["slots"]
    assert shown[0] == shown[ring["slots"]]
    player.close(str(clip))
    assert not Path(ring["path"]).exists()


@pytest.mark.parametrize("why", ["no folder", "no space"])
def test_without_a_ring_pixels_come_inside_the_message(player, clip, tmp_path, monkeypatch, why):
    """No folder: the engine runs on another machine. No space: a container's folder in memory is small."""
    if why == "no space":
        monkeypatch.setattr(os, "posix_fallocate", _no_space)
    folder = tmp_path if why == "no space" else tmp_path / "elsewhere"
    assert player.open(str(clip), str(folder))["ring"] is None
    assert number_shown(from_payload(*player.frame(str(clip), 2.0))) == 20
    assert list(tmp_path.iterdir()) == []


def _no_space(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_scaling_keeps_the_aspect_and_never_enlarges(player, clip):
    player.open(str(clip))
    result, payload = player.frame(str(clip), 1.0, 48)
    assert (result["width_px"], result["height_px"], result["stride_bytes"]) == (48, 32, 192)
    assert len(payload) == 48 * 32 * 4
    assert player.frame(str(clip), 1.0, 4000)[0]["width_px"] == 96
    assert scaled_size(SizeWH(4000, 10), 100) == SizeWH(100, 1)
    frame = Frame(0, 0.0, np.zeros((64, 96, 3), np.uint8))
    assert to_bgra(frame, 70).shape == (47, 70, 4)


def test_a_clip_that_is_not_open_is_opened(player, clip):
    """After a restart of the engine the player goes on asking."""
    assert player.frame(str(clip), 1.0)[0]["index"] == 10


def test_stills_of_different_sizes(player, tmp_path):
    for n, size in enumerate([(60, 40), (90, 60)]):
        Image.new("RGB", size, (0, 0, 100 * n)).save(tmp_path / f"{n}.png")
    ring_folder = tmp_path / "ring"
    ring_folder.mkdir()
    info = player.open(str(tmp_path), str(ring_folder))
    assert info["kind"] == "stills"
    assert info["fps"] is None
    larger, payload = player.frame(str(tmp_path), info["times_s"][1])
    assert (larger["width_px"], "offset" in larger) == (90, False)  # too large for a slot: inside the message
    assert len(payload) == 90 * 60 * 4


@pytest.mark.parametrize("time_s", [float("nan"), float("inf"), "soon", None])
def test_times_that_are_none(player, clip, time_s):
    with pytest.raises(UsageError, match="time_s"):
        player.frame(str(clip), time_s)


def test_what_is_no_clip(player, tmp_path):
    (tmp_path / "notes.mp4").write_text("not a video")
    with pytest.raises(VideoError):
        player.open(str(tmp_path / "notes.mp4"))


def test_through_a_real_worker(engine, clip, tmp_path):
    opened = engine.answer(engine.request("player.open", clip=str(clip), ring_folder=str(tmp_path)))
    ring = opened.result["ring"]
    for n in (0, 1, 2, 30):
        answer = engine.answer(engine.request("player.frame", clip=str(clip), time_s=n / FPS, max_width_px=0))
        pixels = np.fromfile(ring["path"], np.uint8)[answer.result["offset"] :][: 96 * 64 * 4]
        assert number_shown(pixels.reshape(64, 96, 4)) == n
    inline = engine.answer(engine.request("player.frame", clip=str(clip), time_s=1.0, max_width_px=48))
    assert "offset" in inline.result
    missing = engine.answer(engine.request("player.frame", time_s=1.0))
    assert missing.code == Code.USAGE
    assert engine.end()[0] == 0
    assert not Path(ring["path"]).exists()


def test_what_the_clip_is(engine, clip):
    answer = engine.answer(engine.request("clip.info", clip=str(clip)))
    assert answer.result["fps"] == "10/1"
    assert answer.result["telemetry"] is None
    assert engine.answer(engine.request("clip.info", clip="/nowhere.mp4")).code == Code.BAD_VIDEO
