"""Segmentation networks of every layout give the same classes; what they say about themselves is checked."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rs_copilot.errors import BadInputError
from rs_copilot.segmentation import network
from rs_copilot.segmentation.metadata import about_from_metadata
from rs_copilot.segmentation.network import open_segmenter
from rs_copilot.types import SizeWH

from .networks import LEVELS, ZOO, expected, save

pytest.importorskip("onnx", reason="networks of the tests are made with onnx")
SIDE = 64


def patches(count: int = 2, side: int = SIDE, seed: int = 0) -> np.ndarray:
    """Pictures of flat patches of 8 px, none close to a level; grey, so that any weighting agrees."""
    rng = np.random.default_rng(seed)
    grey = rng.choice(np.array([20, 60, 110, 150, 200, 250], dtype=np.uint8), (count, side // 8, side // 8))
    return np.repeat(np.kron(grey, np.ones((1, 8, 8), dtype=np.uint8))[..., None], 3, axis=-1)


@pytest.mark.parametrize("dtype", ["float", "float16", "uint8"])
@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
@pytest.mark.parametrize("output", ["logits", "softmax", "ids"])
def test_all_layouts_name_the_same_classes(tmp_path: Path, dtype: str, layout: str, output: str) -> None:
    path = save(tmp_path / "n.onnx", output=output, dtype=dtype, layout=layout, metadata={"tiles_size": SIDE})
    segmenter = open_segmenter(path, device="cpu", threads=1)
    images = patches()
    found = segmenter.segment(images)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, expected(images))
    # The tile engine hands over pictures that lie band by band in memory.
    planar = np.moveaxis(np.ascontiguousarray(np.moveaxis(images, -1, 1)), 1, -1)
    np.testing.assert_array_equal(segmenter.segment(planar), found)


@pytest.mark.parametrize("output", ["sigmoid", "logit", "mask"])
@pytest.mark.parametrize("channels", [1, 3])
def test_one_channel_is_one_class(tmp_path: Path, output: str, channels: int) -> None:
    names = {"class_names": {"0": "not_road", "1": "road"}}
    path = save(tmp_path / "n.onnx", output=output, channels=channels, metadata=names)
    segmenter = open_segmenter(path)
    images = patches()
    np.testing.assert_array_equal(segmenter.segment(images), expected(images, LEVELS[:1]))
    assert segmenter.class_names == ("not_road", "road")
    assert segmenter.tile == SizeWH(512, 512)


def test_four_channels_get_full_opacity(tmp_path: Path) -> None:
    path = save(tmp_path / "n.onnx", channels=4)
    images = patches()
    opaque = (images.astype(float).sum(axis=-1) + 255.0) / 4 / 255
    np.testing.assert_array_equal(open_segmenter(path).segment(images), np.digitize(opaque, LEVELS))


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_a_fixed_batch_is_filled_up(tmp_path: Path, count: int) -> None:
    segmenter = open_segmenter(save(tmp_path / "n.onnx", batch=2, side=SIDE))
    images = patches(count)
    assert (segmenter.batch, segmenter.tile) == (2, SizeWH(SIDE, SIDE))
    np.testing.assert_array_equal(segmenter.segment(images), expected(images))


@pytest.mark.parametrize("output", ["logits", "ids"])
def test_answers_at_a_part_of_the_size_are_enlarged(tmp_path: Path, output: str) -> None:
    segmenter = open_segmenter(save(tmp_path / "n.onnx", output=output, shrink=4))
    images = patches()
    found, right = segmenter.segment(images), expected(images)
    # Between patches the enlarged values pass through what lies between.
    inner = np.s_[:, 3::8, 3::8]
    assert found.shape == right.shape
    np.testing.assert_array_equal(found[inner], right[inner])


def test_standardisation_is_that_of_values_from_0_to_1(tmp_path: Path) -> None:
    told = {"standardization_mean": [0.5, 0.5, 0.5], "standardization_std": [0.25, 0.25, 0.25]}
    segmenter = open_segmenter(save(tmp_path / "n.onnx", metadata=told))
    images = patches()
    mean = (images.mean(axis=-1) / 255.0 - 0.5) / 0.25
    np.testing.assert_array_equal(segmenter.segment(images), np.digitize(mean, LEVELS))


def test_metadata_of_the_model_zoo_are_read(tmp_path: Path) -> None:
    path = save(tmp_path / "zoo.onnx", metadata=ZOO)
    segmenter = open_segmenter(path)
    assert segmenter.class_names == ("_background", "grey", "bright")
    assert (segmenter.gsd_m, segmenter.tile, segmenter.overlap_px) == (0.5, SizeWH(64, 64), 16)
    assert (segmenter.small_segment_px, segmenter.model) == (3, "zoo")
    assert segmenter.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_card_goes_before_the_metadata(tmp_path: Path) -> None:
    path = save(tmp_path / "n.onnx", metadata=ZOO | {"resolution": "nonsense"})
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    card = {"name": "mine", "sha256": digest, "gsd_m": 0.2, "class_names": ["bg", "a", "b"], "tile_px": 96}
    path.with_suffix(".json").write_text(json.dumps(card))
    segmenter = open_segmenter(path)
    assert (segmenter.model, segmenter.gsd_m, segmenter.tile) == ("mine", 0.2, SizeWH(96, 96))
    path.with_suffix(".json").write_text(json.dumps(card | {"sha256": "0" * 64}))
    with pytest.raises(BadInputError, match="not the file of its card"):
        open_segmenter(path)


def test_a_first_class_that_is_something_is_not_lost(tmp_path: Path) -> None:
    told = {"class_names": {"0": "dark", "1": "grey", "2": "bright"}}
    images = patches()
    for output in ("logits", "ids"):
        segmenter = open_segmenter(save(tmp_path / f"{output}.onnx", output=output, metadata=told))
        assert segmenter.class_names[:4] == ("background", "dark", "grey", "bright")
        np.testing.assert_array_equal(segmenter.segment(images), expected(images) + 1)


@pytest.mark.parametrize("output", ["logits", "softmax"])
def test_what_is_too_improbable_is_nothing(tmp_path: Path, output: str) -> None:
    told = {"seg_thresh": 0.6, "class_names": ["dark", "grey", "bright"]}
    segmenter = open_segmenter(save(tmp_path / "n.onnx", output=output, sharpness=6.0, metadata=told))
    images = patches()
    mean = images[..., 0] / 255.0
    logits = 6.0 * np.stack([0 * mean, mean - 1 / 3, 2 * mean - 1])
    share = np.exp(logits) / np.exp(logits).sum(axis=0)
    right = np.where(share.max(axis=0) < 0.6, 0, share.argmax(axis=0) + 1)
    assert len(np.unique(right)) > 2
    np.testing.assert_array_equal(segmenter.segment(images), right)


def test_threads_share_a_segmenter(tmp_path: Path) -> None:
    segmenter = open_segmenter(save(tmp_path / "n.onnx"), threads=1)
    pictures = [patches(seed=seed) for seed in range(16)]
    with ThreadPoolExecutor(4) as pool:
        for images, found in zip(pictures, pool.map(segmenter.segment, pictures), strict=True):
            np.testing.assert_array_equal(found, expected(images))


def test_pictures_of_another_kind_are_refused(tmp_path: Path) -> None:
    segmenter = open_segmenter(save(tmp_path / "n.onnx", side=SIDE))
    with pytest.raises(ValueError, match="uint8"):
        segmenter.segment(np.zeros((1, SIDE, SIDE, 3), dtype=np.float32))
    with pytest.raises(ValueError, match="expected pictures of"):
        segmenter.segment(np.zeros((1, 32, 32, 3), dtype=np.uint8))
    assert segmenter.segment(np.zeros((0, SIDE, SIDE, 3), dtype=np.uint8)).shape == (0, SIDE, SIDE)


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"model_type": "Detector"}, "Segmentor"),
        ({"class_names": {"0": "a", "2": "b"}}, "without gaps"),
        ({"class_names": {"0": "a", "1": "b"}}, "names for 2 classes, but gives 3"),
        ({"class_names": {"x": "a"}}, "cannot be used"),
        ({"class_names": [[]]}, "class_names"),
        ({"class_names": "[" * 5000}, "class_names"),
        ({"class_names": json.dumps({str(i): "a" for i in range(9000)})}, "characters"),
        ({"resolution": -5}, "gsd_m"),
        ({"resolution": "NaN"}, "number"),
        ({"resolution": {}}, "cannot be used"),
        ({"tiles_size": 1e9}, "tile_px"),
        ({"tiles_size": 1}, "tile_px"),
        ({"tiles_overlap": 100}, "overlap"),
        ({"seg_thresh": 7}, "threshold"),
        ({"standardization_std": [0, 1, 1]}, "above 0"),
        ({"standardization_mean": [0.1, 0.2]}, "2 means"),
        ({"standardization_mean": ["a"]}, "cannot be used"),
    ],
)
def test_metadata_that_cannot_be_are_refused(tmp_path: Path, told: dict[str, Any], why: str) -> None:
    with pytest.raises(BadInputError, match=why):
        open_segmenter(save(tmp_path / "n.onnx", metadata=told))


@given(
    st.dictionaries(
        st.sampled_from([*ZOO, "names", "standardization_mean", "standardization_std", "other"]),
        st.text(alphabet='[]{}":,019eE.- aN\x00é', max_size=30),
        max_size=4,
    )
)
def test_no_metadata_break_anything(told: dict[str, str]) -> None:
    try:
        about = about_from_metadata(told, Path("n.onnx"))
    except BadInputError:
        return
    assert about.tile_px is None or about.tile_px >= 32


def test_names_fit_into_a_table(tmp_path: Path) -> None:
    told = {"class_names": ["bg", "two\nlines\x00", "x" * 500]}
    names = open_segmenter(save(tmp_path / "n.onnx", metadata=told)).class_names
    assert names[1] == "two lines"
    assert len(names[2]) == 80


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="found nothing"):
        open_segmenter(tmp_path / "nowhere.onnx")
    (tmp_path / "junk.onnx").write_bytes(b"junk")
    with pytest.raises(BadInputError, match="no ONNX network"):
        open_segmenter(tmp_path / "junk.onnx")
    with pytest.raises(BadInputError, match="bands"):
        open_segmenter(save(tmp_path / "n.onnx", channels=7))
    with pytest.raises(BadInputError, match="fails on a picture"):
        open_segmenter(save(tmp_path / "odd.onnx", output="broken"))


def test_a_network_is_tried_once_and_another_of_its_name_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(tmp_path / "n.onnx")
    first = open_segmenter(path, device="cpu")
    with monkeypatch.context() as patch:
        patch.setattr(network, "_tried", lambda *_: pytest.fail("it was tried again"))
        again = open_segmenter(path, device="cpu")
    pictures = patches()
    np.testing.assert_array_equal(first.segment(pictures), again.segment(pictures))
    assert again.class_names == first.class_names
    save(path, output="broken")
    with pytest.raises(BadInputError, match="fails on a picture"):
        open_segmenter(path, device="cpu")
