"""Learned matchers of the true classes with random weights: they run, and other folders are refused."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rs_copilot.errors import BadInputError, MissingDependencyError
from rs_copilot.learned.matcher import open_learned, open_matcher
from rs_copilot.matching.matcher import SiftMatcher
from tests.engine.matching.test_matcher import noise, picture

from .networks import KINDS, save_network


@pytest.fixture(scope="module", params=KINDS)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("torch", reason="learned matchers need torch")
    pytest.importorskip("transformers", reason="learned matchers need transformers")
    return save_network(tmp_path_factory.mktemp(request.param), request.param)


@pytest.fixture
def broken(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "broken"))


def change(folder: Path, **values: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_a_network_of_any_kind_gives_matches_that_pass_the_checks(folder: Path) -> None:
    matcher = open_matcher(str(folder))
    assert matcher.name.startswith(json.loads((folder / "config.json").read_text())["model_type"])
    assert len(matcher.sha256 or "") == 64
    whole = noise(200)
    frame, ground = picture(whole[20:170, 10:160]), picture(whole)
    found = matcher.match(frame, ground)
    kept = found.within(frame, ground)
    assert 0 < len(kept) <= len(found)
    assert np.isfinite(kept.ground_px).all()


def test_a_network_that_yields_no_numbers_yields_no_matches(folder: Path) -> None:
    import torch

    matcher = open_learned(folder)
    with torch.no_grad():
        for values in matcher.network.parameters():
            values.fill_(float("nan"))
    frame, ground = picture(noise(150)), picture(noise(200))
    assert len(matcher.match(frame, ground).within(frame, ground)) == 0


def test_weights_that_are_missing_are_not_made_up(broken: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(broken / "model.safetensors")
    first = min(weights)
    del weights[first]
    save_file(weights, broken / "model.safetensors", {"format": "pt"})
    with pytest.raises(BadInputError, match="lacks 1 weights"):
        open_learned(broken)


def test_weights_that_are_no_numbers_are_refused(broken: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(broken / "model.safetensors")
    some = next(name for name, values in weights.items() if values.is_floating_point())
    weights[some] = weights[some] * float("nan")
    save_file(weights, broken / "model.safetensors", {"format": "pt"})
    with pytest.raises(BadInputError, match="no numbers"):
        open_learned(broken)


@pytest.mark.parametrize("values", [{"model_type": "bert"}, {"model_type": None}, {"num_attention_heads": 0}])
def test_a_configuration_of_something_else_is_refused(broken: Path, values: dict[str, Any]) -> None:
    change(broken, **values)
    with pytest.raises(BadInputError):
        open_learned(broken)


def test_code_that_comes_with_a_model_is_not_run(broken: Path) -> None:
    (broken / "evil.py").write_text(
        f"open({str(broken / 'ran')!r}, 'w')\nclass Config: pass\nModel = Config\n"
    )
    change(broken, auto_map={"AutoConfig": "evil.Config", "AutoModelForKeypointMatching": "evil.Model"})
    open_learned(broken)
    assert not (broken / "ran").exists()


@pytest.mark.parametrize("content", [b"", b"junk", b"\xff" * 64])
def test_files_that_are_something_else_are_refused(broken: Path, content: bytes) -> None:
    (broken / "model.safetensors").write_bytes(content)
    with pytest.raises(BadInputError, match="cannot read the matcher"):
        open_learned(broken)


def test_a_folder_without_a_matcher_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(BadInputError, match=r"no model\.safetensors"):
        open_matcher(str(tmp_path))
    with pytest.raises(BadInputError, match=r"no config\.json"):
        open_matcher(str(tmp_path / "nowhere"))


def test_without_transformers_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).write_text("{}")
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(MissingDependencyError) as caught:
        open_learned(tmp_path)
    assert "vlm" in caught.value.hint


def test_sift_has_a_name_of_its_own() -> None:
    assert open_matcher("sift") == SiftMatcher()
