"""Detectors of every kind in files, from the file to the objects, on pictures whose squares are known."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from rs_copilot.detection.found import Detector, Found
from rs_copilot.detection.onnx_detector import OnnxDetector, open_onnx_detector
from rs_copilot.errors import BadInputError, UsageError
from rs_copilot.models.cards import sha256_of
from rs_copilot.types import SizeWH

from .networks import ANGLE_RAD, CLASSES, SIDE_PX, Square, picture, places, save_detector, ultralytics, zoo

WIDTH, HEIGHT = 256, 192
SQUARES = places(WIDTH, HEIGHT, 9)
IMAGE = picture(WIDTH, HEIGHT, SQUARES)
SOURCES: dict[str, dict[str, str]] = {
    "yolo-v5": zoo("YOLO_v5_or_v7_default"),
    "yolo-v8": ultralytics(),
    "yolo-v8-rows": zoo("yolo-v8-rows"),
    "yolo-obb": ultralytics("obb"),
    "yolo-v10": ultralytics(end2end=True),
    "yolo-obb-end-to-end": ultralytics("obb", end2end=True),
    "rt-detr": ultralytics(),
    "rt-detr-end-to-end": ultralytics(),
    "detr-sigmoid": {"class_names": json.dumps(CLASSES)},
    "detr-softmax": {"class_names": json.dumps(CLASSES)},
    "detr-lists": {"class_names": json.dumps(CLASSES)},
}


def opened(
    folder: Path, layout: str = "yolo-v8", *, options: dict[str, Any] | None = None, **net: Any
) -> OnnxDetector:
    net.setdefault("metadata", SOURCES[layout])
    path = save_detector(folder / "squares.onnx", layout, **net)
    return open_onnx_detector(path, device="cpu", threads=1, **{"min_score": 0.8, **(options or {})})


def check(found: Found, squares: list[Square], tolerance_px: float = 0.01) -> None:
    """The squares, each once, in its place and of its class."""
    assert sorted(found.labels.tolist()) == sorted(label for _, _, label in squares)
    middles = np.array([[x + SIDE_PX / 2, y + SIDE_PX / 2] for x, y, _ in squares]).reshape(-1, 2)
    if not squares:
        return
    nearest = np.abs(found.centers_px[:, None] - middles[None]).max(axis=2)
    assert sorted(nearest.argmin(axis=1)) == list(range(len(squares)))
    assert nearest.min(axis=1).max(initial=0.0) <= tolerance_px
    np.testing.assert_array_equal(found.labels, [squares[i][2] for i in nearest.argmin(axis=1)])
    sides = np.hypot(*np.moveaxis(found.quads_px[:, 1] - found.quads_px[:, 0], -1, 0))
    np.testing.assert_allclose(sides, SIDE_PX, atol=2 * tolerance_px)


@pytest.mark.parametrize("layout", SOURCES)
@pytest.mark.parametrize("size", [None, (WIDTH, HEIGHT)], ids=["any size", "fixed"])
def test_every_kind_finds_every_square(tmp_path: Path, layout: str, size: tuple[int, int] | None) -> None:
    detector: Detector = opened(tmp_path, layout, size=size)
    assert isinstance(detector, OnnxDetector)
    assert detector.layout.value == layout
    assert detector.class_names == CLASSES
    found, other = detector.detect(np.stack([IMAGE, picture(WIDTH, HEIGHT, SQUARES[:3])]))
    check(found, SQUARES)
    check(other, SQUARES[:3])
    assert (np.diff(found.scores) <= 0).all()
    assert found.scores.max() <= 1.0
    side = found.quads_px[:, 1] - found.quads_px[:, 0]
    angle = ANGLE_RAD if "obb" in layout else 0.0
    np.testing.assert_allclose(np.arctan2(side[:, 1], side[:, 0]), angle, atol=1e-5)


# Seven columns could also be three classes.
@pytest.mark.parametrize("layout", sorted(set(SOURCES) - {"yolo-obb-end-to-end"}))
def test_kinds_are_recognised_without_help_where_their_shapes_tell(tmp_path: Path, layout: str) -> None:
    names = {"names": str(dict(enumerate(CLASSES)))}
    assert opened(tmp_path, layout, metadata=names).layout.value == layout


@pytest.mark.parametrize("layout", ["yolo-v8", "yolo-v5", "yolo-v10", "detr-sigmoid"])
def test_a_network_that_names_nothing_has_numbered_classes(tmp_path: Path, layout: str) -> None:
    detector = opened(tmp_path, layout, metadata={})
    assert detector.layout.value == layout
    assert detector.class_names[:3] == ("class_0", "class_1", "class_2")
    check(detector.detect(IMAGE[None])[0], SQUARES)


@pytest.mark.parametrize("dtype", ["float32", "float16", "uint8"])
@pytest.mark.parametrize("channels_last", [False, True])
def test_inputs_of_every_type_and_order(tmp_path: Path, dtype: str, channels_last: bool) -> None:
    detector = opened(tmp_path, dtype=dtype, channels_last=channels_last)
    check(detector.detect(IMAGE[None])[0], SQUARES, 0.1)


def test_bands_are_left_out_repeated_or_weighed(tmp_path: Path) -> None:
    grey = IMAGE.max(axis=2, keepdims=True)
    assert len(opened(tmp_path).detect(grey[None])[0]) == len(SQUARES)
    check(opened(tmp_path).detect(np.concatenate([IMAGE, grey], axis=2)[None])[0], SQUARES)
    single = opened(tmp_path, bands=1)
    assert len(single.detect(grey[None])[0]) == len(SQUARES)
    assert len(single.detect(np.repeat(grey, 3, axis=2)[None])[0]) == len(SQUARES)
    four = opened(tmp_path, bands=4)
    check(four.detect(np.concatenate([IMAGE, grey], axis=2)[None])[0], SQUARES)
    with pytest.raises(ValueError, match="4 bands, found 3"):
        four.detect(IMAGE[None])


def test_pictures_of_another_size_are_padded_or_made_smaller(tmp_path: Path) -> None:
    detector = opened(tmp_path, size=(512, 512))
    check(detector.detect(IMAGE[None])[0], SQUARES)
    large = np.repeat(np.repeat(picture(512, 480, SQUARES), 2, axis=0), 2, axis=1)
    found = detector.detect(large[None])[0]
    check(Found(found.quads_px / 2, found.scores, found.labels), SQUARES)
    odd = opened(tmp_path)
    check(odd.detect(picture(251, 187, SQUARES)[None])[0], SQUARES)


@pytest.mark.parametrize("batch", [1, 3, 4])
def test_batches_that_are_fixed_are_cut_and_filled_up(tmp_path: Path, batch: int) -> None:
    detector = opened(tmp_path, batch=batch)
    assert detector.batch == batch
    images = np.stack([picture(WIDTH, HEIGHT, SQUARES[:count]) for count in range(5)])
    for count, found in enumerate(detector.detect(images)):
        check(found, SQUARES[:count])


@pytest.mark.parametrize("layout", ["yolo-v8", "yolo-v5", "yolo-v10"])
def test_masks_become_outlines(tmp_path: Path, layout: str) -> None:
    detector = opened(tmp_path, layout, masks=True, metadata=ultralytics("segment"))
    found = detector.detect(IMAGE[None])[0]
    check(found, SQUARES)
    assert found.outlines_px is not None
    for ring, quad in zip(found.outlines_px, found.quads_px, strict=True):
        outline, square = shapely.Polygon(ring), shapely.Polygon(quad)
        assert outline.intersection(square).area / outline.union(square).area > 0.7
    blank = detector.detect(np.zeros_like(IMAGE)[None])[0]
    assert blank.outlines_px == ()


def test_logits_are_made_probabilities(tmp_path: Path) -> None:
    for layout in ("yolo-v8", "yolo-v5"):
        found = opened(tmp_path, layout, logits=True, options={"min_score": 0.9}).detect(IMAGE[None])[0]
        check(found, SQUARES)
        assert found.scores.max() < 1.0


def test_the_metadata_of_model_zoos_say_how_to_use_a_network(tmp_path: Path) -> None:
    statistics = {"standardization_mean": [0.4] * 3, "standardization_std": [0.2] * 3}
    detector = opened(
        tmp_path,
        "yolo-v5",
        mean_std=(0.4, 0.2),
        metadata=zoo("YOLO_v6", **statistics),
        options={"min_score": None},
    )
    assert (detector.gsd_m, detector.tile, detector.overlap_px) == (0.3, SizeWH(256, 256), 64)
    assert (detector.limits.max_iou, detector.limits.min_scores.tolist()) == (0.4, [0.8] * 3)
    assert (detector.model, detector.device) == ("squares", "cpu")
    assert detector.sha256 == sha256_of(tmp_path / "squares.onnx")
    check(detector.detect(IMAGE[None])[0], SQUARES)


def test_files_that_transformers_saves_beside_a_network_are_read(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"id2label": {"0": "car", "1": "van", "2": "bus"}}))
    pictures = {
        "do_normalize": True,
        "image_mean": [0.4] * 3,
        "image_std": [0.2] * 3,
        "size": {"height": 320},
    }
    path = tmp_path / "preprocessor_config.json"
    path.write_text(json.dumps(pictures))
    detector = opened(tmp_path, "detr-softmax", mean_std=(0.4, 0.2), metadata={})
    assert (detector.class_names, detector.tile) == (("car", "van", "bus"), SizeWH(320, 320))
    assert detector.layout.value == "detr-softmax"
    check(detector.detect(IMAGE[None])[0], SQUARES)
    path.write_text(json.dumps({**pictures, "do_normalize": False}))
    check(opened(tmp_path, "detr-sigmoid", metadata={}).detect(IMAGE[None])[0], SQUARES)
    for content in ("{", "[" * 100_000, " " * (2 << 20)):
        path.write_text(content)
        with pytest.raises(BadInputError, match=r"preprocessor_config\.json"):
            opened(tmp_path, "detr-sigmoid", metadata={})


def test_a_card_has_the_last_word(tmp_path: Path) -> None:
    path = save_detector(tmp_path / "squares.onnx", metadata=ultralytics())
    values = {
        "name": "squares-1",
        "sha256": sha256_of(path),
        "class_names": ["car", "van", "bus"],
        "gsd_m": 0.25,
        "tile_px": 320,
        "overlap_px": 80,
        "min_scores": {"car": 0.9},
    }
    path.with_suffix(".json").write_text(json.dumps(values))
    detector = open_onnx_detector(path, device="cpu")
    assert (detector.model, detector.class_names, detector.gsd_m) == (
        "squares-1",
        ("car", "van", "bus"),
        0.25,
    )
    assert (detector.tile, detector.overlap_px) == (SizeWH(320, 320), 80)
    assert detector.limits.min_scores.tolist() == [0.9, 0.25, 0.25]
    path.with_suffix(".json").write_text(json.dumps({**values, "sha256": "0" * 64}))
    with pytest.raises(BadInputError, match="not the file of its card"):
        open_onnx_detector(path, device="cpu")


def test_classes_are_chosen_by_name_and_have_scores_of_their_own(tmp_path: Path) -> None:
    wanted = [square for square in SQUARES if square[2] == 1]
    check(opened(tmp_path, options={"classes": ["Green"]}).detect(IMAGE[None])[0], wanted)
    dim = picture(WIDTH, HEIGHT, SQUARES, brightness=150)
    options = {"min_score": 0.9, "per_class": {"blue": 0.5}}
    found = opened(tmp_path, options=options).detect(dim[None])[0]
    check(found, [square for square in SQUARES if square[2] == 2])
    with pytest.raises(UsageError, match="no class 'lorry'") as caught:
        opened(tmp_path, options={"classes": ["lorry"]})
    assert "red, green, blue" in caught.value.hint
    with pytest.raises(UsageError, match="no class 'lorry'"):
        opened(tmp_path, options={"per_class": {"lorry": 0.5}})
    with pytest.raises(UsageError, match="from 0 to 1"):
        opened(tmp_path, options={"min_score": 3.0})


def test_threads_may_detect_at_the_same_time(tmp_path: Path) -> None:
    detector = opened(tmp_path)
    start = threading.Barrier(4)

    def work(count: int) -> Found:
        start.wait()
        return detector.detect(picture(WIDTH, HEIGHT, SQUARES[:count])[None])[0]

    with ThreadPoolExecutor(4) as pool:
        for count, found in enumerate(pool.map(work, range(4))):
            check(found, SQUARES[:count])


def test_no_pictures_have_no_objects_and_other_arrays_are_refused(tmp_path: Path) -> None:
    detector = opened(tmp_path)
    assert detector.detect(np.zeros((0, 64, 64, 3), np.uint8)) == []
    assert len(detector.detect(np.zeros((1, 0, 0, 3), np.uint8))[0]) == 0
    for wrong in (np.zeros((1, 64, 64, 3), np.float32), np.zeros((64, 64, 3), np.uint8)):
        with pytest.raises(ValueError, match="expected uint8 pictures"):
            detector.detect(wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("layout", "metadata", "message"),
    [
        ("yolo-v8", {"names": str({i: str(i) for i in range(7)})}, r"output0 \(1, 7, .*for 7 classes"),
        ("yolo-v8", zoo("YOLO_v5_or_v7_default"), "det_type YOLO_v5_or_v7_default"),
        ("yolo-v8", zoo("YOLO_v99"), "det_type is 'YOLO_v99', expected one of"),
        ("yolo-v8", zoo("YOLO_v8", model_type="Segmentor"), "a Segmentor, expected a Detector"),
        ("yolo-v8", ultralytics("pose"), "the task pose"),
        ("yolo-v8", {"names": "__import__('os').abort()"}, "expected names by number"),
        ("yolo-v8", {"names": "[" * 100_000}, "expected names by number"),
        ("yolo-v8", {"names": "{999999999999: 'a'}"}, "expected names by number"),
        ("yolo-v8", {"names": "x" * (2 << 20)}, "2097152 characters"),
        ("yolo-v8", zoo("YOLO_v8", det_conf=7), "a number from 0 to 1"),
        ("yolo-v8", zoo("YOLO_v8", resolution="fine"), "a number from"),
        ("yolo-v8", zoo("YOLO_v8", standardization_std=[0, 0, 0]), "three numbers"),
        ("detr-lists", zoo("YOLO_v8"), "no detections that can be read"),
    ],
)
def test_networks_that_contradict_themselves_are_refused(
    tmp_path: Path, layout: str, metadata: dict[str, str], message: str
) -> None:
    with pytest.raises(BadInputError, match=message):
        opened(tmp_path, layout, metadata=metadata)


def test_names_that_harm_are_made_harmless(tmp_path: Path) -> None:
    names = {0: "a\x1b[31m\n", 1: "", 2: "x" * 5000}
    found = opened(tmp_path, metadata={"names": str(names)}).class_names
    assert found == ("a[31m", "class_1", "x" * 100)


def save_raw(
    path: Path, *, ir: int = 8, opset: int = 17, kind: str = "Relu", shape: Any = (1, 3, 64, 64)
) -> Path:
    import onnx
    from onnx import TensorProto, helper

    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in "xy"]
    graph = helper.make_graph([helper.make_node(kind, ["x"], ["y"])], "g", values[:1], values[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = ir
    onnx.save(model, path)
    return path


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"ir": 99}, "newer onnxruntime"),
        ({"opset": 99}, "newer onnxruntime"),
        ({"kind": "Nonsense"}, "no ONNX network that can be run"),
        ({}, r"outputs y \(1, 3, 64, 64\).*expected"),
        ({"shape": (1, 7, 64, 64)}, r"x tensor\(float\) \[1, 7, 64, 64\].*expected one input"),
        ({"shape": (1, 3)}, "expected one input"),
    ],
)
def test_what_is_no_detector_is_refused_with_its_shapes(
    tmp_path: Path, raw: dict[str, Any], message: str
) -> None:
    with pytest.raises(BadInputError, match=message):
        open_onnx_detector(save_raw(tmp_path / "raw.onnx", **raw), device="cpu")


@pytest.mark.parametrize("content", [b"", b"junk", b"\x08\x07" * 50])
def test_files_of_another_kind_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "net.onnx"
    with pytest.raises(BadInputError, match="found nothing"):
        open_onnx_detector(path)
    path.write_bytes(content)
    with pytest.raises(BadInputError, match="no ONNX network"):
        open_onnx_detector(path, device="cpu")
