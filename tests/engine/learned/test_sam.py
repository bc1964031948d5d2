"""Networks of the SAM family with random weights run and remember images; other folders are refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rs_copilot.errors import BadInputError, UsageError
from rs_copilot.learned.sam import Sam, open_sam

pytest.importorskip("torch", reason="networks of the SAM family need torch")
t = pytest.importorskip("transformers", reason="networks of the SAM family need transformers")

SIDE = 64


def sam_1() -> Any:
    vision = t.SamVisionConfig(
        hidden_size=16, output_channels=8, num_hidden_layers=1, num_attention_heads=2, image_size=SIDE,
        patch_size=16, global_attn_indexes=[0], num_pos_feats=4, mlp_dim=16, window_size=2,
    )  # fmt: skip
    prompt = t.SamPromptEncoderConfig(
        hidden_size=8, image_size=SIDE, patch_size=16, mask_input_channels=4, num_point_embeddings=4
    )
    decoder = t.SamMaskDecoderConfig(
        hidden_size=8, mlp_dim=16, num_hidden_layers=1, num_attention_heads=2, iou_head_hidden_dim=8
    )
    return t.SamModel(
        t.SamConfig(vision_config=vision, prompt_encoder_config=prompt, mask_decoder_config=decoder)
    )


def sam_2() -> Any:
    backbone = t.Sam2HieraDetConfig(
        hidden_size=8, num_attention_heads=1, image_size=[SIDE, SIDE], blocks_per_stage=[1, 1, 2, 1],
        embed_dim_per_stage=[8, 16, 32, 64], num_attention_heads_per_stage=[1, 1, 2, 2],
        window_size_per_stage=[4, 2, 2, 2], global_attention_blocks=[3],
        window_positional_embedding_background_size=[4, 4],
    )  # fmt: skip
    vision = t.Sam2VisionConfig(
        backbone_config=backbone, backbone_channel_list=[64, 32, 16, 8], fpn_hidden_size=16,
        backbone_feature_sizes=[[SIDE // 4] * 2, [SIDE // 8] * 2, [SIDE // 16] * 2],
    )  # fmt: skip
    prompt = t.Sam2PromptEncoderConfig(hidden_size=16, image_size=SIDE, patch_size=16, mask_input_channels=4)
    decoder = t.Sam2MaskDecoderConfig(
        hidden_size=16, mlp_dim=16, num_hidden_layers=1, num_attention_heads=2, iou_head_hidden_dim=8
    )
    return t.Sam2Model(
        t.Sam2Config(vision_config=vision, prompt_encoder_config=prompt, mask_decoder_config=decoder)
    )


@pytest.fixture(scope="module", params=["sam", "sam2"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch

    torch.manual_seed(0)
    path = tmp_path_factory.mktemp(request.param)
    (sam_1() if request.param == "sam" else sam_2()).save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def sam(folder: Path) -> Sam:
    return open_sam(str(folder))


@pytest.fixture
def broken(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "broken"))


def picture(seed: int = 0, height: int = 40, width: int = 70) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_points_and_boxes_give_masks_of_the_images_size(sam: Sam) -> None:
    points, labels, box = np.array([[10.0, 20.0], [50.0, 5.0]]), np.array([1, 0]), np.array([5, 5, 60, 30])
    for asked in (
        {"points_px": points[:1]},
        {"points_px": points, "point_labels": labels},
        {"box_px": box},
        {"points_px": points, "point_labels": labels, "box_px": box},
    ):
        mask, score = sam.masks(picture(), **asked)
        assert (mask.shape, mask.dtype) == ((40, 70), np.bool_)
        assert 0.0 <= score <= 1.0


def test_masks_are_those_of_the_network(sam: Sam) -> None:
    import torch

    image = picture(3, SIDE, SIDE)
    found, _ = sam.masks(image, np.array([[20.0, 30.0]]))
    mean, std = (np.array(value) for value in sam.scaling)
    pixels = torch.tensor(((image / 255.0 - mean) / std).transpose(2, 0, 1)[None], dtype=torch.float32)
    with torch.no_grad():
        output = sam.network(pixels, input_points=torch.tensor([[[[20.0, 30.0]]]]))
    best = output.pred_masks[0, 0, int(output.iou_scores[0, 0].argmax())]
    full = torch.nn.functional.interpolate(
        best[None, None], (SIDE, SIDE), mode="bilinear", align_corners=False
    )
    sure = full[0, 0].abs().numpy() > 1e-5
    np.testing.assert_array_equal(found[sure], full[0, 0].numpy()[sure] > 0)


def test_a_second_click_does_not_look_at_the_image_again(sam: Sam, monkeypatch: pytest.MonkeyPatch) -> None:
    looked = []
    whole = sam.network.get_image_embeddings
    monkeypatch.setattr(sam.network, "get_image_embeddings", lambda x: (looked.append(1), whole(x))[1])
    first, _ = sam.masks(picture(7), np.array([[10.0, 20.0]]))
    again, _ = sam.masks(picture(7).copy(), np.array([[10.0, 20.0]]))
    sam.masks(picture(7), np.array([[30.0, 30.0]]))
    assert len(looked) == 1
    np.testing.assert_array_equal(first, again)
    for seed in range(8, 14):
        sam.masks(picture(seed), np.array([[10.0, 20.0]]))
    assert len(looked) == 7
    assert len(sam._known) <= 4


def test_questions_without_sense_are_refused(sam: Sam) -> None:
    with pytest.raises(ValueError, match="points or a box"):
        sam.masks(picture())
    with pytest.raises(ValueError, match="labels"):
        sam.masks(picture(), np.array([[1.0, 2.0]]), np.array([1, 0]))
    with pytest.raises(ValueError, match="uint8"):
        sam.masks(picture().astype(np.float32), np.array([[1.0, 2.0]]))


def test_weights_that_are_missing_are_not_made_up(broken: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(broken / "model.safetensors")
    del weights[next(name for name in weights if name.startswith("mask_decoder"))]
    save_file(weights, broken / "model.safetensors", {"format": "pt"})
    with pytest.raises(BadInputError, match="lacks 1 weights"):
        open_sam(str(broken))


def test_other_folders_are_refused(broken: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="neither a folder"):
        open_sam(str(tmp_path / "nowhere"))
    path = broken / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"model_type": "bert"}))
    with pytest.raises(BadInputError, match="'bert'"):
        open_sam(str(broken))
