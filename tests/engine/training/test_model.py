"""The network: what it ignores, what adapters start as, and what the exported graph computes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from rs_copilot.training.export import write_dense_onnx, write_onnx
from rs_copilot.training.model import SATELLITE, UAV, Cvaa, ModelConfig, StructureStem, pooling_matrix

from .conftest import draw_town

SMALL = ModelConfig(widths=(8, 8, 16, 16), depths=(1, 1, 2, 1), grid_channels=8, embedding=32)


@pytest.fixture(scope="module")
def pictures() -> torch.Tensor:
    made = [np.dstack([draw_town(96, seed), np.full((96, 96), 255, np.uint8)]) for seed in range(4)]
    return torch.from_numpy(np.stack(made)).permute(0, 3, 1, 2).float()


@pytest.fixture(scope="module")
def model() -> Cvaa:
    torch.manual_seed(3)
    return Cvaa(SMALL).eval()


def test_untrained_adapters_change_nothing(model: Cvaa, pictures: torch.Tensor) -> None:
    views = model(pictures, torch.full((4,), UAV))
    tiles = model(pictures, torch.full((4,), SATELLITE))
    assert torch.allclose(views, tiles, atol=1e-6)
    assert torch.allclose(views.norm(dim=1), torch.ones(4), atol=1e-5)


def test_stem_forgets_brightness_and_contrast(pictures: torch.Tensor) -> None:
    stem = StructureStem()
    darker = pictures.clone()
    darker[:, :3] = 0.5 * pictures[:, :3] + 20.0
    same, other = stem(pictures), stem(darker)
    assert float((same - other).abs().mean()) < 0.08 * float(same.abs().mean())


def test_stem_takes_bright_on_dark_for_dark_on_bright(pictures: torch.Tensor) -> None:
    inverted = pictures.clone()
    inverted[:, :3] = 255.0 - pictures[:, :3]
    angles, turned = StructureStem()(pictures)[:, 1:3], StructureStem()(inverted)[:, 1:3]
    inner = (slice(None), slice(None), slice(8, -8), slice(8, -8))
    assert torch.allclose(angles[inner], turned[inner], atol=0.02)


def test_what_lies_under_no_data_does_not_matter(model: Cvaa, pictures: torch.Tensor) -> None:
    hidden = pictures.clone()
    hidden[:, 3, :, 48:] = 0.0
    changed = hidden.clone()
    changed[:, :3, :, 48:] = 255.0 - hidden[:, :3, :, 48:]
    branch = torch.zeros(4)
    assert torch.allclose(model(hidden, branch), model(changed, branch), atol=1e-4)


@pytest.mark.parametrize("given", [3, 4, 6, 14])
def test_pooling_matrix_is_adaptive_pooling(given: int) -> None:
    x = torch.rand(1, 1, given, given)
    rows = pooling_matrix(given, 3)
    expected = torch.nn.functional.adaptive_avg_pool2d(x, 3)
    assert torch.allclose(rows @ x @ rows.t(), expected, atol=1e-6)


def test_exported_graph_says_the_same(model: Cvaa, pictures: torch.Tensor, tmp_path: Path) -> None:
    digest = write_onnx(model, tmp_path / "net.onnx")
    assert len(digest) == 64
    session = onnxruntime.InferenceSession(tmp_path / "net.onnx", providers=["CPUExecutionProvider"])
    bytes_ = pictures.permute(0, 2, 3, 1).numpy().astype(np.uint8)
    branch = np.array([0, 1, 0, 1], dtype=np.float32)
    (made,) = session.run(["embedding"], {"image": bytes_, "branch": branch})
    with torch.no_grad():
        expected = model(pictures, torch.from_numpy(branch)).numpy()
    np.testing.assert_allclose(made, expected, atol=1e-5)
    assert write_onnx(model, tmp_path / "again.onnx") == digest


def test_dense_field_takes_any_size(model: Cvaa, tmp_path: Path) -> None:
    write_dense_onnx(model, tmp_path / "dense.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "dense.onnx", providers=["CPUExecutionProvider"])
    image = np.zeros((1, 64, 160, 4), dtype=np.uint8)
    image[:, :, :80] = 255
    (field,) = session.run(["field"], {"image": image})
    assert field.shape == (1, 8, 32, 80)
    assert np.abs(field[..., 40:]).max() == 0.0


def test_the_shipped_size_keeps_its_limit(tmp_path: Path) -> None:
    write_onnx(Cvaa(ModelConfig()), tmp_path / "net.onnx")
    assert (tmp_path / "net.onnx").stat().st_size <= 8_000_000


def test_the_large_network_trains_adapters_on_a_frozen_backbone(tmp_path: Path) -> None:
    pytest.importorskip("transformers", reason="the large retriever needs the extra `vlm`")
    large = Cvaa(ModelConfig(embedding=64, input_px=56, backbone="random:small"))
    image = torch.rand(2, 4, 56, 56) * 255.0
    made, field = large.learn(image, torch.tensor([UAV, SATELLITE]))
    assert made.shape == (2, 64)
    assert field is None
    made.sum().backward()
    learned = {name.split(".")[0] for name, p in large.named_parameters() if p.grad is not None}
    assert learned == {"branches", "squeeze", "project"}
    # The true shape of DINOv2-small: 22 million frozen parameters, 384 channels.
    assert sum(p.numel() for p in large.trunk.parameters()) > 21_000_000
    write_onnx(large, tmp_path / "large.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "large.onnx", providers=["CPUExecutionProvider"])
    bytes_ = image.permute(0, 2, 3, 1).numpy().astype(np.uint8)
    (exported,) = session.run(["embedding"], {"image": bytes_, "branch": np.array([0, 1], np.float32)})
    with torch.no_grad():
        expected = large.eval()(
            torch.from_numpy(bytes_).permute(0, 3, 1, 2).float(), torch.tensor([0.0, 1.0])
        )
    np.testing.assert_allclose(exported, expected.numpy(), atol=1e-3)
