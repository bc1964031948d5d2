"""A vision-language model as a detector: what it says of tiles as oriented boxes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from rs_copilot.detection import boxes
from rs_copilot.detection.found import Found
from rs_copilot.errors import CancelledError
from rs_copilot.types import ByteImage, Float32Array, SizeWH
from rs_copilot.vlm.answers import Parsed, source_px
from rs_copilot.vlm.backend import Backend, Decoding, Reply, Stop, never
from rs_copilot.vlm.messages import ImagePart, Message, system, user
from rs_copilot.vlm.parsing import parse
from rs_copilot.vlm.prompts import write_prompt
from rs_copilot.vlm.resize import TRAINED, PixelBudget
from rs_copilot.vlm.tasks import Prompt, Task

# As RSCoVLM was trained (arXiv 2511.21272): tiles of 512 pixels whose neighbours share 100.
TILE, OVERLAP_PX = SizeWH(512, 512), 100
# Tiles that a graphics card or a server answers at once.
BATCH = 8
MAX_IOU = 0.5
# Of equal objects that of the finer look: its coordinates are whole pixels of a larger picture.
FINER = 1.0
# The classes of DOTA 1.0, which RSCoVLM was trained with.
DOTA = (
    "baseball diamond", "basketball court", "bridge", "ground track field", "harbor", "helicopter",
    "large vehicle", "plane", "roundabout", "ship", "small vehicle", "soccer ball field", "storage tank",
    "swimming pool", "tennis court",
)  # fmt: skip


@dataclass(frozen=True)
class Sizes:
    """In which sizes tiles are shown: as they are, as large as the model was trained with, or in both.

    Enlarged tiles are Max Mode: small objects gain by it and large ones lose, so that both together find
    more than either.
    """

    plain: bool = True
    largest: bool = False

    def budgets(self, backend: Backend) -> tuple[PixelBudget, ...]:
        """What the model may see of a tile, the finest last."""
        limits, most = backend.family.limits, TRAINED.max_px
        plain = (PixelBudget(limits.min_px, max(most, limits.min_px)).within(limits),) * self.plain
        return plain + (PixelBudget(most, most).within(limits),) * self.largest


@dataclass
class Unread:
    """Answers so far, and what could not be read of them.

    ``broken`` answers held nothing that could be read and did not say that there is nothing; ``skipped``
    lines or items were left out; ``cut`` answers ended before the model had finished.
    """

    answers: int = 0
    broken: int = 0
    skipped: int = 0
    cut: int = 0

    def add(self, reply: Reply, parsed: Parsed) -> None:
        """One more answer."""
        self.answers += 1
        self.skipped += len(parsed.skipped)
        self.broken += not (parsed.objects or parsed.is_empty)
        self.cut += reply.stop in (Stop.LENGTH, Stop.REPEATED)

    def words(self) -> list[str]:
        """For people; nothing where all was well."""
        told = (
            (self.broken, f"{self.broken} of {self.answers} answers of the model could not be read"),
            (self.skipped, f"{self.skipped} objects in answers made no sense and were left out"),
            (self.cut, f"{self.cut} of {self.answers} answers were cut short: there may be more objects"),
        )
        return [text for count, text in told if count]


@dataclass
class VlmDetector:
    """Asks a model for every object of some classes; a `Detector`, though its scores only rank.

    Such a model says no score. What stands in for one is how far inside the tile an object lies, from 0 at
    its border to 1 in its middle: of two tiles that show the same object the one that sees it whole is
    believed.
    """

    backend: Backend
    classes: tuple[str, ...] = DOTA
    sizes: Sizes = field(default_factory=Sizes)
    decoding: Decoding = field(default_factory=lambda: Decoding(max_tokens=4096, lookup=True))
    is_cancelled: Callable[[], bool] = never
    unread: Unread = field(default_factory=Unread)

    def __post_init__(self) -> None:
        self._prompt: Prompt = write_prompt(Task.DETECT, self.backend.family, classes=self.classes)
        # A backend answers one thread at a time.
        self._asking = threading.Lock()

    @property
    def class_names(self) -> tuple[str, ...]:
        """Those that are asked for."""
        return self.classes

    @property
    def tile(self) -> SizeWH:
        """As the model was trained."""
        return TILE

    @property
    def overlap_px(self) -> int:
        """As the model was trained."""
        return OVERLAP_PX

    @property
    def gsd_m(self) -> float | None:
        """Any: such models know aerial pictures of many scales."""
        return None

    @property
    def batch(self) -> int:
        """How many tiles it takes at once."""
        return 1 if self.device == "cpu" else BATCH

    @property
    def device(self) -> str:
        """What the model runs on."""
        return self.backend.device

    @property
    def model(self) -> str:
        """Its name."""
        return self.backend.model

    @property
    def sha256(self) -> str | None:
        """Hash of its weights."""
        return self.backend.sha256

    def detect(self, images: ByteImage) -> list[Found]:
        """What the model names in each of ``(B, H, W, 3)`` uint8 RGB pictures of one size, each object once.

        Raises:
            CancelledError: it was stopped in mid-answer.
            OutOfMemoryError: a picture does not fit.
            MissingDependencyError: the server does not answer.
        """
        with self._asking:
            looks = [self._asked(images, budget) for budget in self.sizes.budgets(self.backend)]
        return [self._once(parts) for parts in zip(*looks, strict=True)]

    def _asked(self, images: ByteImage, budget: PixelBudget) -> list[Found]:
        talks = [self._messages(image, budget) for image in images]
        replies = self.backend.reply_all(talks, self.decoding, self.is_cancelled)
        if any(reply.stop is Stop.CANCELLED for reply in replies):
            raise CancelledError("The job was cancelled; what had been found is kept.")
        size = SizeWH(int(images.shape[2]), int(images.shape[1]))
        return [self._read(reply, size) for reply in replies]

    def _messages(self, image: ByteImage, budget: PixelBudget) -> tuple[Message, ...]:
        role = () if self._prompt.system is None else (system(self._prompt.system),)
        return (*role, user(ImagePart(np.ascontiguousarray(image), budget), self._prompt.text))

    def _read(self, reply: Reply, size: SizeWH) -> Found:
        family, seen = self.backend.family, reply.seen[-1]
        parsed = parse(
            reply.text, self._prompt.grammar, seen, coordinates=family.coordinates, classes=self.classes
        )
        self.unread.add(reply, parsed)
        names = {name.lower(): number for number, name in enumerate(self.classes)}
        known = [item for item in parsed.objects if item.label.lower() in names]
        if not known:
            return Found.nothing()
        quads = np.stack([source_px(item.quad, seen, size, family.coordinates) for item in known])
        labels = np.array([names[item.label.lower()] for item in known], dtype=np.int32)
        return Found(quads.astype(np.float32), _insideness(quads.mean(axis=1), size), labels)

    def _once(self, parts: Sequence[Found]) -> Found:
        """Objects of all looks at a tile, each once."""
        found = Found.join(parts)
        if not len(found):
            return found
        ranks = np.concatenate([part.scores + FINER * number for number, part in enumerate(parts)])
        return found.take(np.sort(boxes.nms(found.quads_px, ranks, found.labels, max_iou=MAX_IOU)))


def _insideness(centers_px: np.ndarray, size: SizeWH) -> Float32Array:
    """How far centres lie from the nearest border, 1 in the middle of the shorter side. Shape (N,)."""
    limits = np.array([size.width_px, size.height_px], dtype=np.float64)
    nearest = np.minimum(centers_px, limits - centers_px).min(axis=1)
    return np.asarray(np.clip(nearest / (limits.min() / 2), 0.0, 1.0), dtype=np.float32)
