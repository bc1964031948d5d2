"""Learned matchers from a folder of the user's: the keypoint matching networks that transformers knows.

Only weights in safetensors are read, nothing is downloaded, and no code is run that comes with a model.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from rs_copilot.errors import BadInputError, MissingDependencyError
from rs_copilot.matching.matcher import Matcher, Matches, Picture, SiftMatcher
from rs_copilot.types import FloatArray

if TYPE_CHECKING:
    import torch

SIFT = "sift"
CONFIG, WEIGHTS = "config.json", "model.safetensors"
# EfficientLoFTR compares every eighth pixel with every other: twice the width is 16 times the memory.
WIDTH_PX = 480
# All of these networks halve their input five times at most.
MULTIPLE_PX = 32
TRIAL_PX = 128
# More than this is no matcher: the largest one that transformers knows has 16 million numbers.
MAX_WEIGHTS_BYTES = 1 << 30
HINT = (
    "Give a folder with config.json and model.safetensors of a network for keypoint matching that the "
    "package transformers knows itself, for example EfficientLoFTR or LightGlue."
)


@dataclass(frozen=True)
class LearnedMatcher:
    """A network that returns keypoints of two pictures as shares of their size, matches, and scores."""

    name: str
    sha256: str
    network: Any
    device: str = "cpu"
    width_px: int = WIDTH_PX

    def match(self, frame: Picture, ground: Picture) -> Matches:
        """See `matcher.Matcher`; what the network returns is not checked here."""
        import torch

        side = max(*frame.image.shape[:2], *ground.image.shape[:2])
        side += -side % MULTIPLE_PX
        pair = np.stack([_square(frame, side), _square(ground, side)])
        with torch.inference_mode():
            pixels = torch.from_numpy(pair[None]).to(self.device)
            return _matches(self.network(pixel_values=pixels), side)


def _square(picture: Picture, side_px: int) -> FloatArray:
    """Grey in [0, 1], three times, in the top left of ``(3, side, side)``; zero where there is no data."""
    gray = cv2.cvtColor(picture.image, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255.0
    gray[~picture.valid] = 0.0
    height, width = gray.shape
    padded = np.pad(gray, ((0, side_px - height), (0, side_px - width)))
    return np.repeat(padded[None], 3, axis=0)


def _matches(output: Any, side_px: int) -> Matches:  # noqa: ANN401 - each network has its own class
    """Pairs of keypoints.

    Sparse networks list all keypoints and say for each of the first picture which of the second it is
    (-1: none); EfficientLoFTR lists pairs in matching order and says nothing of the sort.
    """
    keypoints = _array(output.keypoints)[0].astype(np.float64) * side_px
    matches, scores = _array(output.matches)[0, 0], _array(output.matching_scores)[0, 0]
    partner = matches if getattr(output, "mask", None) is not None else np.arange(len(matches))
    own = np.flatnonzero((matches >= 0) & (partner >= 0) & (partner < keypoints.shape[1]))
    return Matches(keypoints[0][own], keypoints[1][partner[own]], scores[own].astype(np.float64))


def _array(tensor: torch.Tensor) -> np.ndarray:
    return np.asarray(tensor.float().cpu().numpy() if tensor.is_floating_point() else tensor.cpu().numpy())


def open_matcher(name: str, device: str = "cpu") -> Matcher:
    """``sift``, or the learned matcher in a folder.

    Args:
        name: what the user asked for.
        device: where a network computes: auto, cpu, or cuda with or without a number.

    Raises:
        MissingDependencyError: torch or transformers is not installed.
        BadInputError: the folder holds no usable matcher.
    """
    return SiftMatcher() if name == SIFT else open_learned(Path(name), device)


def open_learned(folder: Path, device: str = "cpu") -> LearnedMatcher:
    """The matcher in a folder, after it has matched one pair of pictures on trial.

    Raises:
        MissingDependencyError: torch or transformers is not installed.
        BadInputError: the folder holds no such network, or not all of its weights, or it does not work.
    """
    for name in (CONFIG, WEIGHTS):
        if not (folder / name).is_file():
            raise BadInputError(f"{folder} is no folder with a matcher: it has no {name}.", hint=HINT)
    if (folder / WEIGHTS).stat().st_size > MAX_WEIGHTS_BYTES:
        raise BadInputError(f"{folder / WEIGHTS} has more than 1 GiB, which no matcher has.", hint=HINT)
    digest = hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()
    network = _read(folder).eval()
    device = _available(device)
    network.to(device)
    matcher = LearnedMatcher(f"{network.config.model_type} ({folder.name})", digest, network, device)
    noise = np.random.default_rng(0).integers(0, 256, (TRIAL_PX, TRIAL_PX, 3), dtype=np.uint8)
    picture = Picture(noise, np.ones((TRIAL_PX, TRIAL_PX), dtype=bool))
    try:
        matcher.match(picture, picture).within(picture, picture)
    except (ValueError, TypeError, AttributeError, LookupError, RuntimeError) as error:
        raise BadInputError(f"the matcher in {folder} does not work: {error}", hint=HINT) from error
    return matcher


def _available(device: str) -> str:
    import torch

    return ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device


def _read(folder: Path) -> Any:  # noqa: ANN401 - transformers comes without types
    """Configuration and weights, all of them and all of them numbers."""
    try:
        import torch
        import transformers
        from huggingface_hub.errors import StrictDataclassError
        from safetensors import SafetensorError
    except ImportError as error:
        raise MissingDependencyError(
            "Learned matchers need the packages torch and transformers.",
            hint="Install the extra `vlm`: pip install 'rs-copilot[vlm]'.",
        ) from error
    # Their progress bars and reports are of no use to anyone here: what they report is checked.
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    unreadable = (OSError, ValueError, TypeError, AttributeError, LookupError, ArithmeticError, RuntimeError)
    try:
        network, info = _load(folder)
    except (*unreadable, SafetensorError, StrictDataclassError) as error:
        raise BadInputError(f"cannot read the matcher in {folder}: {error}", hint=HINT) from error
    # transformers makes up what is missing, with no more than a line in the log.
    if info["missing_keys"]:
        absent = sorted(info["missing_keys"])
        raise BadInputError(f"{folder / WEIGHTS} lacks {len(absent)} weights, {absent[0]} first.", hint=HINT)
    if not all(bool(torch.isfinite(values).all()) for values in network.state_dict().values()):
        raise BadInputError(f"{folder / WEIGHTS} has weights that are no numbers.", hint=HINT)
    return network


def _load(folder: Path) -> tuple[Any, dict[str, Any]]:
    """The network and what transformers says about its reading; raises whatever it raises."""
    from transformers import AutoModelForKeypointMatching
    from transformers.models.auto.modeling_auto import MODEL_FOR_KEYPOINT_MATCHING_MAPPING_NAMES as KNOWN

    kind = json.loads((folder / CONFIG).read_text(encoding="utf-8"))["model_type"]
    if kind not in KNOWN:
        raise ValueError(f"model_type is {kind!r}, expected one of {', '.join(KNOWN)}")
    found: tuple[Any, dict[str, Any]] = AutoModelForKeypointMatching.from_pretrained(  # nosec B615 - a local folder only
        folder,
        local_files_only=True,
        trust_remote_code=False,
        use_safetensors=True,
        output_loading_info=True,
    )
    return found
