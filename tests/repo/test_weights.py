"""The weights that travel with the project: small, with a card that fits, and in the wheel and the zip."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import build_plugin
import build_wheel
import plugin_files
import pytest
import scan_plugin
from plugin_files import ROOT

PACKAGE = ROOT / "core" / "rs_copilot"
FOLDERS = [PACKAGE / name / "weights" for name in ("retrieval", "detection")]
NETWORKS = [network for folder in FOLDERS for network in sorted(folder.glob("*.onnx"))]
MAX_NETWORK_BYTES = 8_000_000
# What the card of a network that we give away must say; one head of another network points to that.
SAID = {"name", "sha256", "licence", "recipe", "hardware", "seconds", "held_out", "command", "use", "limits"}
SAID_MORE = {"retrieval": {"input_px"}, "detection": {"class_names", "gsd_m", "task", "must_not", "steps"}}
SAID_OF_A_HEAD = {"name", "sha256", "input_px", "trained_with"}
# Licences of training data that let anyone pass on what was learned from it.
OPEN = re.compile(r"BSD|MIT|CC0|CC BY \d|public domain|Copernicus", re.IGNORECASE)
HASH = hashlib.sha256(b"weights").hexdigest()


@pytest.mark.parametrize("network", NETWORKS or [None], ids=lambda path: path.name if path else "none yet")
def test_a_network_is_small_and_its_card_is_its_own(network: Path | None) -> None:
    if network is None:
        pytest.skip("no weights are in the package")
    data = network.read_bytes()
    assert len(data) <= MAX_NETWORK_BYTES
    card = json.loads(network.with_suffix(".json").read_text(encoding="utf-8"))
    said = SAID_OF_A_HEAD if "trained_with" in card else SAID | SAID_MORE[network.parent.parent.name]
    assert sorted(said - set(card)) == []
    assert card["sha256"] == hashlib.sha256(data).hexdigest()
    assert card["name"] == network.stem


def cards() -> list[dict[str, Any]]:
    return [json.loads(path.with_suffix(".json").read_text(encoding="utf-8")) for path in NETWORKS]


def test_a_head_belongs_to_a_network_that_is_there() -> None:
    hashes = {card["sha256"] for card in cards()}
    assert {card["trained_with"] for card in cards() if "trained_with" in card} <= hashes


def test_what_networks_were_trained_on_may_be_passed_on() -> None:
    sources = [source for card in cards() if "recipe" in card for source in card["recipe"]["sources"]]
    assert [source for source in sources if not OPEN.search(source["licence"])] == []


def test_no_card_is_left_without_its_network() -> None:
    described = [card for folder in FOLDERS for card in folder.glob("*.json")]
    assert [card.name for card in described if not card.with_suffix(".onnx").exists()] == []


def test_the_zip_holds_two_networks_of_the_largest_size(tmp_path: Path) -> None:
    """Weights hardly compress, so their room must be there."""
    archive_path = build_plugin.build(tmp_path)
    with zipfile.ZipFile(archive_path) as archive:
        stored = {member.filename: member.compress_size for member in archive.infolist()}
    rest = sum(size for name, size in stored.items() if not name.endswith(".onnx"))
    assert rest + 2 * MAX_NETWORK_BYTES < build_plugin.MAX_BYTES
    prefix = f"{plugin_files.PLUGIN}/_engine/rs_copilot/"
    assert {f"{prefix}{network.relative_to(PACKAGE).as_posix()}" for network in NETWORKS} <= set(stored)
    assert plugin_files.belongs(Path("retrieval/weights/cvaa-s.onnx"))
    assert plugin_files.belongs(Path("detection/weights/vehicles-s.onnx"))


@pytest.fixture
def checkout_with_weights(tmp_path: Path) -> Path:
    """What a wheel is made from, with stand-ins for the weights."""
    folder = tmp_path / "checkout"
    shutil.copytree(ROOT / "core", folder / "core", ignore=shutil.ignore_patterns("__pycache__", "*.onnx"))
    for name in ("pyproject.toml", "README.md", "LICENSE", ".gitignore"):
        shutil.copy(ROOT / name, folder)
    for weights in (folder / path.relative_to(ROOT) for path in FOLDERS):
        weights.mkdir(exist_ok=True, parents=True)
        (weights / "planted.onnx").write_bytes(bytes(range(256)) * 40)
        (weights / "planted.json").write_text('{"name": "planted"}')
    return folder


def test_the_wheel_holds_the_weights_and_is_reproducible(checkout_with_weights: Path, tmp_path: Path) -> None:
    wheels = []
    for out in (tmp_path / "one", tmp_path / "two"):
        command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
        subprocess.run(
            command, cwd=checkout_with_weights, env=build_wheel.environment(), check=True, capture_output=True
        )
        wheels += out.glob("*.whl")
    with zipfile.ZipFile(wheels[0]) as archive:
        names = set(archive.namelist())
    planted = {f"rs_copilot/{path.parent.name}/weights/planted" for path in FOLDERS}
    assert {f"{name}.{suffix}" for name in planted for suffix in ("onnx", "json")} <= names
    assert wheels[0].read_bytes() == wheels[1].read_bytes()


@pytest.mark.parametrize(
    ("name", "found"), [("weights/cvaa-s.json", 0), ("elsewhere/config.json", 1), ("weights/a.py", 1)]
)
def test_the_scan_knows_checksums_of_cards_from_secrets(name: str, found: int, tmp_path: Path) -> None:
    planted = tmp_path / "planted.zip"
    text = f"KEY = {HASH!r}\n" if name.endswith(".py") else json.dumps({"sha256": HASH}, indent=1)
    with zipfile.ZipFile(planted, "w") as archive:
        archive.writestr(f"p/{name}", text)
    assert len(scan_plugin.scan(planted)) == found
