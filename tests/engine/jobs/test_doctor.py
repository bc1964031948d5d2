"""What the doctor reads from the system, from texts as systems give them."""

from __future__ import annotations

import pytest

from rs_copilot import __version__
from rs_copilot.jobs import doctor
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.doctor import DoctorParams, find_devices, parse_nvidia_smi, run
from rs_copilot.models.machine import parse_meminfo

MEMINFO = """\
MemTotal:       24684084 kB
MemFree:        22871312 kB
MemAvailable:   23607952 kB
HugePages_Total: 0
"""


@pytest.fixture(autouse=True)
def models(monkeypatch, tmp_path):
    """A folder of models of our own, empty."""
    monkeypatch.setenv("RS_COPILOT_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


def test_memory_counts_in_1024s():
    assert parse_meminfo(MEMINFO) == (23607952 * 1024, 24684084 * 1024)


@pytest.mark.parametrize("text", ["", "MemTotal:", "MemTotal: lots kB\nnonsense"])
def test_memory_that_is_not_said_is_unknown(text):
    assert parse_meminfo(text) == (None, None)


def test_cards_as_the_driver_lists_them():
    text = "0, NVIDIA H100 80GB HBM3, 80995, 81559\n1, Tesla T4, [N/A], 15360\nno devices\n"
    (card,) = parse_nvidia_smi(text)
    assert (card.id, card.name) == ("cuda:0", "NVIDIA H100 80GB HBM3")
    assert card.memory_free_bytes == 80995 * 1024 * 1024


def test_a_driver_that_fails_is_no_card(monkeypatch, tmp_path):
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'NVIDIA-SMI has failed' >&2\nexit 9\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert [device.id for device in find_devices()] == ["cpu"]


def test_a_card_is_found(monkeypatch, tmp_path):
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho '0, Tesla T4, 15000, 15360'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert [device.id for device in find_devices()] == ["cpu", "cuda:0"]


def test_this_installation_is_healthy():
    report = run(DoctorParams(), JobContext())
    assert report.engine == __version__
    assert report.is_healthy
    assert report.devices[0].memory_total_bytes > 1e8
    assert "Everything that is needed is there." in report.summary()


def test_what_is_missing_comes_with_the_way_to_get_it(monkeypatch):
    monkeypatch.setattr(doctor, "installed_version", lambda name: None if name in ("av", "torch") else "1.0")
    report = run(DoctorParams(), JobContext())
    assert not report.is_healthy
    by_name = {item.name: item for item in report.missing}
    assert by_name["av"].required
    assert not by_name["torch"].required
    assert by_name["torch"].how == "pip install 'rs-copilot[vlm]'"
    assert "MISSING: av" in report.summary()


def test_models_that_are_here_and_the_way_to_get_one(models):
    report = run(DoctorParams(), JobContext())
    assert (report.models_folder, report.models) == (str(models), [])
    assert report.missing[-1].name == "a vision-language model"
    assert "models fetch" in report.summary()
    fetching = models / "qwen3-vl-2b" / "fetching"
    fetching.mkdir(parents=True)
    (fetching / "card.json").write_text("{}")
    report = run(DoctorParams(), JobContext())
    assert [(model.id, model.state) for model in report.models] == [("qwen3-vl-2b", "partial")]
    assert "model qwen3-vl-2b: partial" in report.summary()


@pytest.mark.parametrize("here", [{"onnxruntime"}, {"onnxruntime-gpu"}])
def test_one_onnxruntime_is_enough(here, monkeypatch):
    monkeypatch.setattr(doctor, "installed_version", lambda name: "1.0" if name in here else None)
    required = [item.name for item in run(DoctorParams(), JobContext()).missing if item.required]
    assert "numpy" in required
    assert "onnxruntime" not in required


def test_two_onnxruntimes_are_noticed(monkeypatch):
    monkeypatch.setattr(doctor, "installed_version", lambda name: "1.0")
    (item,) = [item for item in run(DoctorParams(), JobContext()).missing if "onnxruntime" in item.name]
    assert "overwrite each other" in item.purpose
    assert "pip uninstall" in item.how


def test_every_package_of_the_base_is_looked_at():
    """The doctor's list and the project file agree."""
    from importlib.metadata import PackageNotFoundError, requires

    try:
        lines = requires("rs-copilot") or ()
    except PackageNotFoundError:
        pytest.skip("the engine is not installed as a distribution here")
    base = {
        line.split(">")[0].split("<")[0].split("=")[0].split("[")[0].strip()
        for line in lines
        if "extra ==" not in line
    }
    assert base - {"typing-extensions"} <= {n for n, extra in doctor.PACKAGES.items() if not extra}
