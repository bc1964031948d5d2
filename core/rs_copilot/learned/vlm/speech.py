"""From scores to words and from words to text: which comes next, what can be guessed ahead, when to stop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from rs_copilot.learned.vlm.forms import UNHELD, Form, Forms
from rs_copilot.vlm.backend import Decoding, Stop

# Words are guessed from the longest of these runs that came before; lists of boxes repeat labels and marks.
LOOKUP_RUNS = (4, 3, 2)
LOOKUP_WORDS = 8
# How far back a guess is looked for.
LOOKUP_BACK = 4096
UNFINISHED = "\ufffd"
NEW_LINE = "\n"


@dataclass
class Chooser:
    """Takes a word by its scores: the likeliest, or by chance where the temperature is above 0."""

    temperature: float
    seed: int
    _chance: Any = field(default=None, repr=False)

    def choose(self, scores: Any) -> int:  # noqa: ANN401 - a tensor (words,)
        """The id of the next word."""
        import torch

        if self.temperature <= 0.0:
            return int(scores.argmax())
        if self._chance is None:
            self._chance = torch.Generator().manual_seed(self.seed)
        shares = (scores.cpu() / self.temperature).softmax(-1)
        return int(torch.multinomial(shares, 1, generator=self._chance))


@dataclass
class Stream:
    """Turns ids of words into text as they come; letters of several bytes are held until all are there."""

    tokenizer: Any = field(repr=False)
    on_text: Callable[[str], None]
    text: str = ""
    _held: list[int] = field(default_factory=list, repr=False)

    def feed(self, number: int) -> str:
        """The text that became complete."""
        self._held.append(number)
        text = self._decoded()
        return "" if text.endswith(UNFINISHED) else self._say(text)

    def finish(self) -> str:
        """What is left, broken letters included."""
        return self._say(self._decoded())

    def _decoded(self) -> str:
        return str(
            self.tokenizer.decode(self._held, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        )

    def _say(self, text: str) -> str:
        self._held.clear()
        self.text += text
        if text:
            self.on_text(text)
        return text


@dataclass
class Repeats:
    """Notices when the same line comes more often in a row than is allowed."""

    allowed: int
    _line: str = ""
    _last: str | None = None
    _count: int = 0

    def feed(self, text: str) -> bool:
        """Whether it is too often now."""
        *ended, rest = text.split("\n")
        for piece in ended:
            line, self._line = (self._line + piece).strip(), ""
            self._count = self._count + 1 if line == self._last else 1
            self._last = line
            if self._count > self.allowed:
                return True
        self._line += rest
        return False


@dataclass
class Speech:
    """One answer while it is made. ``ids`` are its words so far, ``form`` is what it is held to."""

    decoding: Decoding
    ends: frozenset[int]
    stream: Stream
    chooser: Chooser
    repeats: Repeats
    form: Form | None = None
    ids: list[int] = field(default_factory=list)
    stop: Stop | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """What was done differently than asked."""
        if self.form is not None and self.form.problem:
            return (f"The form of the answer was given up: {self.form.problem.partition(NEW_LINE)[0][:200]}",)
        return (UNHELD,) if self.decoding.schema is not None and self.form is None else ()

    def guesses(self, ids: Sequence[int]) -> list[int]:
        """What may come after ``ids``: what the form demands, or what came before."""
        forced = [] if self.form is None else self.form.forced()[:LOOKUP_WORDS]
        return forced or guess(ids)

    def hear(self, scores: Any) -> int | None:  # noqa: ANN401 - a tensor (words,)
        """Take the next word by its scores; ``None`` where the answer is over."""
        number = self.chooser.choose(scores if self.form is None else self.form.masked(scores))
        if self.form is not None:
            self.form.take(number)
        if number in self.ends:
            self.end(Stop.END)
            return None
        self.ids.append(number)
        if self.repeats.feed(self.stream.feed(number)):
            self.end(Stop.REPEATED)
        elif self.form is not None and self.form.is_complete:
            self.end(Stop.END)
        elif len(self.ids) >= self.decoding.max_tokens:
            self.end(Stop.LENGTH)
        return number if self.stop is None else None

    def end(self, stop: Stop) -> None:
        """Say what is left, and why there is no more."""
        self.stop = stop
        self.stream.finish()


def begin(
    decoding: Decoding,
    tokenizer: Any,  # noqa: ANN401 - transformers has no types
    ends: frozenset[int],
    on_text: Callable[[str], None],
    seed: int | None = None,
    forms: Forms | None = None,
) -> Speech:
    """An answer of which nothing was said yet; ``forms`` hold it to the schema, where there is one.

    Raises:
        BadInputError: nothing can be held to that schema.
    """
    return Speech(
        decoding=decoding,
        ends=ends,
        stream=Stream(tokenizer, on_text),
        chooser=Chooser(decoding.temperature, decoding.seed if seed is None else seed),
        repeats=Repeats(decoding.repeats),
        form=None if forms is None or decoding.schema is None else forms.form(decoding.schema),
    )


def guess(ids: Sequence[int], most: int = LOOKUP_WORDS) -> list[int]:
    """What followed the last time that the end of ``ids`` came before; empty where it never did.

    Prompt lookup decoding (Saxena 2023): the network checks all guesses in one step, wrong ones are dropped.
    """
    near = list(ids[-LOOKUP_BACK:])
    for length in LOOKUP_RUNS:
        run = near[-length:]
        for start in range(len(near) - length - 1, -1, -1):
            if near[start : start + length] == run:
                # Where it is not long enough it goes round: lists go on as they began.
                turn = near[start + length :]
                return [turn[place % len(turn)] for place in range(most)]
    return []
