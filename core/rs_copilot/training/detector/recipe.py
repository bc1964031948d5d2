"""A detector's recipe: the network, the numbers of its training, and the ground that it learns from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import Field

from rs_copilot.errors import BadInputError
from rs_copilot.raster.source import open_raster
from rs_copilot.training.detector.loop import DetectorTraining
from rs_copilot.training.detector.network import NetworkConfig
from rs_copilot.training.detector.sampler import Ground, Sampler
from rs_copilot.training.detector.scenes import (
    HIDDEN_SHARE,
    SEEN_SHARE,
    read_scenes,
    render_scenes,
    write_scenes,
)
from rs_copilot.training.recipe import RECIPES, Frozen, Report, check_seed, files_of, read_as
from rs_copilot.types import ByteImage, FloatArray
from rs_copilot.video.clip import open_clip

# A ground's picture that is finer than this is reduced when it is read: training never looks closer.
FINEST_GSD_M = 0.08


class NetworkNumbers(Frozen):
    """See `network.NetworkConfig`."""

    widths: tuple[int, int, int, int] = NetworkConfig.widths
    depths: tuple[int, int, int] = NetworkConfig.depths
    neck: tuple[int, int] = NetworkConfig.neck
    head: int = NetworkConfig.head

    def config(self, classes: int) -> NetworkConfig:
        """As the network takes it."""
        return NetworkConfig(**self.model_dump(), classes=classes)


class SceneWorlds(Frozen):
    """Demo worlds to render, by seed; ``held_out`` ones are only measured on."""

    seeds: tuple[int, ...] = ()
    held_out: tuple[int, ...] = ()
    extent_m: float = Field(500.0, ge=200.0, le=1600.0)
    gsd_m: float = Field(0.15, ge=0.05, le=1.0)
    side_px: int = Field(512, ge=128)
    pictures: int = Field(24, ge=1)
    days: int = Field(4, ge=1)
    drawn_share: float = Field(0.3, ge=0.0, le=1.0)
    weight: float = Field(1.0, ge=0.0)


class RealGround(Frozen):
    """Real imagery from straight above under the data folder.

    ``gsd_m`` where the files do not say it themselves. ``vehicles``: per file name the corners (eight
    numbers, pixels of the file) of every vehicle that is seen in it; ``unsure`` likewise what may be one:
    nothing is learned there. ``frames``: which frames of a clip are taken.
    """

    paths: tuple[str, ...]
    licence: str
    weight: float = Field(1.0, gt=0.0)
    gsd_m: float | None = Field(None, gt=0.0)
    frames: tuple[int, ...] = (0,)
    drawn_share: float = Field(0.85, ge=0.0, le=1.0)
    vehicles: dict[str, tuple[tuple[float, ...], ...]] = Field(default_factory=dict)
    unsure: dict[str, tuple[tuple[float, ...], ...]] = Field(default_factory=dict)


class DetectorRecipe(Frozen):
    """Everything that decides a training. `licence`, `use`, `limits` and `must_not` go to the card."""

    name: str
    licence: str = "not said"
    use: str = ""
    limits: str = ""
    must_not: tuple[str, ...] = ()
    class_names: tuple[str, ...] = ("vehicle",)
    gsd_m: float = Field(0.25, gt=0.0)
    network: NetworkNumbers = NetworkNumbers()
    training: DetectorTraining = DetectorTraining()
    worlds: SceneWorlds = SceneWorlds()
    sources: tuple[RealGround, ...] = ()


@dataclass(frozen=True)
class Material:
    """Samplers for learning and for measuring, and what they draw from."""

    train: Sampler
    held_out: Sampler
    used: list[str]


def open_recipe(name: str) -> DetectorRecipe:
    """A recipe that comes along, or one from a JSON file.

    Raises:
        BadInputError: it cannot be read, or a field is wrong.
    """
    packaged = RECIPES / f"{name}.json"
    return read_as(DetectorRecipe, packaged if packaged.is_file() else Path(name))


def read_material(recipe: DetectorRecipe, data: Path | None, cache: Path, report: Report) -> Material:
    """Load the recipe's grounds; worlds are rendered when the cache does not have them.

    Raises:
        BadInputError: a source is missing or cannot be read.
    """
    worlds = recipe.worlds
    parts = [(worlds.weight, _world(seed, worlds, cache, report)) for seed in worlds.seeds]
    weighted = [
        (ground, weight / len(grounds) / len(worlds.seeds)) for weight, grounds in parts for ground in grounds
    ]
    for source in recipe.sources:
        grounds = _real(source, data)
        weighted += [(ground, source.weight / len(grounds)) for ground in grounds]
    if not weighted:
        raise BadInputError("The recipe names neither worlds nor sources to learn from.")
    train = _sampler(recipe, weighted)
    measured = [(ground, 1.0) for seed in worlds.held_out for ground in _world(seed, worlds, cache, report)]
    used = sorted({ground.name for ground, _ in weighted})
    return Material(train, _sampler(recipe, measured or weighted), used)


def _sampler(recipe: DetectorRecipe, weighted: list[tuple[Ground, float]]) -> Sampler:
    weights = np.array([weight for _, weight in weighted])
    return Sampler([ground for ground, _ in weighted], weights, recipe.training.side_px, recipe.gsd_m)


def _world(seed: int, worlds: SceneWorlds, cache: Path, report: Report) -> list[Ground]:
    check_seed(seed)
    name = f"{seed}-{worlds.extent_m:g}m-{worlds.gsd_m:g}m-{worlds.side_px}-{worlds.pictures}x{worlds.days}"
    path = cache / f"{name}.npz"
    if not path.is_file():
        report(0, 1, f"rendering training scenes of world {seed}")
        scenes = render_scenes(
            seed,
            extent_m=worlds.extent_m,
            gsd_m=worlds.gsd_m,
            side_px=worlds.side_px,
            count=worlds.pictures,
            days=worlds.days,
        )
        write_scenes(path, scenes)
    scenes = read_scenes(path)
    grounds = []
    for number, picture in enumerate(scenes.pictures):
        mine = (scenes.picture == number) & (scenes.seen >= HIDDEN_SHARE)
        asked = scenes.seen[mine] >= SEEN_SHARE
        grounds.append(
            Ground(f"world {seed}", picture, scenes.gsd_m, scenes.quads_px[mine], asked, worlds.drawn_share)
        )
    return grounds


def _real(source: RealGround, data: Path | None) -> list[Ground]:
    grounds = []
    for path in [path for pattern in source.paths for path in files_of(data, pattern)]:
        sure, unsure = (_quads(names.get(path.name, ())) for names in (source.vehicles, source.unsure))
        asked = np.arange(len(sure) + len(unsure)) < len(sure)
        for picture, gsd_m in _pictures(path, source):
            factor = max(1.0, FINEST_GSD_M / gsd_m)
            quads = np.concatenate([sure, unsure]) / factor
            grounds.append(
                Ground(path.name, _reduced(picture, factor), gsd_m * factor, quads, asked, source.drawn_share)
            )
    return grounds


def _quads(rows: tuple[tuple[float, ...], ...]) -> FloatArray:
    return np.array(rows, dtype=np.float64).reshape(-1, 4, 2)


def _reduced(picture: ByteImage, factor: float) -> ByteImage:
    import cv2

    if factor == 1.0:
        return picture
    size = (round(picture.shape[1] / factor), round(picture.shape[0] / factor))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))


def _pictures(path: Path, source: RealGround) -> list[tuple[ByteImage, float]]:
    """Pictures of a raster (one) or a clip, each with its ground sampling distance."""
    if source.gsd_m is None:
        with open_raster(path) as raster:
            info = raster.info
            return [(raster.read(info.gsd_m, info.bounds_m).image, info.gsd_m)]
    with open_clip(path) as clip:
        taken = [(frame.image, source.gsd_m) for frame in clip.frames() if frame.index in source.frames]
    if not taken:
        raise BadInputError(f"{path} has none of the frames {source.frames}.")
    return taken
