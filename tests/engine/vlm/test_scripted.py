"""The scripted model behaves as models do."""

from __future__ import annotations

import numpy as np

from rs_copilot.types import SizeWH
from rs_copilot.vlm.backend import Decoding, Stop
from rs_copilot.vlm.messages import ImagePart, user
from rs_copilot.vlm.scripted import ScriptedBackend

PICTURE = ImagePart(np.zeros((600, 800, 3), np.uint8))


def test_it_streams_and_says_what_it_saw() -> None:
    pieces: list[str] = []
    reply = ScriptedBackend(["1,2,3,4 car\nno more"]).reply(
        [user(PICTURE, "find cars")], Decoding(), pieces.append
    )
    assert (reply.text, reply.stop) == ("1,2,3,4 car\nno more", Stop.END)
    assert "".join(pieces) == reply.text and len(pieces) > 3
    assert reply.seen == (SizeWH(812, 588),)


def test_cancelling_stops_before_the_next_word() -> None:
    pieces: list[str] = []
    reply = ScriptedBackend(["a b c d"]).reply(
        [user("?")], Decoding(), pieces.append, lambda: len(pieces) >= 2
    )
    assert (reply.text, reply.stop) == ("a b ", Stop.CANCELLED)


def test_digests_tell_pictures_apart() -> None:
    other = ImagePart(np.ones((600, 800, 3), np.uint8))
    assert PICTURE.digest == ImagePart(PICTURE.pixels.copy()).digest != other.digest


def test_it_forgets_where_it_is_asked_too_often() -> None:
    backend = ScriptedBackend(["one", "two"], remembers=False)
    said = [backend.reply([user(PICTURE, "?")], Decoding()).text for _ in range(2)]
    assert said == ["one", "two"] and not backend.heard
