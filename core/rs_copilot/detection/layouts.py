"""Which of the ways to write detections down a network uses, by the shapes of its outputs and what it says.

The shapes are facts of the exporters' documentation: YOLO v5 to v7 one row per anchor with an objectness;
v8 to v11 one column per anchor without; v10 and end-to-end exports one row per object; oriented boxes with
an angle behind the classes; DETR and its kin one row per query.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from rs_copilot.errors import BadInputError

Shape = tuple[int, ...]
# End-to-end exports and DETR return a few hundred rows, 300 as a rule; grids of anchors have thousands.
MAX_FEW = 1000
STRIDES_PX = (8, 16, 32)
ANCHORS_PER_CELL = 3


class Layout(str, Enum):
    """How one output, or a group of outputs, holds objects. C classes, K numbers for masks."""

    OBJECTNESS = "yolo-v5"  # (B, N, 5 + C + K): box, objectness, classes
    COLUMNS = "yolo-v8"  # (B, 4 + C + K, N)
    ROWS = "yolo-v8-rows"  # (B, N, 4 + C + K)
    TURNED = "yolo-obb"  # (B, 4 + C + 1, N): box, classes, angle
    END_TO_END = "yolo-v10"  # (B, N, 6 + K): corners, score, class
    TURNED_END_TO_END = "yolo-obb-end-to-end"  # (B, N, 7): box, score, class, angle
    SHARES = "rt-detr"  # (B, N, 4 + C): box in shares of the picture
    SHARES_END_TO_END = "rt-detr-end-to-end"  # (B, N, 6): box in shares, score, class
    LOGITS = "detr-sigmoid"  # (B, N, C) and (B, N, 4)
    LOGITS_OR_NOTHING = "detr-softmax"  # (B, N, C + 1), the last class is none, and (B, N, 4)
    LISTS = "detr-lists"  # labels (B, N), boxes (B, N, 4), scores (B, N)


# What the metadata of neighbouring QGIS plugins call them (`det_type`), beside the names above.
DETECTOR_TYPES: Mapping[str, tuple[Layout, ...]] = {
    **{layout.value: (layout,) for layout in Layout},
    "YOLO_v5_or_v7_default": (Layout.OBJECTNESS,),
    "YOLO_v6": (Layout.OBJECTNESS,),
    "YOLO_v8": (Layout.COLUMNS,),
    "YOLO_v9": (Layout.COLUMNS,),
    "YOLO_v10": (Layout.END_TO_END,),
    "YOLO_Ultralytics": (Layout.COLUMNS, Layout.END_TO_END),
    "YOLO_Ultralytics_segmentation": (Layout.COLUMNS, Layout.END_TO_END),
    "YOLO_Ultralytics_obb": (Layout.TURNED, Layout.TURNED_END_TO_END),
}
# Layouts whose rows hold the number of a class, not a score for each.
NUMBERED = {Layout.END_TO_END, Layout.TURNED_END_TO_END, Layout.SHARES_END_TO_END}
# Layouts that list the same object many times.
REPEATING = {Layout.OBJECTNESS, Layout.COLUMNS, Layout.ROWS, Layout.TURNED}
EXPECTED = (
    "(1, N, 5 + classes), (1, 4 + classes, N), (1, N, 6), (1, 5 + classes, N) or (1, N, 7) with angles, "
    "any of YOLO's with K more for masks and (1, K, h, w), logits (1, N, classes) with boxes (1, N, 4), or "
    "labels, boxes and scores"
)


@dataclass(frozen=True)
class Hints:
    """What a network says of itself, as far as it does, and whether its boxes look like shares."""

    detector_type: str | None = None
    class_count: int | None = None
    is_turned: bool = False
    is_end_to_end: bool = False
    is_softmax: bool = False
    is_in_shares: bool | None = None


@dataclass(frozen=True)
class Plan:
    """How to read a network: the layout, the names of its outputs in the layout's order, and counts.

    ``prototypes`` is the output that masks are mixed from, ``mask_numbers`` how many it holds.
    """

    layout: Layout
    outputs: tuple[str, ...]
    class_count: int | None
    prototypes: str | None = None
    mask_numbers: int = 0


def recognise(shapes: Mapping[str, Shape], canvas: tuple[int, int], hints: Hints) -> Plan:
    """How to read a network.

    Args:
        shapes: of the outputs for one picture, in the network's order.
        canvas: width and height of that picture in pixels.
        hints: what else is known.

    Raises:
        BadInputError: nothing that this project reads, or not what the hints promise.
    """
    allowed = _allowed(hints)
    lists = _lists(shapes)
    plan = lists if lists is not None else _queries(shapes, hints)
    if plan is None:
        plan = _single(shapes, canvas, hints, allowed)
    if plan is None or (allowed and plan.layout not in allowed):
        said = "" if hints.detector_type is None else f" with det_type {hints.detector_type}"
        count = "" if hints.class_count is None else f" for {hints.class_count} classes"
        raise BadInputError(
            f"the outputs {_described(shapes)}{said}{count} are no detections that can be read: "
            f"expected {EXPECTED}",
            hint="Export the network again, with its class names in the metadata; see docs/detectors.md.",
        )
    return plan


def _described(shapes: Mapping[str, Shape]) -> str:
    return ", ".join(f"{name} {shape}" for name, shape in shapes.items()) or "(none)"


def _allowed(hints: Hints) -> tuple[Layout, ...]:
    """The layouts that the network says it may have; none: it does not say."""
    if hints.detector_type is None:
        return ()
    if hints.detector_type not in DETECTOR_TYPES:
        raise BadInputError(
            f"the network's det_type is {hints.detector_type!r}, expected one of {', '.join(DETECTOR_TYPES)}"
        )
    return DETECTOR_TYPES[hints.detector_type]


def _lists(shapes: Mapping[str, Shape]) -> Plan | None:
    """Outputs that are called labels, boxes and scores."""
    names = ("labels", "boxes", "scores")
    if not set(names) <= shapes.keys():
        return None
    labels, found, scores = (shapes[name] for name in names)
    fits = len(labels) == 2 and labels == scores and found == (*labels, 4)
    return Plan(Layout.LISTS, names, None) if fits else None


def _queries(shapes: Mapping[str, Shape], hints: Hints) -> Plan | None:
    """One output of boxes and one of classes, a row for each query."""
    flat = {name: shape for name, shape in shapes.items() if len(shape) == 3}
    for name in sorted(flat, key=lambda name: "box" not in name.lower()):
        rest = [other for other in flat if other != name and flat[other][1] == flat[name][1]]
        if flat[name][2] != 4 or len(flat) != 2 or not rest:
            continue
        count = flat[rest[0]][2]
        softmax = hints.is_softmax or (hints.class_count is not None and count == hints.class_count + 1)
        if hints.detector_type in {Layout.LOGITS.value, Layout.LOGITS_OR_NOTHING.value}:
            softmax = hints.detector_type == Layout.LOGITS_OR_NOTHING.value
        layout = Layout.LOGITS_OR_NOTHING if softmax else Layout.LOGITS
        return Plan(layout, (rest[0], name), count - softmax) if count > softmax else None
    return None


def _single(
    shapes: Mapping[str, Shape], canvas: tuple[int, int], hints: Hints, allowed: tuple[Layout, ...]
) -> Plan | None:
    """One output that holds everything, and perhaps one with prototypes of masks."""
    main = next((name for name, shape in shapes.items() if len(shape) == 3), None)
    if main is None:
        return None
    prototypes = next((name for name, shape in shapes.items() if len(shape) == 4), None)
    extra = shapes[prototypes][1] if prototypes else 0
    _, rows, columns = shapes[main]
    for layout in allowed or _likely(rows, columns, extra, canvas, hints):
        count = _class_count(layout, rows, columns, extra)
        known = None if layout in NUMBERED else hints.class_count
        if count is not None and count >= 1 and (known is None or count == known):
            return Plan(layout, (main,), None if layout in NUMBERED else count, prototypes, extra)
    return None


def _class_count(layout: Layout, rows: int, columns: int, extra: int) -> int | None:
    """Classes that a layout has room for; for one that lists numbers of classes 1 if the shape fits."""
    if extra and layout not in {Layout.OBJECTNESS, Layout.COLUMNS, Layout.ROWS, Layout.END_TO_END}:
        return None
    lists = {Layout.END_TO_END: 6 + extra, Layout.TURNED_END_TO_END: 7, Layout.SHARES_END_TO_END: 6}
    if layout in lists:
        return 1 if columns == lists[layout] else None
    counts = {
        Layout.OBJECTNESS: columns - 5 - extra,
        Layout.COLUMNS: rows - 4 - extra,
        Layout.ROWS: columns - 4 - extra,
        Layout.TURNED: rows - 5,
        Layout.SHARES: columns - 4,
    }
    return counts.get(layout)


def _likely(rows: int, columns: int, extra: int, canvas: tuple[int, int], hints: Hints) -> tuple[Layout, ...]:
    """Layouts in the order in which they are tried."""
    if hints.is_turned:
        few = columns == 7 and rows <= MAX_FEW and rows != _fits(hints, 5)
        return (Layout.TURNED_END_TO_END,) if few else (Layout.TURNED,)
    anchors = ANCHORS_PER_CELL * sum((canvas[0] // px) * (canvas[1] // px) for px in STRIDES_PX)
    few = rows <= MAX_FEW and rows != anchors
    listed = columns == 6 + extra and few and rows != _fits(hints, 4 + extra)
    if hints.is_end_to_end or listed:
        return (Layout.SHARES_END_TO_END if hints.is_in_shares and not extra else Layout.END_TO_END,)
    in_shares = few if hints.is_in_shares is None else hints.is_in_shares
    by_row = Layout.SHARES if in_shares and not extra else Layout.ROWS
    if hints.class_count is not None:
        turned = (Layout.TURNED_END_TO_END,) if few and columns == 7 and hints.class_count != 2 else ()
        return (Layout.COLUMNS, Layout.OBJECTNESS, by_row, Layout.TURNED, *turned)
    return (Layout.COLUMNS,) if rows < columns else (Layout.OBJECTNESS,)


def _fits(hints: Hints, more: int) -> int | None:
    """Rows of an output with a column per anchor."""
    return None if hints.class_count is None else hints.class_count + more
