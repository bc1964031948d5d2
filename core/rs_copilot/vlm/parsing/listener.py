"""An answer read while it comes. However it is cut into pieces, the objects are the same."""

from __future__ import annotations

from collections.abc import Sequence

from rs_copilot.types import SizeWH
from rs_copilot.vlm.answers import Parsed, Shape, Spoken
from rs_copilot.vlm.families import Coordinates
from rs_copilot.vlm.parsing.gathering import MAX_ANSWER, Gathered, Reading
from rs_copilot.vlm.parsing.items import ItemReader
from rs_copilot.vlm.parsing.labels import Names
from rs_copilot.vlm.parsing.lines import LineReader
from rs_copilot.vlm.parsing.thought import Thought
from rs_copilot.vlm.tasks import Grammar

SHAPES = {
    Grammar.PLAIN_HBB: Shape.HBB,
    Grammar.PLAIN_OBB: Shape.OBB,
    Grammar.PLAIN_QUAD: Shape.QUAD,
    Grammar.JSON_HBB: Shape.HBB,
    Grammar.JSON_OBB: Shape.OBB,
    Grammar.JSON_QUAD: Shape.QUAD,
}
"""How each grammar gives places; a grammar that is missing here gives none."""
JSON = frozenset({Grammar.JSON_HBB, Grammar.JSON_OBB, Grammar.JSON_QUAD})
"""The grammars whose answers are JSON."""


class Listener:
    """Reads an answer piece by piece and gives each object once its line or item is complete.

    No text makes it raise, and the work grows no faster than the text.

    Args:
        grammar: the form of the answer; forms without places give no objects.
        size: of the picture as the model sees it.
        coordinates: what numbers mean.
        classes: names that were asked for; without them any name is taken.
        min_match: least similarity, 0 to 100, of a name with one of the classes.
        reading: how forgiving.

    Raises:
        ValueError: the reading is ``REPOSITORY``, which needs the whole text: `parse` has it.
    """

    def __init__(
        self,
        grammar: Grammar,
        size: SizeWH,
        *,
        coordinates: Coordinates = Coordinates.SEEN_PX,
        classes: Sequence[str] = (),
        min_match: float = 80.0,
        reading: Reading = Reading.TOLERANT,
    ) -> None:
        if reading is Reading.REPOSITORY and grammar in SHAPES:
            raise ValueError("expected a reading that works piece by piece, found that of the repository")
        shape = SHAPES.get(grammar, Shape.HBB)
        self._gathered = Gathered(shape, size, coordinates, Names(classes, min_match), reading)
        self._thought = Thought()
        self._left, self._is_cut = MAX_ANSWER, False
        self._reader: LineReader | ItemReader | None = None
        if grammar in SHAPES:
            reader = ItemReader if grammar in JSON else LineReader
            self._reader = reader(self._gathered, shape, is_strict=reading is Reading.STRICT)

    def feed(self, piece: str) -> list[Spoken]:
        """Objects that are complete with this piece."""
        if self._reader is None:
            return []
        taken = piece[: self._left]
        self._left -= len(taken)
        self._is_cut = self._is_cut or len(taken) < len(piece)
        return self._reader.feed(self._thought.answer_of(taken))

    def finish(self) -> Parsed:
        """Everything that the answer says. Nothing may be fed afterwards."""
        if self._reader is not None:
            if rest := self._thought.rest():
                self._reader.feed(rest)
            self._reader.finish()
            if self._thought.is_thinking:
                self._gathered.skip("<think>")
            if self._is_cut:
                self._gathered.skip(f"all after {MAX_ANSWER} characters")
        return self._gathered.parsed()
