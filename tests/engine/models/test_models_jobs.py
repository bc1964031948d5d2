"""What the command and the panel see of models."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rs_copilot.cli import run as run_command
from rs_copilot.errors import BadInputError, UsageError
from rs_copilot.jobs import models_list
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.doctor import Device
from rs_copilot.jobs.registry import run_job
from rs_copilot.models.memory_plan import FreeMemory, shape_of
from rs_copilot.models.needs import best_need, needs
from rs_copilot.models.store import Store
from rs_copilot.models.vlm_cards import read_catalog

from .conftest import COMMIT
from .hub_server import HubServer
from .small import PARTS, save_adapter, save_model

GB = 1_000_000_000


def device(name: str, free_gb: float) -> Device:
    return Device(id=name, name="some", memory_free_bytes=round(free_gb * GB), memory_total_bytes=80 * GB)


def test_the_whole_life_of_a_model(hub: HubServer, store: Store, tmp_path: Path, capfd):
    def ask(*words: str) -> dict:
        capfd.readouterr()
        code = run_command(["models", *words, "--json"])
        found = json.loads(capfd.readouterr().out)
        return found | {"exit": code}

    def listed() -> dict:
        return {model["id"]: model for model in ask("list")["models"]}["tiny"]

    assert (listed()["state"], listed()["path"], listed()["source"]) == ("absent", None, "own")
    fetched = ask("fetch", "tiny")
    assert (fetched["revision"], fetched["was_pinned"], fetched["exit"]) == (COMMIT, False, 0)
    adapter = save_adapter(tmp_path / "fields", base="someone/tiny")
    assert ask("add", str(adapter))["kind"] == "adapter"
    here = listed()
    assert (here["state"], here["revision"], here["adapters"]) == ("present", COMMIT, ["fields"])
    assert Path(here["path"], PARTS[0]).is_file()
    assert ask("verify")["models"][0]["id"] == "tiny"
    Path(here["path"], "merges.txt").write_text("a c\n")
    broken = ask("verify", "tiny")
    assert (broken["exit"], broken["error"]["code"]) == (3, "bad-input")
    assert listed()["state"] == "broken"
    assert ask("fetch", "tiny")["fetched_bytes"] == 4
    assert ask("remove", "tiny")["freed_bytes"] > 300_000
    assert listed()["state"] == "absent"
    assert ask("verify", "tiny")["exit"] == 2


def test_what_people_read(hub: HubServer, store: Store, capfd):
    assert run_command(["models", "fetch", "tiny"]) == 0
    said = capfd.readouterr()
    assert "No commit had been pinned before" in said.out
    assert "Licence: MIT" in said.out
    assert run_command(["models", "list"]) == 0
    said = capfd.readouterr()
    assert "not pinned" in said.out
    assert COMMIT[:12] in said.out


def test_terms_that_are_not_open_are_warned_of_before(hub: HubServer, store: Store):
    hub.repositories["Qwen/Qwen2.5-VL-3B-Instruct"] = (
        COMMIT,
        save_model(store.folder.parent / "3b", kind="qwen2_5_vl"),
    )
    hub.licence = "qwen-research"
    warned: list[str] = []
    context = JobContext(on_warning=lambda text: warned.append(f"{len(hub.asked)} {text}"))
    run_job("models.fetch", {"model": "qwen2.5-vl-3b"}, context)
    assert warned[0].startswith("0 ")
    assert "qwen-research" in warned[0]
    assert "non-commercial" in warned[0]


def test_a_cancelled_fetch_keeps_its_partial_state(hub: HubServer, store: Store):
    context = JobContext()
    context.on_progress = lambda step: context.cancelled.set() if step.done > 100_000 else None
    with pytest.raises(Exception, match="cancelled"):
        run_job("models.fetch", {"model": "tiny"}, context)
    (tiny,) = [m for m in run_job("models.list", {}, JobContext()).models if m.id == "tiny"]  # type: ignore[attr-defined]
    assert (tiny.state, tiny.revision) == ("partial", None)
    assert 100_000 < tiny.disk_bytes < 400_000


def test_a_list_of_an_empty_machine(tmp_path: Path):
    found = run_job("models.list", {"folder": tmp_path / "none"}, JobContext(device="cpu"))
    assert {model.state for model in found.models} == {"absent"}  # type: ignore[attr-defined]
    assert not (tmp_path / "none").exists()
    assert [need.name for need in found.models[0].precisions] == ["bf16", "nf4", "fp32", "int8"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "free_gb", "expected"),
    [
        ("cuda:0", 80, ("rscovlm-7b", "bf16")),
        ("cuda:0", 12, ("rscovlm-7b", "nf4")),
        ("cuda:0", 6, ("qwen3-vl-4b", "nf4")),
        ("cuda:0", 3.5, ("qwen3-vl-2b", "nf4")),
        ("cuda:0", 1, None),
        ("cpu", 64, ("qwen3-vl-2b", "bf16")),
        ("cpu", 4, ("qwen3-vl-2b", "nf4")),
        ("cpu", 1, None),
    ],
)
def test_what_is_proposed_for_a_machine(name: str, free_gb: float, expected: tuple[str, str] | None):
    where = device(name, free_gb)
    here = where.memory_free_bytes
    free = FreeMemory(None, here) if name == "cpu" else FreeMemory(here, 32 * GB)
    catalog = read_catalog()
    found = {card.id: needs(shape_of(card.sizes or {}), card.parameters, free) for card in catalog.values()}
    proposed = models_list.recommend(catalog.values(), found, where)
    assert (None if proposed is None else (proposed.id, proposed.precision)) == expected


def test_the_sizes_of_the_catalog_are_those_of_its_parameters():
    """The numbers of parameters were counted on networks that transformers built from these sizes."""
    for card in read_catalog().values():
        shape = shape_of(card.sizes or {})
        assert (shape.kind, shape.parameters) == (card.architecture, card.parameters)


def test_where_only_the_number_of_parameters_is_known():
    found = needs(None, 8_000_000_000, FreeMemory(10 * GB, 64 * GB))
    assert {need.name: need.fits for need in found} == {
        "bf16": False,
        "int8": False,
        "nf4": True,
        "fp32": False,
    }
    assert all(need.note == "a rough figure" for need in found)
    assert best_need(needs(None, 8_000_000_000, FreeMemory(None, 1 * GB))) is None


def test_quantising_takes_a_package():
    shape = shape_of(read_catalog()["qwen3-vl-2b"].sizes or {})
    found = needs(shape, shape.parameters, FreeMemory(4 * GB, 64 * GB), can_quantise=False)
    (four,) = [need for need in found if need.name == "nf4"]
    assert (four.fits, four.note) == (False, "needs the package bitsandbytes")


def test_layers_that_wait_are_told_and_not_proposed():
    shape = shape_of(read_catalog()["qwen3-vl-8b"].sizes or {})
    found = needs(shape, shape.parameters, FreeMemory(12 * GB, 64 * GB))
    (sixteen,) = [need for need in found if need.name == "bf16"]
    assert (sixteen.fits, sixteen.is_whole) == (True, False)
    assert "layers wait in main memory" in sixteen.note
    assert best_need(found).name == "nf4"  # type: ignore[union-attr]


def test_the_card_with_most_free_memory_is_taken():
    found = [device("cpu", 100), device("cuda:0", 4), device("cuda:1", 9)]
    assert models_list.pick_device(found, "auto").id == "cuda:1"
    assert models_list.pick_device(found, "cuda").id == "cuda:0"
    assert models_list.pick_device(found, "cpu").id == "cpu"
    assert models_list.pick_device(found[:1], "auto").id == "cpu"


def test_words_that_make_no_sense(store: Store):
    with pytest.raises(UsageError):
        run_job("models.remove", {"model": "nobody"}, JobContext())
    with pytest.raises(BadInputError):
        run_job("models.add", {"path": str(store.folder / "nothing")}, JobContext())
