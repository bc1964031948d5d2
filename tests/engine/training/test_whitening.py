"""Whitening of embeddings: its algebra on data with a known scatter, and that it survives export."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from rs_copilot.retrieval.embedder import Branch, open_embedder  # noqa: E402
from rs_copilot.training.cards import write_card  # noqa: E402
from rs_copilot.training.export import write_onnx  # noqa: E402
from rs_copilot.training.model import Cvaa, ModelConfig  # noqa: E402
from rs_copilot.training.whitening import adapted_whitening, pair_whitening  # noqa: E402

SPREAD = torch.tensor([4.0, 2.0, 1.0, 0.5])


def pairs(count, spread=SPREAD, seed=0):
    """Tiles anywhere, and views that differ from theirs by a bias and by noise of a known spread."""
    generator = torch.Generator().manual_seed(seed)
    tiles = torch.randn(count, len(spread), generator=generator)
    return tiles + 3.0 + spread * torch.randn(count, len(spread), generator=generator), tiles


def scatter(views, tiles, means, matrix):
    off = ((views - means[0]) - (tiles - means[1])) @ matrix
    return off.t() @ off / len(off)


def test_differences_of_pairs_become_equal_in_all_directions():
    views, tiles = pairs(20_000)
    means, matrix = pair_whitening(views, tiles)
    assert torch.allclose(means[0] - means[1], torch.full((4,), 3.0), atol=0.1)
    before = torch.linalg.cond(scatter(views, tiles, means, torch.eye(4)))
    after = torch.linalg.cond(scatter(views, tiles, means, matrix))
    # The floor of 4 % of the mean variance holds the flattest direction back.
    assert before > 50 and after < 2


def test_no_scatter_at_all_stays_finite():
    flat = torch.zeros(8, 4)
    flat[:, 0] = torch.arange(8.0)
    _, matrix = pair_whitening(flat, torch.zeros(8, 4))
    assert torch.isfinite(matrix).all()


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_adapting_goes_from_the_general_whitening_to_the_own_one(share):
    general = pair_whitening(*pairs(5000))
    other = pairs(5000, SPREAD.flip(0), seed=1)
    means, matrix = adapted_whitening(*general, *other, share)
    wanted = pair_whitening(*other) if share else general
    assert torch.allclose(means, wanted[0], atol=1e-5)
    assert torch.allclose(matrix, wanted[1], atol=1e-4)


def test_the_exported_network_whitens_as_the_trained_one(tmp_path):
    torch.manual_seed(1)
    model = Cvaa(ModelConfig(widths=(8, 8, 8, 8), grid_channels=4, embedding=16, input_px=32)).eval()
    rng = np.random.default_rng(2)
    pictures = rng.integers(0, 256, (6, 32, 32, 4), dtype=np.uint8)
    pictures[..., 3] = 255
    tensor, uav = torch.from_numpy(pictures).permute(0, 3, 1, 2).float(), torch.zeros(6)
    with torch.no_grad():
        plain = model(tensor, uav)
        means, matrix = pair_whitening(plain, plain.roll(1, 0))
        model.whitening_means.copy_(means)
        model.whitening.copy_(matrix)
        whitened = model(tensor, uav)
    assert not torch.allclose(plain, whitened, atol=1e-2)
    digest = write_onnx(model, tmp_path / "n.onnx")
    write_card(tmp_path / "n.json", {"name": "n", "sha256": digest, "input_px": 32})
    found = open_embedder(tmp_path / "n.onnx", "cpu").embed(pictures, Branch.UAV)
    assert np.allclose(found, whitened.numpy(), atol=1e-3)
