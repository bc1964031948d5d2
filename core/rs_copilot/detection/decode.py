"""From the numbers that networks return to objects. Pure.

Boxes come out in pixels of the network's input. Rows with something that is no finite number are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rs_copilot.detection import boxes
from rs_copilot.detection.layouts import REPEATING, Layout, Plan
from rs_copilot.types import BoolArray, FloatArray, SizeWH

# Rounding of half precision lets a probability be a little more than 1; a logit is more than a little.
ROUNDING = 0.01
IN_SHARES = {Layout.SHARES, Layout.SHARES_END_TO_END, Layout.LOGITS, Layout.LOGITS_OR_NOTHING}
# Narrower than this nothing is seen.
MIN_SIDE_PX = 0.05
# More rows than this above the lowest score are noise of a network that finds everything everywhere.
MAX_ROWS = 100_000


@dataclass(frozen=True)
class Limits:
    """What is worth reporting: ``min_scores`` ``(C,)`` by class, above 1 for classes that are not wanted."""

    min_scores: FloatArray
    max_iou: float = 0.5


@dataclass(frozen=True)
class Rows:
    """Objects in pixels of the network's input; ``mixtures`` ``(N, K)`` are shares of mask prototypes."""

    quads_px: FloatArray
    scores: FloatArray
    labels: NDArray[np.int64]
    mixtures: FloatArray | None = field(default=None, repr=False)

    def take(self, rows: NDArray[np.integer] | NDArray[np.bool_]) -> Rows:
        """Some of them."""
        mixtures = None if self.mixtures is None else self.mixtures[rows]
        return Rows(self.quads_px[rows], self.scores[rows], self.labels[rows], mixtures)


@dataclass(frozen=True)
class _Table:
    """One row per anchor or query: its box as the layout has it, its label and its score."""

    box: FloatArray
    scores: FloatArray
    labels: NDArray[np.int64]
    mixtures: FloatArray | None = None
    angles_rad: FloatArray | None = None


def decode(plan: Plan, outputs: Mapping[str, FloatArray], canvas: SizeWH, limits: Limits) -> Rows:
    """Objects of one picture, each once, best first.

    Args:
        plan: how the network writes them down.
        outputs: by name, without the axis of the batch.
        canvas: size of the network's input.
        limits: which of them count.
    """
    table = _READERS[plan.layout](plan, [outputs[name].astype(np.float32) for name in plan.outputs])
    table = _good(table, limits)
    quads, sides = _quads(plan.layout, table, canvas)
    rows = Rows(quads, table.scores.astype(np.float64), table.labels, table.mixtures)
    rows = rows.take(_are_real(quads, sides, canvas))
    if plan.layout in REPEATING:
        return rows.take(boxes.nms(rows.quads_px, rows.scores, rows.labels, max_iou=limits.max_iou))
    return rows.take(boxes.ranked(rows.quads_px, rows.scores, rows.labels))


def probabilities(values: FloatArray) -> FloatArray:
    """Scores as they are, or through the logistic function where they cannot be probabilities."""
    finite = values[np.isfinite(values)]
    if finite.size and (finite.min() < -ROUNDING or finite.max() > 1.0 + ROUNDING):
        return sigmoid(values)
    return np.asarray(np.where(np.isfinite(values), np.clip(values, 0.0, 1.0), np.nan))


def sigmoid(values: FloatArray) -> FloatArray:
    """The logistic function, without overflow; what overflowed before is no number."""
    return np.asarray(np.where(values == np.inf, np.nan, 0.5 * (1.0 + np.tanh(0.5 * values))))


def softmax(values: FloatArray) -> FloatArray:
    """Shares over the last axis."""
    with np.errstate(invalid="ignore"):
        raised = np.exp(values - values.max(axis=-1, keepdims=True))
        return np.asarray(raised / raised.sum(axis=-1, keepdims=True))


def _best(classes: FloatArray) -> tuple[FloatArray, NDArray[np.int64]]:
    """The highest score of each row and whose it is; NaN counts as nothing."""
    known = np.where(np.isnan(classes), np.float32(-1.0), classes)
    labels = known.argmax(axis=1)
    return known[np.arange(len(known)), labels], labels


def _good(table: _Table, limits: Limits) -> _Table:
    """Rows that are numbers and reach the score of their class."""
    in_range = (table.labels >= 0) & (table.labels < len(limits.min_scores))
    needed = limits.min_scores[np.where(in_range, table.labels, 0)]
    with np.errstate(invalid="ignore"):
        mask = in_range & np.isfinite(table.box).all(axis=1) & (table.scores >= needed)
    if table.mixtures is not None:
        mask &= np.isfinite(table.mixtures).all(axis=1)
    if table.angles_rad is not None:
        mask &= np.isfinite(table.angles_rad)
    rows = np.flatnonzero(mask)
    if len(rows) > MAX_ROWS:
        rows = rows[np.argsort(-table.scores[rows], kind="stable")[:MAX_ROWS]]
    return _Table(
        table.box[rows].astype(np.float64),
        np.clip(table.scores[rows], 0.0, 1.0),
        table.labels[rows],
        None if table.mixtures is None else table.mixtures[rows],
        None if table.angles_rad is None else table.angles_rad[rows].astype(np.float64),
    )


