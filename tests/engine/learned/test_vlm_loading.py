"""Folders with models as users have them: precisions, adapters, short memory, and all that is broken."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rs_copilot.errors import BadInputError, MissingDependencyError, OutOfMemoryError, UsageError
from rs_copilot.jobs.backends import BackendSpec, open_backend
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.models_quantise import ModelsQuantiseParams, run
from rs_copilot.learned.pretrained import hash_of
from rs_copilot.learned.vlm import loading, open_local, save_quantised
from rs_copilot.learned.vlm.forward import Features
from rs_copilot.learned.vlm.local import Kept, LocalBackend
from rs_copilot.learned.vlm.memory import is_out_of_memory, stream_layers
from rs_copilot.models.memory_plan import (
    NF4_BYTES,
    FreeMemory,
    Placement,
    Precision,
    cache_bytes,
    shape_of,
    weight_bytes,
)
from rs_copilot.vlm.backend import Decoding
from rs_copilot.vlm.messages import ImagePart, assistant, user

from .tiny_vlm import KINDS, QWEN3, QWEN25, save_vlm

pytest.importorskip("torch", reason="models in this process need torch")
pytest.importorskip("transformers", reason="models in this process need transformers")
needs_bits = pytest.mark.skipif(
    not loading.find_spec("bitsandbytes"), reason="4 and 8 bits need bitsandbytes, which is not installed"
)

SHORT = Decoding(max_tokens=8)
PICTURE = np.random.default_rng(0).integers(0, 256, (420, 420, 3), dtype=np.uint8)
ASK = [user(ImagePart(PICTURE), "what is there?")]
BLANK = [user(ImagePart(np.zeros((60, 60, 3), dtype=np.uint8)), "?")]


@pytest.fixture(scope="module", params=KINDS)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_vlm(tmp_path_factory.mktemp("models") / request.param, request.param)


@pytest.fixture(scope="module")
def one_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_vlm(tmp_path_factory.mktemp("models") / "one", QWEN25)


@pytest.fixture
def broken(one_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(one_folder, tmp_path / "broken"))


@pytest.fixture(scope="module")
def opened(one_folder: Path) -> LocalBackend:
    return open_local(one_folder, precision="fp32", device="cpu")


@pytest.fixture
def model(opened: LocalBackend) -> LocalBackend:
    """The model as it is after loading."""
    return replace(opened, forward=replace(opened.forward, features=Features()), _kept=Kept())


def scores(model: LocalBackend) -> Any:
    import torch

    with torch.inference_mode():
        *_, (_, found) = model.forward.read([model.scribe.write(BLANK)], model.forward.new_cache())
    return found


def stored_bytes(network: Any) -> int:
    """Bytes of all weights, with the scales of 4 and 8 bits but without their tables of a fixed size."""
    found: dict[int, int] = {}
    for weight in network.parameters():
        found[weight.data_ptr()] = weight.nbytes
        state = getattr(weight, "quant_state", None)
        if state is not None:
            own = 0 if is_packed(state) else state.state2.absmax.nbytes
            found[weight.data_ptr()] += state.absmax.nbytes + own
    # Once they were used, 8 bits keep their scales elsewhere.
    states = (getattr(part, "state", None) for part in network.modules())
    scales = [state.SCB.nbytes for state in states if getattr(state, "SCB", None) is not None]
    return sum(found.values()) + sum(scales)


def is_packed(state: Any) -> bool:
    """Whether bitsandbytes laid 4 bits out anew for a processor with AVX512-BF16, as it does at first use."""
    return getattr(state, "packing_format_for_cpu", False)


@needs_bits
@pytest.mark.parametrize("precision", list(Precision))
def test_each_precision_answers_in_the_memory_that_was_planned(folder: Path, precision: Precision) -> None:
    model = open_local(folder, precision=precision.value, device="cpu")
    shape = shape_of(json.loads((folder / "config.json").read_text()))
    planned = weight_bytes(shape, precision)
    states = [getattr(weight, "quant_state", None) for weight in model.forward.network.parameters()]
    if any(is_packed(state) for state in states):
        # Two bytes a scale instead of one that has a scale of its own.
        planned += round(shape.matrices * (0.5 + 2 / 64 - NF4_BYTES))
    assert abs(stored_bytes(model.forward.network) - planned) < 0.01 * planned
    reply = model.reply(ASK, SHORT)
    assert reply.usage.new_tokens == SHORT.max_tokens
    kept = sum(layer.keys.nbytes + layer.values.nbytes for layer in model._kept.cache.layers)
    assert kept == cache_bytes(shape, len(model._kept.marks), precision)
    assert model.precision == precision.value
    assert model.device == "cpu"
    assert model.sends_to is None


@needs_bits
def test_eyes_and_head_keep_16_bits(folder: Path) -> None:
    network = open_local(folder, precision="nf4", device="cpu").forward.network
    small = {
        name.split(".")[1] for name, part in network.named_modules() if type(part).__name__ == "Linear4bit"
    }
    assert small == {"language_model"}


@needs_bits
def test_quantised_once_it_loads_to_the_same_scores(folder: Path, tmp_path: Path) -> None:
    made = save_quantised(folder, tmp_path / "nf4", device="cpu")
    again = open_local(made, device="cpu")
    assert again.precision == "nf4"
    expected = scores(open_local(folder, precision="nf4", device="cpu"))
    assert float((scores(again) - expected).abs().max()) == 0.0
    assert again.family == open_local(folder, device="cpu").family
    before, after = (sum(f.stat().st_size for f in place.glob("*.safetensors")) for place in (folder, made))
    assert after < 0.7 * before
    with pytest.raises(UsageError, match="stored as nf4"):
        open_local(made, precision="bf16", device="cpu")
    with pytest.raises(BadInputError, match="already"):
        save_quantised(made, tmp_path / "twice", device="cpu")
    with pytest.raises(BadInputError, match="exists already"):
        save_quantised(folder, made, device="cpu")


def test_it_says_what_it_is(one_folder: Path) -> None:
    model = open_backend(BackendSpec(str(one_folder)), device="cpu")
    assert model.model == "one"
    assert model.sha256 == hash_of(one_folder, "")
    assert model.family.name == "qwen2.5-vl"
    assert open_local(one_folder, device="cpu", name="x", sha256="ab").sha256 == "ab"


def test_a_card_says_how_to_speak_to_a_model(one_folder: Path, tmp_path: Path) -> None:
    assert open_local(one_folder, device="cpu", family="rscovlm").family.limits.max_px == 1008**2
    for wrong in ("qwen3-vl", "nobody"):
        with pytest.raises(UsageError, match="cannot be spoken to"):
            open_local(one_folder, device="cpu", family=wrong)
    named = save_vlm(tmp_path / "RSCoVLM-7B", QWEN25)
    assert open_local(named, device="cpu").family.name == "rscovlm"
    third = save_vlm(tmp_path / "third", QWEN3)
    assert open_local(third, device="cpu").family.limits.min_px == 65536


@needs_bits
def test_a_job_writes_4_bits_and_keeps_how_to_speak(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RS_COPILOT_MODELS", str(tmp_path / "models"))
    folder = save_vlm(tmp_path / "RSCoVLM-7B", QWEN25)
    out = tmp_path / "small"
    found = run(ModelsQuantiseParams(model=str(folder), out=out), JobContext(device="cpu"))
    assert found.after_bytes < found.before_bytes
    # The folder's name does not say any more what its limits say now.
    assert open_local(out, device="cpu").family.name == "rscovlm"
    with pytest.raises(UsageError, match="No model is called"):
        run(ModelsQuantiseParams(model="nobody", out=out), JobContext(device="cpu"))


# What does not fit.


def test_what_does_not_fit_is_said_before_it_is_loaded(
    one_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "read_vlm", lambda *_: pytest.fail("weights were read"))
    with pytest.raises(OutOfMemoryError, match=r"one needs about .* free: use"):
        open_local(one_folder, device="cpu", free=FreeMemory(None, 1000))


def limited(model: LocalBackend, monkeypatch: pytest.MonkeyPatch, most: int) -> Callable[[], None]:
    """Let steps of more than that many tokens run out of memory, as CUDA does; what is returned ends it."""
    import torch

    run, limit = model.forward.run, [most]

    def check(embedded: Any, *rest: Any) -> Any:
        if embedded.shape[1] > limit[0]:
            raise torch.OutOfMemoryError(f"tried to hold {embedded.shape[1]} tokens")
        return run(embedded, *rest)

    monkeypatch.setattr(model.forward, "run", check)
    return lambda: limit.__setitem__(0, 10**6)


def test_short_memory_makes_pictures_smaller(model: LocalBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    full = model.reply(ASK, SHORT)
    assert full.seen[0].width_px == 420
    model._forget()
    limited(model, monkeypatch, 150)
    pieces: list[str] = []
    reply = model.reply(ASK, SHORT, pieces.append)
    assert reply.seen[0].width_px < 420
    assert "25.0%" in reply.notes[0]
    assert "".join(pieces) == reply.text
    # The conversation goes on with the same size, and with what is known.
    second = model.reply([*ASK, assistant(reply.text), user("more?")], SHORT)
    assert second.seen == reply.seen
    assert second.usage.cached_tokens >= reply.usage.prompt_tokens


def test_then_weights_move_out_and_then_it_is_an_error(
    model: LocalBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    lift = limited(model, monkeypatch, 5)
    model.offload = lift
    reply = model.reply(ASK, SHORT)
    assert model.offload is None
    assert model.share == 0.0625
    assert any("main memory" in note for note in reply.notes)

    model._forget()
    limited(model, monkeypatch, 5)
    with pytest.raises(
        OutOfMemoryError, match="does not fit on cpu with this conversation: tried to hold"
    ) as said:
        model.reply(ASK, SHORT)
    assert "smaller" in said.value.hint


def test_after_an_error_the_same_conversation_can_be_asked_again(
    model: LocalBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    lift = limited(model, monkeypatch, 5)
    with pytest.raises(OutOfMemoryError):
        model.reply(ASK, SHORT)
    lift()
    assert model.reply(ASK, SHORT).usage.new_tokens == SHORT.max_tokens


def test_what_was_said_is_not_said_twice(model: LocalBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    expected = model.reply(ASK, SHORT).text
    model._forget()
    step, steps = model.forward.step, iter(range(100))

    def fail_once(*given: Any) -> Any:
        if next(steps) == 3:
            raise torch.OutOfMemoryError("no room for keys")
        return step(*given)

    monkeypatch.setattr(model.forward, "step", fail_once)
    model.offload = lambda: None
    pieces: list[str] = []
    reply = model.reply(ASK, SHORT, pieces.append)
    # Places that were said already keep their meaning: the picture is as large as before.
    assert reply.seen[0].width_px == 420
    assert reply.text == expected == "".join(pieces)


def test_together_they_are_fewer_where_memory_is_short(
    model: LocalBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    alone = model.reply(BLANK, SHORT).text
    run = model.forward.run

    def two_at_most(embedded: Any, *rest: Any) -> Any:
        if embedded.shape[0] > 2:
            raise torch.OutOfMemoryError("too many")
        return run(embedded, *rest)

    monkeypatch.setattr(model.forward, "run", two_at_most)
    replies = model.reply_all([BLANK] * 5, SHORT)
    assert [reply.text for reply in replies] == [alone] * 5
    assert model.batch == 2


def test_layers_wait_elsewhere_and_change_nothing(one_folder: Path, tmp_path: Path) -> None:
    made = (
        save_quantised(one_folder, tmp_path / "nf4", device="cpu")
        if loading.find_spec("bitsandbytes")
        else None
    )
    for place in filter(None, (one_folder, made)):
        model = open_local(place, device="cpu")
        expected = scores(model)
        layers = model.forward.network.model.language_model.layers
        stream_layers(layers[1:], "cpu")
        homes = [weight.data_ptr() for weight in layers[1].parameters()]
        assert float((scores(model) - expected).abs().max()) == 0.0
        assert model.reply(ASK, SHORT).usage.new_tokens == SHORT.max_tokens
        assert [weight.data_ptr() for weight in layers[1].parameters()] == homes


def test_a_card_that_is_too_small_keeps_some_layers(
    one_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same path that a small graphics card takes, with the processor in its place."""
    plan = loading.plan_for(loading.read_folder(one_folder), FreeMemory(2**40, 2**40), "bf16")
    parted = type(plan)(plan.precision, Placement.OFFLOAD, 1, 1, 1, True, "needs more")
    expected = open_local(one_folder, precision="bf16", device="cpu").reply(ASK, SHORT).text
    monkeypatch.setattr(loading, "plan_for", lambda *_: parted)
    model = open_local(one_folder, device="cpu")
    reply = model.reply(ASK, SHORT)
    assert reply.text == expected
    assert reply.notes == ("needs more.",)
    layers = model.forward.network.model.language_model.layers
    assert [len(layer._forward_pre_hooks) for layer in layers] == [0, 1, 1]


