"""Which builder writes the program of which family of questions."""

from __future__ import annotations

from collections.abc import Callable

from rs_copilot.reasoning.planning import facts, measure, move, see
from rs_copilot.reasoning.planning.draft import Draft
from rs_copilot.reasoning.tasks import AnswerKind
from rs_copilot.reasoning.tasks import SpatialTask as T

# The twelve tasks by their names, and families beyond them.
BUILDERS: dict[str, Callable[[Draft], AnswerKind]] = {
    T.VISIBILITY.value: see.visibility, T.ASSOCIATION.value: see.association,
    T.COUNTING.value: move.counting, T.WHEN.value: see.when, T.EVENT_PLACE.value: move.event_place,
    T.TRAJECTORY.value: move.trajectory, T.DISTANCE.value: measure.distance,
    T.DIRECTION.value: measure.direction, T.OCCLUSION.value: see.occlusion,
    T.REACHABILITY.value: measure.reachability, T.ORDERING.value: see.ordering,
    T.INTERACTION.value: move.interaction,
    "speed": facts.speed, "size": facts.size, "relation": facts.relation, "part": facts.part,
}  # fmt: skip
