"""Adapt to a layer: minutes of tuning on the user's own raster, of the adapters and the whitening.

The trunk stays as it is, so that its features are computed once; what is learned is what makes this ground
differ from the grounds of the training. Tiles of another part of the layer say whether it helped.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.numpy_helper
import onnx.utils
import torch
from torch import Tensor

from rs_copilot.errors import BadInputError
from rs_copilot.retrieval.embedder import open_embedder
from rs_copilot.training.course import learning_rate_at
from rs_copilot.training.export import HEAD_PREFIX, head_graph, write_joined
from rs_copilot.training.grounds import MIN_SIDE_PX, Ground, pyramid_of
from rs_copilot.training.loop import Progress, Report, TrainingConfig, recalls
from rs_copilot.training.loss import contrastive_loss
from rs_copilot.training.model import SATELLITE, UAV, Cvaa, ModelConfig
from rs_copilot.training.pairs import Batch, Sampler
from rs_copilot.training.whitening import adapted_whitening
from rs_copilot.types import BoolArray

HELD_OUT_SHARE = 0.3
# How far the whitening moves from that of all grounds to that of this one.
WHITENING_SHARE = 0.5


@dataclass(frozen=True)
class Network:
    """A retriever as it ships: the trunk as a session, the head as torch modules, the graph of both."""

    graph: onnx.ModelProto
    session: Any
    model: Cvaa
    input_px: int

    def features(self, pictures: np.ndarray[Any, Any]) -> Tensor:
        """Shared features of ``(N, S, S, 4)`` pictures."""
        parts = []
        for start in range(0, len(pictures), 64):
            part = np.ascontiguousarray(pictures[start : start + 64])
            inputs = {"image": part, "branch": np.zeros(len(part), np.float32)}
            parts.append(torch.from_numpy(self.session.run(["features"], inputs)[0]))
        return torch.cat(parts)

    def embed(self, features: Tensor, branch: float) -> Tensor:
        """Embeddings from features."""
        made: Tensor = self.model.head(features, torch.full((len(features),), branch))
        return made


@dataclass(frozen=True)
class Outcome:
    """Recall@1 and @10 on the held-out part before and after."""

    before: tuple[float, float]
    after: tuple[float, float]
    pairs: int

    @property
    def helped(self) -> bool:
        """Whether the tuned adapters are at least as good and somewhere better."""
        return self.after[0] + self.after[1] > self.before[0] + self.before[1]


def read_network(path: Path) -> Network:
    """Take a shipped network apart.

    Raises:
        BadInputError: the file is no network of this kind.
    """
    session = open_embedder(path, "cpu").session
    try:
        graph = onnx.load(str(path))
        side = int(graph.graph.input[0].type.tensor_type.shape.dim[1].dim_value)
        weights = _head_weights(graph)
        model = Cvaa(_config_of(weights, side))
        model.load_state_dict(weights, strict=False)
    except (OSError, KeyError, RuntimeError, ValueError) as error:
        raise BadInputError(
            f"{path} is no retrieval network that can be adapted: {error}",
            hint="Use the network that comes with RS Copilot, or one that `train retriever` wrote.",
        ) from error
    return Network(graph, session, model.eval(), side)


def _head_weights(graph: onnx.ModelProto) -> dict[str, Tensor]:
    """The head's weights by the names of the state; equal weights are stored once and named twice."""
    arrays = {item.name: onnx.numpy_helper.to_array(item) for item in graph.graph.initializer}
    for node in graph.graph.node:
        if node.op_type == "Identity" and node.input[0] in arrays:
            arrays[node.output[0]] = arrays[node.input[0]]
    prefix = f"{HEAD_PREFIX}model."
    found = {
        name[len(prefix) :]: torch.tensor(value) for name, value in arrays.items() if name.startswith(prefix)
    }
    if "project.weight" not in found:
        raise KeyError("project.weight")
    return found


def _config_of(weights: dict[str, Tensor], side: int) -> ModelConfig:
    squeeze, project = weights["squeeze.weight"], weights["project.weight"]
    channels, last = squeeze.shape[:2]
    grid = round(((project.shape[1] - last) / channels) ** 0.5)
    widths = (*ModelConfig().widths[:-1], int(last))
    return ModelConfig(
        widths=widths, grid=grid, grid_channels=int(channels), embedding=int(project.shape[0]), input_px=side
    )