def _quads(layout: Layout, table: _Table, canvas: SizeWH) -> tuple[FloatArray, FloatArray]:
    """Corners in pixels of the input, and widths with heights; horizontal boxes are cut at its border."""
    size = np.array([canvas.width_px, canvas.height_px] * 2, dtype=np.float64)
    box = table.box
    if table.angles_rad is not None:
        return boxes.turned_quads(box[:, :2], box[:, 2:], table.angles_rad), box[:, 2:]
    if layout not in {Layout.END_TO_END, Layout.LISTS}:
        box = np.concatenate([box[:, :2] - box[:, 2:] / 2.0, box[:, :2] + box[:, 2:] / 2.0], axis=1)
    if layout in IN_SHARES:
        box = box * size
    box = np.clip(box, 0.0, size)
    return boxes.quads_of(box), box[:, 2:] - box[:, :2]


def _are_real(quads: FloatArray, sides: FloatArray, canvas: SizeWH) -> BoolArray:
    """Which quads have a width and a height, and their middle in the picture."""
    middle, size = quads.mean(axis=1), (canvas.width_px, canvas.height_px)
    inside = ((middle >= 0.0) & (middle <= size)).all(axis=1)
    return np.asarray((sides >= MIN_SIDE_PX).all(axis=1) & inside)


def _with_objectness(plan: Plan, outputs: Sequence[FloatArray]) -> _Table:
    (rows,) = outputs
    scores, labels = _best(probabilities(rows[:, 5 : 5 + (plan.class_count or 0)]))
    return _Table(rows[:, :4], scores * probabilities(rows[:, 4]), labels, _mixtures(plan, rows))


def _columns(plan: Plan, outputs: Sequence[FloatArray]) -> _Table:
    return _plain(plan, [np.ascontiguousarray(outputs[0].T)])


def _plain(plan: Plan, outputs: Sequence[FloatArray]) -> _Table:
    (rows,) = outputs
    scores, labels = _best(probabilities(rows[:, 4 : 4 + (plan.class_count or 0)]))
    return _Table(rows[:, :4], scores, labels, _mixtures(plan, rows))


def _turned(_: Plan, outputs: Sequence[FloatArray]) -> _Table:
    rows = np.ascontiguousarray(outputs[0].T)
    scores, labels = _best(probabilities(rows[:, 4:-1]))
    return _Table(rows[:, :4], scores, labels, angles_rad=rows[:, -1])


def _end_to_end(plan: Plan, outputs: Sequence[FloatArray]) -> _Table:
    (rows,) = outputs
    angles = rows[:, 6] if plan.layout is Layout.TURNED_END_TO_END else None
    return _Table(rows[:, :4], rows[:, 4], _whole(rows[:, 5]), _mixtures(plan, rows), angles)


def _with_logits(plan: Plan, outputs: Sequence[FloatArray]) -> _Table:
    logits, box = outputs
    shares = plan.layout is Layout.LOGITS_OR_NOTHING
    scores, labels = _best(softmax(logits)[:, :-1] if shares else sigmoid(logits))
    return _Table(box, scores, labels)


def _lists(_: Plan, outputs: Sequence[FloatArray]) -> _Table:
    labels, box, scores = outputs
    return _Table(box, scores, _whole(labels))


def _mixtures(plan: Plan, rows: FloatArray) -> FloatArray | None:
    return rows[:, -plan.mask_numbers :] if plan.mask_numbers else None


def _whole(labels: FloatArray) -> NDArray[np.int64]:
    """Numbers of classes; -1, which no class has, for what is no number."""
    known = np.isfinite(labels) & (np.abs(labels) < 1e6)
    return np.asarray(np.rint(np.where(known, labels, -1.0)).astype(np.int64))


_READERS: Mapping[Layout, Callable[[Plan, Sequence[FloatArray]], _Table]] = {
    Layout.OBJECTNESS: _with_objectness,
    Layout.COLUMNS: _columns,
    Layout.ROWS: _plain,
    Layout.TURNED: _turned,
    Layout.END_TO_END: _end_to_end,
    Layout.TURNED_END_TO_END: _end_to_end,
    Layout.SHARES: _plain,
    Layout.SHARES_END_TO_END: _end_to_end,
    Layout.LOGITS: _with_logits,
    Layout.LOGITS_OR_NOTHING: _with_logits,
    Layout.LISTS: _lists,
}
