"""What a folder with a vision-language model says about itself, before any weight is read."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rs_copilot.errors import BadInputError, UsageError
from rs_copilot.learned import pretrained
from rs_copilot.learned.vlm.pictures import Optics
from rs_copilot.learned.vlm.transcript import Scribe
from rs_copilot.models.memory_plan import KINDS, Precision
from rs_copilot.vlm.families import FAMILIES, QWEN3_VL, QWEN25_VL, RSCOVLM, Family
from rs_copilot.vlm.resize import TRAINED, PixelBudget

HINT = (
    "Give a folder with config.json, weights in safetensors, tokenizer and preprocessor_config.json of "
    "Qwen2.5-VL, Qwen3-VL or a model tuned from them, as transformers saves them."
)
# Squares of a picture where nobody asks for more. 1,280 is what Qwen advises; a processor takes about half a
# minute to read half of that with 3B.
USUAL_TOKENS_CPU, USUAL_TOKENS_GPU = 640, 1280
SPECIAL = {
    "image_id": "<|image_pad|>",
    "video_id": "<|video_pad|>",
    "start_id": "<|vision_start|>",
    "end_id": "<|vision_end|>",
}


@dataclass(frozen=True)
class ModelFolder:
    """A folder with a model: its ``config`` as it stands there, and what its weights are stored in."""

    path: Path
    config: Mapping[str, Any] = field(repr=False)
    stored: Precision | None

    @property
    def kind(self) -> str:
        """The architecture, ``qwen2_5_vl`` or ``qwen3_vl``."""
        return str(self.config["model_type"])

    @property
    def most_tokens(self) -> int:
        """The longest conversation that the model was made for."""
        text = self.config.get("text_config") or self.config
        return int(text.get("max_position_embeddings", 32768))


def read_folder(folder: Path) -> ModelFolder:
    """What is there.

    Raises:
        BadInputError: no such model, or quantised in a way that is not known here.
    """
    pretrained.read_kind(folder, KINDS, HINT)
    config = json.loads((folder / pretrained.CONFIG).read_text(encoding="utf-8"))
    return ModelFolder(folder, config, _stored(folder, config.get("quantization_config")))


def _stored(folder: Path, quantised: object) -> Precision | None:
    if not isinstance(quantised, dict):
        return None
    if quantised.get("load_in_8bit"):
        return Precision.INT8
    if quantised.get("load_in_4bit") and quantised.get("bnb_4bit_quant_type") == "nf4":
        return Precision.NF4
    raise BadInputError(
        f"{folder} is quantised by {quantised.get('quant_method')!r}, expected bitsandbytes, NF4 or 8 bits",
        hint="Take the model's own folder; it is quantised here when it is loaded.",
    )


def family_of(folder: ModelFolder, processor: Any, name: str | None) -> Family:  # noqa: ANN401 - no types
    """How to speak to a model, with the limits of pictures that hold for it.

    Args:
        folder: of the model.
        processor: of its pictures, whose limits hold unless the family is told.
        name: of the family, where somebody knows it.

    Raises:
        UsageError: no family has that name, or it is of another architecture.
    """
    least, most = (int(processor.size[edge]) for edge in ("shortest_edge", "longest_edge"))
    limits = PixelBudget(least, most)
    if folder.kind == "qwen3_vl":
        known = replace(QWEN3_VL, limits=limits)
    elif limits == TRAINED or RSCOVLM.name in folder.path.name.lower():
        # Whatever the file says: in other sizes than it was trained with its boxes are off.
        known = RSCOVLM
    else:
        known = replace(QWEN25_VL, limits=limits)
    if name is None or name == known.name:
        return known
    told = FAMILIES.get(name)
    if told is None or told.unit_px != known.unit_px:
        raise UsageError(f"{folder.path.name} is a {known.name}, and cannot be spoken to as {name!r}")
    return told


def read_scribe(
    folder: ModelFolder, family_name: str | None, budget: PixelBudget | None, device: str
) -> Scribe:
    """What turns conversations into tokens.

    Raises:
        BadInputError: tokenizer, template or processor are missing or of another model.
        UsageError: no such family.
    """
    import transformers

    # AutoProcessor would ask for torchvision, which only its own way of resizing needs.
    name = "Qwen2VLImageProcessor"
    pictures = getattr(transformers, f"{name}Pil", None) or getattr(transformers, name)
    words = transformers.AutoTokenizer
    options = {"local_files_only": True, "trust_remote_code": False}
    try:
        processor = pictures.from_pretrained(folder.path, local_files_only=True)
        tokenizer = words.from_pretrained(folder.path, **options)
        family = family_of(folder, processor, family_name)
        ids = {key: int(tokenizer.convert_tokens_to_ids(token)) for key, token in SPECIAL.items()}
    except (ImportError, *pretrained.UNREADABLE) as error:
        raise BadInputError(
            f"cannot read what {folder.path} prepares its inputs with: {error}", hint=HINT
        ) from error
    _check(folder, family, processor, tokenizer, ids)
    usual = budget or _usual(family, device)
    optics = Optics(family, usual.within(family.limits), int(processor.patch_size), processor)
    return Scribe(tokenizer, optics, stamps_frames=folder.kind == "qwen3_vl", **ids)


def _usual(family: Family, device: str) -> PixelBudget:
    tokens = USUAL_TOKENS_CPU if device == "cpu" else USUAL_TOKENS_GPU
    most = max(family.limits.min_px, tokens * family.unit_px**2)
    return PixelBudget(family.limits.min_px, most)


def _check(folder: ModelFolder, family: Family, processor: Any, tokenizer: Any, ids: dict[str, int]) -> None:  # noqa: ANN401
    """Make sure that the parts of a folder belong together."""
    sight = folder.config["vision_config"]
    merge = int(sight.get("spatial_merge_size", 2))
    cut, expected = (int(processor.patch_size), int(processor.merge_size)), (int(sight["patch_size"]), merge)
    if cut != expected or cut[0] * cut[1] != family.unit_px:
        raise BadInputError(
            f"{folder.path} cuts pictures into patches of {cut[0]} px, {cut[1]} to a side, expected "
            f"{expected[0]} px and {expected[1]}",
            hint=HINT,
        )
    told = {
        key: folder.config.get(name)
        for key, name in (("image_id", "image_token_id"), ("video_id", "video_token_id"))
    }
    wrong = [key for key, number in told.items() if number is not None and number != ids[key]]
    if wrong:
        raise BadInputError(f"{folder.path} has the tokenizer of another model ({wrong[0]})", hint=HINT)
    if not tokenizer.chat_template:
        raise BadInputError(f"{folder.path} has no chat template", hint=HINT)


def copy_processor(folder: Path, out: Path, limits: PixelBudget) -> None:
    """Write how pictures are prepared, with those limits.

    Copied and not saved again: the class that this program uses has another name than released models give.
    """
    for name in ("preprocessor_config.json", "video_preprocessor_config.json"):
        if not (folder / name).is_file():
            continue
        told = json.loads((folder / name).read_text(encoding="utf-8"))
        if not name.startswith("video"):
            told = {key: value for key, value in told.items() if key not in ("min_pixels", "max_pixels")}
            told["size"] = {"shortest_edge": limits.min_px, "longest_edge": limits.max_px}
        (out / name).write_text(json.dumps(told, indent=2), encoding="utf-8")


class LaterHash:
    """The SHA-256 of a folder's weights, read beside other work: of 16 GB it takes ten seconds."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._found: str | BadInputError | None = None
        self._thread = threading.Thread(target=self._read, name="hash of weights", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            self._found = pretrained.hash_of(self._folder, HINT)
        except (BadInputError, OSError) as error:
            self._found = BadInputError(f"the weights in {self._folder} cannot be read any more: {error}")

    def value(self) -> str:
        """The hash, as soon as it is known.

        Raises:
            BadInputError: the files are gone.
        """
        self._thread.join()
        if isinstance(self._found, BadInputError):
            raise self._found
        return str(self._found)