def split_ground(ground: Ground) -> tuple[Ground, Ground]:
    """West for tuning, east for measuring, with nothing in common.

    Raises:
        BadInputError: the raster is too small to be split.
    """
    width, height = ground.size_px
    cut = round((1.0 - HELD_OUT_SHARE) * width)
    if min(width - cut, height) < MIN_SIDE_PX:
        raise BadInputError(
            f"{ground.name} is {width} x {height} px; adapting needs at least "
            f"{round(MIN_SIDE_PX / HELD_OUT_SHARE)} x {MIN_SIDE_PX} px: a part is kept for measuring."
        )
    return _crop(ground, 0, cut), _crop(ground, cut, width)


def _crop(ground: Ground, first: int, end: int) -> Ground:
    dates = tuple(pyramid_of(np.ascontiguousarray(date.levels[0][:, first:end])) for date in ground.dates)
    return Ground(ground.name, dates, ground.valid[:, first:end])


@dataclass(frozen=True)
class _Pairs:
    views: Tensor
    tiles: Tensor
    overlaps: BoolArray

    def recalls(self, network: Network) -> tuple[float, float]:
        with torch.no_grad():
            scores = network.embed(self.views, UAV) @ network.embed(self.tiles, SATELLITE).t()
        return recalls(scores.numpy(), self.overlaps)


def adapt(
    network: Network, ground: Ground, config: TrainingConfig, pair_count: int, report: Report
) -> Outcome:
    """Tune the network in place on the western part of a ground; measure on the eastern.

    ``report`` hears of each check and may raise to stop.

    Raises:
        BadInputError: the raster is too small.
    """
    torch.manual_seed(config.seed)
    west, east = split_ground(ground)
    learn = _drawn(network, west, pair_count, config.seed, 1)
    held_out = _drawn(network, east, config.held_out_pairs, config.seed, 2)
    before = held_out.recalls(network)
    report(Progress(0, 0.0, 0.0, 0.0, 0.0, *before))
    optimizer = torch.optim.AdamW(
        network.model.branches.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
    )
    rng = np.random.default_rng([config.seed, 3])
    for step in range(config.steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate_at(step, config)
        chosen = rng.choice(len(learn.views), min(config.batch_size, len(learn.views)), replace=False)
        loss = _loss(network, learn, chosen)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        if (step + 1) % config.check_every == 0:
            recall = held_out.recalls(network)
            report(Progress(step + 1, float(loss.detach()), 0.0, 0.0, 0.0, *recall))
    _whiten(network, learn)
    return Outcome(before, held_out.recalls(network), pair_count)


def _whiten(network: Network, pairs: _Pairs) -> None:
    model = network.model
    with torch.no_grad():
        views = model.plain(pairs.views, torch.full((len(pairs.views),), UAV))
        tiles = model.plain(pairs.tiles, torch.full((len(pairs.tiles),), SATELLITE))
    found = adapted_whitening(model.whitening_means, model.whitening, views, tiles, WHITENING_SHARE)
    model.whitening_means.copy_(found[0])
    model.whitening.copy_(found[1])


def _loss(network: Network, pairs: _Pairs, chosen: np.ndarray[Any, Any]) -> Tensor:
    views = network.embed(pairs.views[chosen], UAV)
    tiles = network.embed(pairs.tiles[chosen], SATELLITE)
    overlaps = torch.from_numpy(pairs.overlaps[np.ix_(chosen, chosen)])
    return contrastive_loss(views, tiles, overlaps, torch.tensor(0.05))


def _drawn(network: Network, ground: Ground, count: int, seed: int, stream: int) -> _Pairs:
    sampler = Sampler([ground], np.ones(1), network.input_px, grounds_per_batch=1)
    batch: Batch = sampler.batch(count, np.random.default_rng([seed, stream]))
    return _Pairs(network.features(batch.views), network.features(batch.tiles), batch.overlaps())


def write_adapted(network: Network, path: Path) -> str:
    """Write the network with its tuned adapters; its SHA-256.

    Raises:
        StorageError: the file cannot be written.
    """
    extractor = onnx.utils.Extractor(network.graph)
    trunk = extractor.extract_model(["image"], ["features"])
    return write_joined(path, trunk, head_graph(network.model, network.input_px))
