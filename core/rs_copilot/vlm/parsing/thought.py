"""What a model thinks before it answers, between ``<think>`` and ``</think>`` at the very beginning."""

from __future__ import annotations

OPENING, CLOSING = "<think>", "</think>"


class Thought:
    """Lets the answer through and keeps the thought back, of which only its line breaks remain.

    So lines of the answer keep their numbers in the whole text.
    """

    def __init__(self) -> None:
        self._held = ""
        self._is_begun = False
        self.is_thinking = False

    def answer_of(self, piece: str) -> str:
        """What a piece of text adds to the answer."""
        if self.is_thinking:
            return self._after_thought(piece)
        return piece if self._is_begun else self._begin(piece)

    def rest(self) -> str:
        """What was held back because it might have become a thought; to be called at the end."""
        held, self._held = self._held, ""
        return "" if self.is_thinking else held

    def _begin(self, piece: str) -> str:
        text = self._held + piece
        words = text.lstrip()
        if len(words) < len(OPENING) and OPENING.startswith(words):
            self._held = words
            return text[: len(text) - len(words)]
        self._held = ""
        self._is_begun = True
        if not words.startswith(OPENING):
            return text
        self.is_thinking = True
        before = text[: len(text) - len(words)]
        return before + self._after_thought(words[len(OPENING) :])

    def _after_thought(self, piece: str) -> str:
        text = self._held + piece
        end = text.find(CLOSING)
        self.is_thinking = end < 0
        if end >= 0:
            self._held = ""
            return "\n" * text.count("\n", 0, end) + text[end + len(CLOSING) :]
        # The end may be cut in two by the pieces. It holds no line break.
        self._held = text[1 - len(CLOSING) :]
        breaks = text.count("\n") - self._held.count("\n")
        return "\n" * breaks


def split_thought(text: str) -> tuple[str, str]:
    """The thought before an answer, and the answer; a thought that does not end leaves no answer."""
    words = text.lstrip()
    if not words.startswith(OPENING):
        return "", text
    thought, _, answer = words[len(OPENING) :].partition(CLOSING)
    return thought.strip(), answer.lstrip()
