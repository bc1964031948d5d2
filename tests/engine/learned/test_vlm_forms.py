"""Models of random weights, held to a form: what they write keeps to it, whatever they would rather say."""

from __future__ import annotations

import builtins
import json
from typing import Any

import numpy as np
import pytest

from rs_copilot.errors import BadInputError
from rs_copilot.learned.vlm.forms import UNHELD
from rs_copilot.learned.vlm.local import LocalBackend
from rs_copilot.vlm.backend import Decoding, Reply, Stop
from rs_copilot.vlm.messages import ImagePart, assistant, user

from .tiny_vlm import QWEN25, save_vlm

pytest.importorskip("torch", reason="models in this process need torch")
pytest.importorskip("transformers", reason="models in this process need transformers")
pytest.importorskip("llguidance", reason="answers are held to a form by llguidance")

PICTURE = np.random.default_rng(0).integers(0, 256, (60, 90, 3), dtype=np.uint8)
ASKED = [user(ImagePart(PICTURE), "how many cars are there?")]
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "what": {"enum": ["car", "ship"]},
        "name": {"type": "string", "maxLength": 12},
        "at": {"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": 99}, "maxItems": 3},
    },
    "required": ["what", "name", "at"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LocalBackend:
    from rs_copilot.learned.vlm import open_local

    folder = save_vlm(tmp_path_factory.mktemp("models") / QWEN25, QWEN25)
    return open_local(folder, precision="fp32", device="cpu")


def held(seed: int = 0, **more: Any) -> Decoding:
    """By chance, so that every seed writes something else."""
    return Decoding(**{"max_tokens": 200, "temperature": 1.0, "seed": seed, "schema": SCHEMA, **more})


def keeps_to_it(reply: Reply) -> None:
    said = json.loads(reply.text)
    assert list(said) == ["what", "name", "at"]
    assert said["what"] in ("car", "ship")
    assert isinstance(said["name"], str)
    assert len(said["name"]) <= 12
    assert len(said["at"]) <= 3
    assert all(isinstance(number, int) and 0 <= number <= 99 for number in said["at"])


def test_random_weights_keep_to_the_form(model: LocalBackend) -> None:
    replies = [model.reply(ASKED, held(seed)) for seed in range(5)]
    for reply in replies:
        assert reply.stop is Stop.END
        assert reply.notes == ()
        keeps_to_it(reply)
    assert len({reply.text for reply in replies}) > 3


def test_without_a_form_they_do_not(model: LocalBackend) -> None:
    assert not model.reply(ASKED, held(schema=None, max_tokens=20)).text.startswith('{"what"')


def test_what_is_too_long_is_cut(model: LocalBackend) -> None:
    reply = model.reply(ASKED, held(max_tokens=5))
    assert reply.stop is Stop.LENGTH
    assert reply.usage.new_tokens == 5
    assert reply.text.startswith('{"wh')


def test_guesses_change_nothing_and_what_the_form_demands_costs_no_steps(
    model: LocalBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[int] = []
    run = model.forward.run

    def count(embedded: Any, *rest: Any) -> Any:
        steps.append(int(embedded.shape[1]))
        return run(embedded, *rest)

    plain = model.reply(ASKED, held(temperature=0.0))
    monkeypatch.setattr(model.forward, "run", count)
    guessed = model.reply(ASKED, held(temperature=0.0, lookup=True))
    assert guessed.text == plain.text
    assert guessed.usage.new_tokens == plain.usage.new_tokens
    assert len(steps) < 0.8 * plain.usage.new_tokens
    keeps_to_it(guessed)


def test_a_second_question_knows_the_first_answer(model: LocalBackend) -> None:
    first = model.reply(ASKED, held(temperature=0.0))
    follow = [*ASKED, assistant(first.text), user("and ships?")]
    second = model.reply(follow, held(temperature=0.0))
    assert second.usage.cached_tokens >= first.usage.prompt_tokens
    keeps_to_it(second)
    model._forget()
    assert model.reply(follow, held(temperature=0.0)).text == second.text


def test_several_at_once_keep_to_it_each_for_itself(model: LocalBackend) -> None:
    asked = [ASKED, [user("hello")], [user("find the ship")]]
    replies = model.reply_all(asked, held(temperature=0.0))
    for conversation, reply in zip(asked, replies, strict=True):
        keeps_to_it(reply)
        assert model.reply(conversation, held(temperature=0.0)).text == reply.text


def test_a_cancelled_answer_is_the_beginning_of_one(model: LocalBackend) -> None:
    pieces: list[str] = []
    reply = model.reply(ASKED, held(temperature=0.0), pieces.append, lambda: len(pieces) > 3)
    assert reply.stop is Stop.CANCELLED
    whole = model.reply(ASKED, held(temperature=0.0))
    assert whole.text.startswith(reply.text)
    keeps_to_it(whole)


def test_a_form_that_nothing_can_keep_to_is_refused(model: LocalBackend) -> None:
    with pytest.raises(BadInputError, match="schema"):
        model.reply(ASKED, held(schema={"type": "no such type"}))


def test_without_the_library_a_note_says_so(model: LocalBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    importing = builtins.__import__

    def absent(name: str, *rest: Any, **more: Any) -> Any:
        if name.startswith("llguidance"):
            raise ImportError(name)
        return importing(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", absent)
    reply = model.reply(ASKED, held(max_tokens=4))
    assert reply.notes == (UNHELD,)
    assert reply.usage.new_tokens <= 4
