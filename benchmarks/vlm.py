"""Speed and memory of a vision-language model in this process: a table, all measured in one run.

    python -m benchmarks.vlm [--shape tiny|2b|3b|4b|7b|8b] [--precisions nf4,int8,bf16,fp32] [--device auto]
                             [--work DIR] [--markdown FILE] [--quick]

Weights are random in the shapes of the released models: speed and memory do not depend on their values. Each
precision has a process of its own, which loads the folder as a user's is loaded, asks a question about one
picture, asks a second one, and then does the same with transformers' ``generate``, which looks at the picture
again. Words per second are those after the first. Peak memory is what torch allocated on a graphics card, or
what the process held on a processor, libraries included; *planned* is what the plan said before loading.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.localization.report import provenance
from benchmarks.localization.store import OUT
from rs_copilot.learned.vlm.local import LocalBackend
from rs_copilot.vlm.backend import Conversation
from tests.engine.learned import tiny_vlm

# Sizes of the released models, the ones that tests count weights of.
SHAPES = Path(__file__).parents[1] / "tests" / "engine" / "models" / "shapes.json"
NAMES = {
    "2b": "Qwen3-VL-2B",
    "3b": "Qwen2.5-VL-3B",
    "4b": "Qwen3-VL-4B",
    "7b": "Qwen2.5-VL-7B",
    "8b": "Qwen3-VL-8B",
}
PRECISIONS = ("nf4", "int8", "bf16", "fp32")
# A picture of usual size: 324 tokens of 28 px.
SIDE_PX = 504
QUESTION = (
    "find the plane, ship, small vehicle, large vehicle, storage tank, tennis court, bridge and harbor."
)
GIB = 1024**3
COLUMNS = (
    *("weights", "load", "first word", "of a 2nd question", "2nd / 1st", "words/s", "words/s, lookup"),
    *("`generate`: first word", "of a 2nd question", "words/s", "peak", "planned"),
)


def make_folder(work: Path, shape: str) -> Path:
    """A folder with random weights of a shape; made once."""
    folder = work / f"random-{shape}"
    if (folder / "tokenizer.json").is_file():
        return folder
    if shape == "tiny":
        return tiny_vlm.save_vlm(folder, tiny_vlm.QWEN25)
    import torch

    config = json.loads(SHAPES.read_text(encoding="utf-8"))[NAMES[shape]]["config"]
    kind, tied = config["model_type"], config["tie_word_embeddings"]
    text = config.get("text_config") or {
        key: value for key, value in config.items() if isinstance(value, int) and key != "tie_word_embeddings"
    }
    section = [16, 24, 24] if kind == tiny_vlm.QWEN25 else [24, 20, 20]
    text = {
        **text, "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": section},
    }  # fmt: skip
    sight = {key: value for key, value in config["vision_config"].items() if key != "in_chans"}
    if kind == tiny_vlm.QWEN25:
        sight |= {"fullatt_block_indexes": [7, 15, 23, 31], "window_size": 112}
    tokenizer = tiny_vlm.make_tokenizer(kind)
    with torch.device("meta"):
        network = tiny_vlm.make_network(kind, tokenizer, text=text, vision=sight, tied=tied)
    network = network.to(torch.bfloat16).to_empty(device="cpu")
    network.tie_weights()
    torch.manual_seed(0)
    with torch.no_grad():
        for name, weight in network.named_parameters():
            weight.fill_(1.0) if "norm" in name or "ln_q" in name else weight.normal_(std=0.02)
    network.save_pretrained(folder, max_shard_size="4GB")
    tiny_vlm.save_processor(folder, kind)
    tokenizer.save_pretrained(folder)
    return folder


def measure(folder: Path, precision: str, device: str, words: int) -> dict[str, Any]:
    """Everything about one precision, in this process."""
    import torch

    from rs_copilot.learned.vlm import open_local
    from rs_copilot.learned.vlm.folder import read_folder
    from rs_copilot.learned.vlm.loading import plan_for
    from rs_copilot.models.memory_plan import FreeMemory
    from rs_copilot.vlm.backend import Decoding
    from rs_copilot.vlm.messages import ImagePart, assistant, user

    started = time.perf_counter()
    model = open_local(folder, precision=precision, device=device)
    load_s = time.perf_counter() - started
    # Random weights must not end an answer by chance, nor because they repeat themselves.
    model.ends = frozenset()
    say, ahead = (Decoding(max_tokens=words, repeats=10**6, lookup=lookup) for lookup in (False, True))
    picture = np.random.default_rng(0).integers(0, 256, (SIDE_PX, SIDE_PX, 3), dtype=np.uint8)
    ask = [user(ImagePart(picture), QUESTION)]
    # Once unmeasured, with another picture: kernels are chosen on first use.
    model.reply([user(ImagePart(picture[::-1].copy()), QUESTION)], Decoding(max_tokens=2))
    first = model.reply(ask, say)
    again = [*ask, assistant(first.text), user("and what else?")]
    second = model.reply(again, say)
    model.reply([user("hello")], Decoding(max_tokens=1))
    looked_up = model.reply(ask, ahead)
    ours_peak = peak_bytes(model.device)
    plain_first = plain(model, ask, words)
    plain_second = plain(model, again, words)
    on_card = model.device.startswith("cuda")
    planned = plan_for(read_folder(folder), FreeMemory(10**15 if on_card else None, 10**15), precision)
    return {
        "precision": model.precision,
        "device": torch.cuda.get_device_name(model.device) if on_card else "processor",
        "threads": torch.get_num_threads(),
        "load_s": load_s,
        "first_s": first.usage.first_token_s,
        "second_s": second.usage.first_token_s,
        "prompt": first.usage.prompt_tokens,
        "rate": rate(words, first.usage.first_token_s, first.usage.total_s),
        "lookup_rate": rate(words, looked_up.usage.first_token_s, looked_up.usage.total_s),
        "plain_first_s": plain_first[0],
        "plain_second_s": plain_second[0],
        "plain_rate": rate(words, *plain_first),
        "peak": ours_peak,
        "planned": planned.needs_bytes,
    }


def plain(model: LocalBackend, conversation: Conversation, words: int) -> tuple[float, float]:
    """Seconds until the first word and until the last, of ``generate`` with the same tokens and pictures."""
    import torch

    def run(count: int) -> float:
        started = time.perf_counter()
        script = model.scribe.write(conversation)
        patches = torch.cat([model.scribe.optics.patches(picture) for picture in script.pictures])
        ids = torch.from_numpy(script.ids)[None].to(model.device)
        with torch.inference_mode():
            made = model.forward.network.generate(
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                mm_token_type_ids=torch.from_numpy(script.kinds)[None].to(model.device),
                pixel_values=patches.to(model.device),
                image_grid_thw=torch.tensor([item.grid for item in script.pictures], device=model.device),
                max_new_tokens=count,
                min_new_tokens=count,
                do_sample=False,
            )
        made.cpu()
        return time.perf_counter() - started

    return run(1), run(words)


def rate(words: int, first_s: float, total_s: float) -> float:
    """Words per second after the first."""
    return (words - 1) / max(total_s - first_s, 1e-9)


def peak_bytes(device: str) -> int:
    """The most that was held so far."""
    import torch

    if device.startswith("cuda"):
        return int(torch.cuda.max_memory_allocated(device))
    (line,) = [
        item for item in Path("/proc/self/status").read_text().splitlines() if item.startswith("VmHWM")
    ]
    return int(line.split()[1]) * 1024


def row(found: dict[str, Any]) -> list[str]:
    """Cells of a precision."""
    return [
        found["precision"],
        f"{found['load_s']:.1f} s",
        f"{found['first_s'] * 1e3:.0f} ms",
        f"{found['second_s'] * 1e3:.0f} ms",
        f"**{found['second_s'] / found['first_s']:.2f}**",
        f"{found['rate']:.1f}",
        f"{found['lookup_rate']:.1f}",
        f"{found['plain_first_s'] * 1e3:.0f} ms",
        f"{found['plain_second_s'] * 1e3:.0f} ms",
        f"{found['plain_rate']:.1f}",
        f"{found['peak'] / GIB:.2f} GiB",
        f"{found['planned'] / GIB:.2f} GiB",
    ]


def in_own_process(folder: Path, precision: str, device: str, words: int) -> dict[str, Any]:
    """`measure`, where nothing of another precision is left in memory."""
    told = [str(folder), precision, device, str(words)]
    command = [sys.executable, "-m", "benchmarks.vlm", "--measure", *told]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{precision}: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def table(shape: str, precisions: Sequence[str], device: str, words: int, work: Path) -> list[str]:
    """Lines about a shape."""
    folder = make_folder(work, shape)
    found = [in_own_process(folder, precision, device, words) for precision in precisions]
    name = NAMES.get(shape, "a tiny Qwen2.5-VL")
    lines = [
        f"{name} with random weights on {found[0]['device']} ({found[0]['threads']} threads): a picture of "
        f"{SIDE_PX}² px, {found[0]['prompt']} tokens, {words} words of answer. Accuracy says nothing here.",
        "",
        "| " + " | ".join(COLUMNS) + " |",
        "|" + " --- |" * len(COLUMNS),
    ]
    return [*lines, *("| " + " | ".join(row(item)) + " |" for item in found), ""]


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shape", choices=("tiny", *NAMES), default="tiny")
    parser.add_argument("--precisions", default=",".join(PRECISIONS))
    parser.add_argument("--device", default="auto")
    parser.add_argument("--words", type=int, default=64)
    parser.add_argument("--work", type=Path, default=OUT / "vlm", help="folders with weights are kept here")
    parser.add_argument("--markdown", type=Path, help="also write the table here")
    parser.add_argument("--quick", action="store_true", help="two precisions and few words")
    parser.add_argument("--measure", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        folder, precision, device, words = options.measure
        print(json.dumps(measure(Path(folder), precision, device, int(words))))
        return
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    options.work.mkdir(parents=True, exist_ok=True)
    precisions = ["nf4", "bf16"] if options.quick else options.precisions.split(",")
    words = 12 if options.quick else options.words
    lines = [provenance([]), *table(options.shape, precisions, options.device, words, options.work)]
    text = "\n".join(lines)
    print(text)
    if options.markdown:
        options.markdown.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
