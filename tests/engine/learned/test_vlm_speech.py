"""Words on their way to text: letters in pieces, lines that repeat, guesses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rs_copilot.learned.vlm.pictures import step_times_s
from rs_copilot.learned.vlm.speech import LOOKUP_WORDS, Repeats, Stream, begin, guess
from rs_copilot.learned.vlm.transcript import known_prefix
from rs_copilot.vlm.backend import Decoding, Stop


class Bytes:
    """A tokenizer whose words are bytes; 256 is a word of control."""

    def decode(self, ids: list[int], **_: object) -> str:
        return bytes(number for number in ids if number < 256).decode("utf-8", errors="replace")


@given(st.binary(max_size=60))
def test_pieces_make_the_text_and_no_letter_is_cut(data: bytes) -> None:
    pieces: list[str] = []
    stream = Stream(Bytes(), pieces.append)
    for number in data:
        stream.feed(number)
    stream.finish()
    whole = data.decode("utf-8", errors="replace")
    assert stream.text == whole == "".join(pieces)


@given(st.text(alphabet=st.characters(exclude_characters="\ufffd", codec="utf-8"), max_size=30))
def test_a_letter_comes_when_its_last_byte_does(text: str) -> None:
    pieces: list[str] = []
    stream = Stream(Bytes(), pieces.append)
    for number in text.encode():
        stream.feed(number)
    assert pieces == list(text)


def said(text: str, allowed: int) -> int:
    """How many letters are said until it is too often; all of them where it is not."""
    repeats = Repeats(allowed)
    return next((count for count, letter in enumerate(text, 1) if repeats.feed(letter)), len(text) + 1)


def test_the_same_line_may_come_so_often_and_not_once_more() -> None:
    line = "1,2,3,4 ship\n"
    assert said(line * 3, 3) == len(line * 3) + 1
    assert said(line * 4, 3) == len(line * 4)
    assert said((line + "5,6,7,8 ship\n") * 9, 3) == len((line + "5,6,7,8 ship\n") * 9) + 1
    # Margins do not make another line, and empty lines are lines.
    assert said("a\n a \na\n", 2) == 8
    assert said("\n\n\n", 2) == 3


def test_lines_in_one_piece_count_as_well() -> None:
    assert Repeats(2).feed("a\na\na\n")


class Scores:
    """As much of a tensor as the likeliest word needs."""

    def __init__(self, number: int) -> None:
        self._number = number

    def argmax(self) -> int:
        return self._number


@pytest.mark.parametrize(
    ("words", "stop", "text"),
    [
        (b"abc\x00", Stop.END, "abc"),
        (b"a\na\na\nb", Stop.REPEATED, "a\na\na\n"),
        (b"abcdefghijk", Stop.LENGTH, "abcdefgh"),
    ],
)
def test_why_an_answer_ends(words: bytes, stop: Stop, text: str) -> None:
    speech = begin(Decoding(max_tokens=8, repeats=2), Bytes(), frozenset({0}), lambda _: None)
    for number in words:
        if speech.hear(Scores(number)) is None:
            break
    assert speech.stop is stop
    assert speech.stream.text == text


def test_guesses_are_what_followed_the_longest_run_last_time() -> None:
    assert guess([1, 2, 3, 4, 9, 9, 1, 2, 3]) == [4, 9, 9, 1, 2, 3, 4, 9]
    assert guess([7, 1, 2, 5, 8, 1, 2, 6, 1, 2]) == [6, 1, 2, 6, 1, 2, 6, 1]
    assert guess([1, 2, 3]) == []
    assert guess([]) == []
    assert guess([1, 2] * 40) == [1, 2] * (LOOKUP_WORDS // 2)


@given(st.lists(st.integers(0, 3), max_size=40))
def test_guesses_did_follow_such_a_run(ids: list[int]) -> None:
    found = guess(ids)
    if found:
        run = [*ids[-2:], found[0]]
        assert any(ids[start : start + 3] == run for start in range(len(ids)))


@given(st.lists(st.integers(-2, 2), max_size=12), st.lists(st.integers(-2, 2), max_size=12))
def test_what_is_known_is_the_common_start(kept: list[int], marks: list[int]) -> None:
    known = known_prefix(np.array(kept, dtype=np.int64), np.array(marks, dtype=np.int64))
    assert kept[:known] == marks[:known]
    assert known == min(len(kept), len(marks)) or kept[known] != marks[known]


def test_steps_of_a_clip_have_their_middle() -> None:
    assert step_times_s((0.0, 1.0, 2.0, 4.0, 5.0)) == (0.5, 3.0, 5.0)
