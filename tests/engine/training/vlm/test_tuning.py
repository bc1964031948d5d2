"""`train vlm` on tiny models: it learns, goes on where it stopped, and its adapter is found and says it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from rs_copilot.cli import run as run_cli
from rs_copilot.errors import BadInputError, CancelledError, UsageError
from rs_copilot.jobs.backends import BackendSpec, open_backend
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.train_vlm import TrainVlmParams, TrainVlmResult, run
from rs_copilot.learned.vlm import loading, open_local
from rs_copilot.learned.vlm.folder import read_folder
from rs_copilot.models.adding import Wish, add
from rs_copilot.models.store import ENVIRONMENT, Store
from rs_copilot.training.vlm.recipe import open_recipe
from rs_copilot.training.vlm.session import read_student
from rs_copilot.vlm.backend import Decoding
from rs_copilot.vlm.messages import ImagePart, assistant, user
from tests.engine.learned.tiny_vlm import KINDS, QWEN3, QWEN25, save_vlm

from .world import LIMITS, TINY, write_data, write_recipe

pytest.importorskip("peft", reason="tuning needs peft")

SHORT = Decoding(max_tokens=24)
ADAPTER = "adapter_model.safetensors"
# Enough for tiny models to know four conversations by heart.
BY_HEART = 16


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tuning")


@pytest.fixture(scope="module")
def data(place: Path) -> Path:
    return write_data(place / "data")


@pytest.fixture(scope="module")
def base(place: Path) -> Path:
    return save_vlm(place / "base", QWEN25, limits=LIMITS, **TINY)


@pytest.fixture(scope="module")
def qwen3(place: Path) -> Path:
    return save_vlm(place / "qwen3", QWEN3, limits=LIMITS, **TINY)


@pytest.fixture(scope="module")
def recipe(place: Path) -> Path:
    return write_recipe(place / "recipe.json")


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setenv(ENVIRONMENT, str(tmp_path / "models"))
    yield Store(tmp_path / "models")


def tune(
    base: Path | str, data: Path, recipe: Path, out: Path, context: JobContext | None = None, **more: Any
) -> TrainVlmResult:
    params = {"out": out, "model": str(base), "data": [data], "recipe": str(recipe), **more}
    return run(TrainVlmParams(**params), context or JobContext(device="cpu"))


def picture(data: Path, name: str) -> ImagePart:
    return ImagePart(np.asarray(Image.open(data.parent / f"{name}.png")))


def names_of(path: Path) -> dict[str, Any]:
    from safetensors.numpy import load_file

    return dict(load_file(path))


def test_it_learns_by_heart_and_the_adapter_says_it(
    base: Path, data: Path, recipe: Path, tmp_path: Path, store: Store, capfd: pytest.CaptureFixture[str]
) -> None:
    """The whole way: a model of the store, the command, the list of models, an answer."""
    add(store, Wish(base, name="tiny"), lambda *_: None)
    out = tmp_path / "squares"
    args = ["train", "vlm", "--data", str(data), "--model", "tiny", "--out", str(out), "--json"]
    more = ["--recipe", str(recipe), "--steps", str(BY_HEART), "--device", "cpu", "--subset", "squares%100*2"]
    assert run_cli([*args, *more]) == 0
    result = json.loads(capfd.readouterr().out)
    assert result["added"] and result["loss_before"] > 5.0 > 0.5 > result["loss_after"]
    log = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in log] == list(range(1, BY_HEART + 1))
    assert log[-1]["loss"] < log[0]["loss"] / 10
    assert log[-1]["held_out"] == result["loss_after"]
    assert (out / "losses.png").read_bytes().startswith(b"\x89PNG")
    card = json.loads((out / "tuning.json").read_text())
    assert (card["base"], card["base_sha256"]) == ("tiny", Store(store.folder).card("tiny").sha256)
    assert card["data"].keys() == {"squares.jsonl"} and len(card["data"]["squares.jsonl"]) == 64
    assert card["made"]["held_out"]["kept_apart"] is False
    assert card["note"] and card["base_licence"]
    assert json.loads((out / "adapter_config.json").read_text())["base_model_name_or_path"] == "tiny"

    assert run_cli(["models", "list", "--json"]) == 0
    listed = {item["id"]: item["adapters"] for item in json.loads(capfd.readouterr().out)["models"]}
    assert listed["tiny"] == ["squares"]
    asked = [user(picture(data, "plane"), "find the plane")]
    tuned = open_backend(BackendSpec("tiny", "fp32", "squares"), "cpu")
    plain = open_backend(BackendSpec("tiny", "fp32"), "cpu")
    assert tuned.reply(asked, SHORT).text == "4,0,40,30 plane"
    assert plain.reply(asked, SHORT).text != "4,0,40,30 plane"
    assert tuned.model == "tiny + squares" and tuned.sha256 != plain.sha256

    # Again into the same folder: what is done is kept and listed once.
    assert run_cli([*args, *more]) == 0
    assert json.loads(capfd.readouterr().out)["sha256"] == result["sha256"]
    with pytest.raises(UsageError, match="There is an adapter squares already"):
        tune("tiny", data, recipe, tmp_path / "other", name="squares")
    # Other weights under the same name are not what it was tuned on.
    Store(store.folder).remove("tiny")
    add(
        Store(store.folder),
        Wish(save_vlm(tmp_path / "other", QWEN25, seed=1, **TINY), name="tiny"),
        lambda *_: None,
    )
    for adapter in ("squares", str(out)):
        with pytest.raises(UsageError, match="was tuned on weights of tiny with SHA-256"):
            open_backend(BackendSpec("tiny", "fp32", adapter), "cpu")


def test_places_of_the_other_family_are_learned_as_thousandths(
    qwen3: Path, data: Path, recipe: Path, tmp_path: Path
) -> None:
    made = tune(qwen3, data, recipe, tmp_path / "out", steps=BY_HEART + 2)
    assert not made.added and made.loss_after < 0.5
    model = open_local(qwen3, precision="fp32", device="cpu", adapter=tmp_path / "out")
    # 4, 0, 40, 30 of 84 pixels.
    assert model.reply([user(picture(data, "plane"), "find the plane")], SHORT).text == "47,0,476,357 plane"
    turns = [
        user(picture(data, "harbor"), "what is in the picture?"),
        assistant("a harbor"),
        user("how many are there?"),
    ]
    assert model.reply(turns, SHORT).text == "1"


class Stopping(JobContext):
    """Stops at the nth time that it is asked whether to go on, or after a step."""

    def __init__(self, *, at_check: int = 0, after_step: int = 0) -> None:
        super().__init__(device="cpu")
        self.left, self.after_step = at_check, after_step
        self.on_progress = self._hear

    def _hear(self, progress: Any) -> None:
        if self.after_step and progress.done == self.after_step:
            self.cancelled.set()

    def check(self) -> None:
        self.left -= 1
        if self.left == 0:
            self.cancelled.set()
        super().check()


@pytest.fixture(scope="module")
def varied(place: Path) -> Path:
    """A recipe in which chance has its say everywhere."""
    path = write_recipe(place / "varied.json", steps=4, check_every=3, batch_size=3, micro_batch=2)
    text = json.loads(path.read_text()) | {"resize": 0.7, "paraphrase": 0.7}
    path.write_text(json.dumps(text | {"lora": {"rank": 4, "alpha": 8, "dropout": 0.2}}))
    return path


@pytest.fixture(scope="module")
def uninterrupted(base: Path, data: Path, varied: Path, place: Path) -> bytes:
    tune(base, data, varied, place / "uninterrupted")
    return (place / "uninterrupted" / ADAPTER).read_bytes()


@pytest.mark.parametrize(
    "stop", [{"after_step": 2}, {"at_check": 29}], ids=["between steps", "between batches of a step"]
)
def test_a_stopped_tuning_goes_on_as_if_nothing_had_been(
    base: Path, data: Path, varied: Path, tmp_path: Path, uninterrupted: bytes, stop: dict[str, int]
) -> None:
    out = tmp_path / "out"
    with pytest.raises(CancelledError):
        tune(base, data, varied, out, Stopping(**stop))
    assert (out / "state.safetensors").is_file() and not (out / ADAPTER).exists()
    steps = [json.loads(line)["step"] for line in (out / "log.jsonl").read_text().splitlines()]
    assert 1 <= len(steps) < 4
    made = tune(base, data, varied, out)
    assert (out / ADAPTER).read_bytes() == uninterrupted
    assert made.steps == 4 and made.loss_before > 0


def test_a_folder_holds_one_tuning(
    base: Path, data: Path, varied: Path, uninterrupted: bytes, place: Path
) -> None:
    out = place / "uninterrupted"
    with pytest.raises(BadInputError, match="holds a tuning with another recipe"):
        tune(base, data, varied, out, rank=2)
    with pytest.raises(BadInputError, match="holds a tuning with another subsets"):
        tune(base, data, varied, out, subsets=["squares%50"])


@pytest.mark.skipif(not loading.find_spec("bitsandbytes"), reason="4 bits need bitsandbytes")
@pytest.mark.parametrize("kind", KINDS)
def test_weights_in_4_bits_are_tuned_beside(
    kind: str, base: Path, qwen3: Path, data: Path, recipe: Path, tmp_path: Path
) -> None:
    folder = qwen3 if kind == QWEN3 else base
    made = tune(folder, data, recipe, tmp_path / "out", steps=2, precision="nf4", held_out=[data])
    assert made.kept_apart and made.loss_after < made.loss_before - 0.5
    tensors = names_of(tmp_path / "out" / ADAPTER)
    assert all(np.abs(values).max() > 0 for name, values in tensors.items() if "lora_B" in name)
    tuned = open_local(folder, precision="nf4", device="cpu", adapter=tmp_path / "out")
    asked = [user(picture(data, "plane"), "find the plane")]
    assert tuned.reply(asked, Decoding(max_tokens=2)).usage.image_tokens == 9


@pytest.mark.skipif(not loading.find_spec("bitsandbytes"), reason="4 bits need bitsandbytes")
def test_what_4_bits_leave_out_takes_16_but_for_norms(base: Path, recipe: Path) -> None:
    import torch

    student = read_student(read_folder(base), None, open_recipe(str(recipe)), "nf4", "cpu")
    wide = {name for name, value in student.tuned.named_parameters() if value.dtype is torch.float32}
    assert all("lora_" in name or "norm" in name or name.endswith("bias") for name in wide)
    assert student.forward.network.model.visual.dtype is torch.bfloat16
    assert not any(value.requires_grad for value in student.forward.network.model.visual.parameters())


def test_an_adapter_of_a_deeper_model_is_refused(
    base: Path, place: Path, uninterrupted: bytes, tmp_path: Path
) -> None:
    shallow = save_vlm(tmp_path / "shallow", QWEN25, text={"num_hidden_layers": 1})
    with pytest.raises(BadInputError, match="14 matrices have no counterpart"):
        open_local(shallow, precision="fp32", device="cpu", adapter=place / "uninterrupted")
    deep = save_vlm(tmp_path / "deep", QWEN25, text={"num_hidden_layers": 3})
    with pytest.raises(BadInputError, match="14 matrices have no counterpart"):
        open_local(deep, precision="fp32", device="cpu", adapter=place / "uninterrupted")


def test_conversations_that_are_too_long_are_counted(
    base: Path, data: Path, place: Path, tmp_path: Path
) -> None:
    some = write_recipe(tmp_path / "some.json", max_tokens=64, batch_size=2, steps=2)
    lengths = tmp_path / "data"
    shutil.copytree(data.parent, lengths)
    long = {"messages": [{"role": "user", "content": "why? " * 40}, {"role": "assistant", "content": "so"}]}
    text = (lengths / "squares.jsonl").read_text() + json.dumps(long) + "\n"
    (lengths / "squares.jsonl").write_text(text)
    made = tune(base, lengths / "squares.jsonl", some, tmp_path / "out")
    assert made.skipped.keys() == {"too long"} and made.skipped["too long"] >= 1
    (lengths / "long.jsonl").write_text(json.dumps(long))
    with pytest.raises(BadInputError, match="none of 1 conversations can be learned from: 1 too long"):
        tune(base, lengths / "long.jsonl", some, tmp_path / "none")
    assert not (tmp_path / "none" / "state.safetensors").exists()


def test_what_cannot_be_is_said_before_the_work(base: Path, data: Path, recipe: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No model is called 'nothing'"):
        tune("nothing", data, recipe, tmp_path / "out")
    with pytest.raises(UsageError, match="tuning has no precision 'int8'"):
        tune(base, data, recipe, tmp_path / "out", precision="int8")
    with pytest.raises(UsageError, match="less than or equal to 1024"):
        open_recipe(str(recipe)).changed(lora={"rank": 5000}, training={}, grid=None)
    with pytest.raises(BadInputError, match="cannot read the tuning recipe"):
        tune(base, data, tmp_path / "no.json", tmp_path / "out")
    assert open_recipe("vlm-lora").training.max_tokens == 6144
