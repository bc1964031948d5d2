"""From the turns of a conversation to what a model is told and shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from rs_copilot.errors import UsageError
from rs_copilot.jobs.look_params import MAX_PICTURES, LookParams, Source, Turn
from rs_copilot.jobs.look_pictures import PictureShelf, Shown, with_kind
from rs_copilot.jobs.look_place import ScenePlaces
from rs_copilot.vlm.families import Family
from rs_copilot.vlm.messages import Message, assistant, system, user
from rs_copilot.vlm.parsing import SHAPES, split_thought
from rs_copilot.vlm.parsing.labels import MAX_LABEL
from rs_copilot.vlm.prompts import write_prompt
from rs_copilot.vlm.resize import TRAINED, PixelBudget
from rs_copilot.vlm.tasks import Prompt, Task

# Several pictures share the room of one, but each keeps enough to tell a house from a lorry.
MIN_SHARED_PX = 448 * 448


@dataclass(frozen=True)
class Talk:
    """What is said to a model. ``shown`` are all pictures in order, the last of them is what boxes are in.

    ``turn`` is the question, which has ``fresh`` pictures of its own.
    """

    messages: tuple[Message, ...]
    shown: tuple[Shown, ...]
    prompt: Prompt
    turn: Turn
    fresh: int = 0

    @property
    def about(self) -> Source | None:
        """The source of the picture that boxes are in."""
        return self.shown[-1].source if self.shown else None

    @property
    def has_places(self) -> bool:
        """Whether the answer shall name places."""
        return self.prompt.grammar in SHAPES


def build_talk(params: LookParams, family: Family, pictures: PictureShelf) -> Talk:
    """Read the pictures of all turns and write what is said.

    Equal turns give equal messages, picture by picture, so that a model knows the start of a conversation
    again.

    Raises:
        UsageError: no question, no picture where one is needed, too many, or a place beside it.
        BadInputError: a picture cannot be read.
    """
    messages: list[Message] = []
    shown: list[Shown] = []
    places = ScenePlaces(params.scene)
    for turn in map(_with_kinds, params.turns):
        new = _pictures(turn, params, family, pictures, places)
        shown += new
        if len(shown) > MAX_PICTURES:
            raise UsageError(f"expected at most {MAX_PICTURES} pictures in a conversation, found more")
        prompt = _prompt(turn, family, new, shown)
        words = prompt.text
        if prompt.system is not None and not messages:
            messages.append(system(prompt.system))
        elif prompt.system is not None:
            # Models are told their role once, before all else; later it is part of the question.
            words = f"{prompt.system}\n{words}"
        messages.append(user(*(item.part for item in new), words))
        messages.append(assistant(split_thought(turn.answer or "")[1]))
    return Talk(tuple(messages[:-1]), tuple(shown), prompt, params.turns[-1], len(new))


def _with_kinds(turn: Turn) -> Turn:
    return turn if turn.source is None else turn.model_copy(update={"source": with_kind(turn.source)})


def _pictures(
    turn: Turn, params: LookParams, family: Family, pictures: PictureShelf, places: ScenePlaces
) -> list[Shown]:
    if turn.source is None:
        return []
    many = turn.task is Task.CLIP and not turn.source.more
    count = turn.source.frames if many else 1 + len(turn.source.more)
    return pictures.read(turn.source, family, budget_for(params, family, count), places, many=many)


class PixelWishes(Protocol):
    """Parameters of a job that shows pictures."""

    @property
    def max_px(self) -> int | None:
        """How many pixels of a picture a model may see."""
        ...

    @property
    def max_mode(self) -> bool:
        """Whether it sees as many as it was trained with, of small pictures too."""
        ...


def budget_for(params: PixelWishes, family: Family, count: int) -> PixelBudget:
    """How many pixels of each of ``count`` pictures of a turn a model shall see."""
    most = TRAINED.max_px
    if params.max_mode:
        return PixelBudget(most, most).within(family.limits)
    allowed = params.max_px or max(most // count, MIN_SHARED_PX)
    return PixelBudget(min(family.limits.min_px, allowed), allowed).within(family.limits)


def names_of(turn: Turn) -> tuple[str, ...]:
    """The classes of a turn: as they were given, or written with commas between."""
    if turn.classes or turn.task not in (Task.DETECT, Task.CLASSIFY):
        return turn.classes
    return tuple(name for word in turn.text.split(",") if (name := word.strip(" .\n")[:MAX_LABEL]))


def _prompt(turn: Turn, family: Family, new: Sequence[Shown], shown: Sequence[Shown]) -> Prompt:
    if turn.task is not Task.CHAT and not shown:
        raise UsageError("No picture is shown: there is nothing to look at.", hint="Choose a source.")
    if turn.task is Task.COMPARE and len(shown) < 2:
        raise UsageError("There is only one picture.", hint="Choose two or more to compare.")
    pointed = shown[-1].pointed(family) if shown else None
    if turn.task is Task.DESCRIBE and pointed is None:
        raise UsageError("Nothing is pointed at.", hint="Draw a box around what shall be described.")
    times = [item.time_s for item in new if item.time_s is not None]
    return write_prompt(
        turn.task,
        family,
        text=turn.text,
        classes=names_of(turn),
        choices=turn.choices,
        quad=pointed if turn.task is Task.DESCRIBE else None,
        times_s=times if len(times) == len(new) else (),
    )