def test_what_counts_as_short_memory() -> None:
    import torch

    assert is_out_of_memory(torch.OutOfMemoryError("CUDA"))
    assert is_out_of_memory(MemoryError())
    assert is_out_of_memory(RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate"))
    assert is_out_of_memory(RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate"))
    assert not is_out_of_memory(RuntimeError("shapes do not match"))


def test_closing_gives_the_weights_back(one_folder: Path) -> None:
    import gc
    import weakref

    model = open_local(one_folder, device="cpu")
    model.reply(BLANK, SHORT)
    watched = weakref.ref(model.forward.network)
    model.close()
    gc.collect()
    assert watched() is None


# Adapters.


@pytest.fixture(scope="module")
def adapter(one_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Matrices of LoRA beside every projection of the language layers, with random values."""
    peft = pytest.importorskip("peft", reason="adapters need peft")
    import torch
    import transformers

    place = tmp_path_factory.mktemp("adapters") / "ships"
    network = transformers.AutoModelForImageTextToText.from_pretrained(one_folder)
    targets = r".*language_model.*\.(q_proj|v_proj|down_proj)"
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        lora = peft.LoraConfig(r=4, target_modules=targets, init_lora_weights=False)
        peft.get_peft_model(network, lora).save_pretrained(place)
    return place


@needs_bits
@pytest.mark.parametrize("precision", ["fp32", "nf4"])
def test_an_adapter_changes_the_answer_the_name_and_the_hash(
    one_folder: Path, adapter: Path, precision: str
) -> None:
    plain = open_local(one_folder, precision=precision, device="cpu")
    tuned = open_local(one_folder, precision=precision, device="cpu", adapter=adapter)
    assert float((scores(tuned) - scores(plain)).abs().max()) > 0.01
    assert tuned.model == "one + ships"
    assert tuned.sha256 != plain.sha256
    assert len(tuned.sha256) == 64


def test_an_adapter_must_be_one(one_folder: Path, adapter: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"lacks adapter_config\.json"):
        open_local(one_folder, device="cpu", adapter=tmp_path)
    pickled = Path(shutil.copytree(adapter, tmp_path / "pickled"))
    (pickled / "adapter_model.safetensors").rename(pickled / "adapter_model.bin")
    with pytest.raises(BadInputError, match=r"lacks adapter_model\.safetensors"):
        open_local(one_folder, device="cpu", adapter=pickled)
    other = save_vlm(
        tmp_path / "other",
        QWEN25,
        text={"hidden_size": 64, "num_attention_heads": 2},
        vision={"out_hidden_size": 64},
    )
    with pytest.raises(BadInputError, match="does not suit the model"):
        open_local(other, device="cpu", adapter=adapter)


# Folders that are not what they should be.


def test_weights_that_are_pickled_are_not_read(broken: Path) -> None:
    (broken / "model.safetensors").rename(broken / "pytorch_model.bin")
    with pytest.raises(BadInputError, match="cannot read the network"):
        open_local(broken, device="cpu")


def change(path: Path, **values: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}), encoding="utf-8")


def rewrite(folder: Path, edit: Callable[[dict[str, Any]], None]) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    edit(weights)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


@pytest.mark.parametrize("name", ["layers.1.mlp.up_proj.weight", "visual.blocks.1.norm1.weight"])
def test_weights_that_are_missing_or_no_numbers_are_told(broken: Path, name: str) -> None:
    def spoil(weights: dict[str, Any]) -> None:
        next(value for key, value in weights.items() if key.endswith(name))[0] = np.nan

    def remove(weights: dict[str, Any]) -> None:
        del weights[next(key for key in weights if key.endswith(name))]

    rewrite(broken, spoil)
    with pytest.raises(BadInputError, match="no numbers"):
        open_local(broken, device="cpu")
    rewrite(broken, remove)
    with pytest.raises(BadInputError, match="lacks 1 weights"):
        open_local(broken, device="cpu")


def test_words_that_are_no_numbers_are_told(broken: Path) -> None:
    def spoil(weights: dict[str, Any]) -> None:
        next(value for key, value in weights.items() if "embed_tokens" in key)[7] = np.inf

    rewrite(broken, spoil)
    with pytest.raises(BadInputError, match="no numbers"):
        open_local(broken, device="cpu")


def test_parts_of_other_models_are_told(broken: Path) -> None:
    pictures = broken / "preprocessor_config.json"
    good = pictures.read_text()
    change(pictures, patch_size=16)
    with pytest.raises(BadInputError, match="patches of 16 px"):
        open_local(broken, device="cpu")
    pictures.write_text("{", encoding="utf-8")
    with pytest.raises(BadInputError, match="prepares its inputs"):
        open_local(broken, device="cpu")
    pictures.write_text(good, encoding="utf-8")
    (broken / "chat_template.jinja").unlink()
    with pytest.raises(BadInputError, match="no chat template"):
        open_local(broken, device="cpu")


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("hello", "shows 0 of 1 texts"),
        ("{{ messages[0].content[1].text }}", "shows 0 pictures, expected 1"),
        ("{{ messages[9].content.text }}", "chat template fails"),
        (
            "{% for m in messages %}{{ ''.__class__.__mro__[1].__subclasses__() }}{% endfor %}",
            "template fails",
        ),
    ],
)
def test_templates_that_lose_something_are_told(broken: Path, template: str, said: str) -> None:
    (broken / "chat_template.jinja").write_text(template, encoding="utf-8")
    with pytest.raises(BadInputError, match=said):
        open_local(broken, device="cpu").reply(BLANK, SHORT)


def test_other_networks_and_other_ways_to_quantise_are_refused(broken: Path) -> None:
    config = broken / "config.json"
    change(config, quantization_config={"quant_method": "awq", "bits": 4})
    with pytest.raises(BadInputError, match="quantised by 'awq'"):
        open_local(broken, device="cpu")
    change(config, model_type="llama")
    with pytest.raises(BadInputError, match="of the kind 'llama'"):
        open_local(broken, device="cpu")
    with pytest.raises(UsageError, match="neither a folder"):
        open_local(broken / "nothing", device="cpu")


def test_a_device_and_a_precision_must_exist(one_folder: Path) -> None:
    with pytest.raises(MissingDependencyError, match="cuda:7"):
        open_local(one_folder, device="cuda:7")
    with pytest.raises(UsageError, match="precision 'q4'"):
        open_local(one_folder, precision="q4", device="cpu")
