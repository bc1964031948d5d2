"""The player's client: the last wish wins, one frame on its way, pixels through the ring."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from rs_copilot_plugin._protocol import Error, Request, Result
from rs_copilot_plugin.engine.player_client import ClipInfo, FrameView, PlayerClient

from .conftest import START_WORKER, Scripted

INFO = {
    "path": "a.mp4",
    "kind": "video",
    "width_px": 2,
    "height_px": 1,
    "duration_s": 1.0,
    "fps": "30000/1001",
}


def frame_result(index: int, **extra) -> dict:
    return {"index": index, "time_s": index / 10, "width_px": 2, "height_px": 1, "stride_bytes": 8, **extra}


class Player:
    def __init__(self, scripted: Scripted, ring_folder: str | None = None) -> None:
        self.host = scripted
        self.frames: list[FrameView] = []
        self.errors: list = []
        self.infos: list[ClipInfo] = []
        self.client = PlayerClient(
            scripted.session,
            on_frame=self.frames.append,
            on_error=self.errors.append,
            ring_folder=ring_folder,
        )

    @property
    def engine(self):
        return self.host.engines[-1]

    def open(self, clip: str = "a.mp4") -> None:
        self.client.open(clip, self.infos.append)
        if not self.engine.sent:
            self.engine.hello()
        self.answer(INFO)

    def answer(self, result: dict, payload: bytes = b"") -> None:
        self.engine.say(Result(self.engine.sent[-1].id, result, payload))

    def asked(self) -> list[Request]:
        return [message for message in self.engine.sent if message.method == "player.frame"]


@pytest.fixture
def player(scripted) -> Player:
    return Player(scripted)


def test_info_before_the_first_frame(player):
    player.client.open("a.mp4", player.infos.append)
    player.client.show(0.0, 640)
    player.engine.hello()
    assert player.asked() == []
    player.answer(INFO)
    assert player.infos[0].fps == "30000/1001"
    assert player.infos[0].times_s == ()
    assert player.asked()[0].params == {"clip": "a.mp4", "time_s": 0.0, "max_width_px": 640}


def test_only_the_last_wish_is_asked_for(player):
    player.open()
    for step in range(10):
        player.client.show(step / 10, 0)
    assert [message.params["time_s"] for message in player.asked()] == [0.0]
    player.answer(frame_result(0), b"12345678")
    assert [message.params["time_s"] for message in player.asked()] == [0.0, 0.9]
    player.answer(frame_result(9), b"abcdefgh")
    assert [bytes(view.pixels) for view in player.frames] == [b"12345678", b"abcdefgh"]
    assert len(player.asked()) == 2


def test_frames_of_the_former_clip_are_dropped(player):
    player.open()
    player.client.show(0.5, 0)
    late = player.engine.sent[-1].id
    player.client.open("b.mp4", player.infos.append)
    player.engine.say(Result(late, frame_result(5), b"12345678"))
    assert player.frames == []
    assert [m.method for m in player.engine.sent][-2:] == ["player.close", "player.open"]


def test_an_error_does_not_stop_the_player(player):
    player.open()
    player.client.show(0.1, 0)
    player.engine.say(Error(player.engine.sent[-1].id, "bad-video", "damaged"))
    assert player.errors[0].code == "bad-video"
    player.client.show(0.2, 0)
    assert len(player.asked()) == 2


def test_after_the_engines_death_the_next_wish_starts_it_again(player):
    player.open()
    player.client.show(0.1, 0)
    player.engine.events.closed(-9, "killed")
    assert player.errors[0].code == "engine-died"
    player.client.show(0.2, 0)
    player.engine.hello()
    player.answer(frame_result(2), b"12345678")
    assert player.frames[0].index == 2


def test_pixels_from_the_ring(scripted, tmp_path):
    ring = tmp_path / "ring"
    ring.write_bytes(b"0" * 8 + b"12345678")
    player = Player(scripted, str(tmp_path))
    player.client.open("a.mp4")
    player.engine.hello()
    assert player.engine.sent[0].params["ring_folder"] == str(tmp_path)
    player.answer({**INFO, "ring": {"path": str(ring), "slots": 2, "slot_bytes": 8}})
    player.client.show(0.1, 0)
    player.answer(frame_result(1, offset=8))
    assert bytes(player.frames[0].pixels) == b"12345678"
    ring.unlink()
    player.client.close()
    assert bytes(player.frames[0].pixels) == b"12345678"  # still painted somewhere


def test_a_real_engine_plays_a_real_clip(real, tmp_path):
    clip = tmp_path / "clip.mp4"
    make_clip(clip)
    host = real(START_WORKER)
    frames, errors, infos = [], [], []
    client = PlayerClient(
        host.session,
        on_frame=lambda view: frames.append((view.index, bytes(view.pixels[:4]))),
        on_error=errors.append,
        ring_folder=str(tmp_path),
    )
    client.open(str(clip), infos.append)
    for n in range(10):
        client.show(n / 10, 0)
        host.pump_until(lambda n=n: len(frames) == n + 1 or errors)
    assert errors == []
    assert [index for index, _ in frames] == list(range(10))
    assert infos[0].times_s == pytest.approx([n / 10 for n in range(10)])
    client.close()
    done = host.ask("ping")
    host.pump_until(lambda: done.count)
    assert list(tmp_path.glob("*.bgra")) == []


def make_clip(path: Path) -> None:
    code = (
        "import av, numpy as np, sys\n"
        "with av.open(sys.argv[1], 'w') as out:\n"
        "    stream = out.add_stream('libx264', rate=10)\n"
        "    stream.width, stream.height, stream.pix_fmt = 64, 48, 'yuv420p'\n"
        "    for n in range(10):\n"
        "        image = np.full((48, 64, 3), 20 * n, np.uint8)\n"
        "        picture = av.VideoFrame.from_ndarray(image, format='rgb24')\n"
        "        out.mux(stream.encode(picture))\n"
        "    out.mux(stream.encode())\n"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=True, timeout=60)
