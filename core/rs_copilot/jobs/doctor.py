"""What this installation is, what it can use, and what is missing. Loads no heavy library to find out."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess  # nosec B404 - one fixed list of arguments, never a shell
import sys
from collections.abc import Iterable
from importlib import metadata

from pydantic import BaseModel, ConfigDict

from rs_copilot import __version__
from rs_copilot.jobs.context import JobContext
from rs_copilot.models.machine import cpu_memory_bytes
from rs_copilot.models.store import State, Store, open_store

# Distribution names; the extra that brings them, or "" for the base.
PACKAGES = {
    "numpy": "",
    "scipy": "",
    "opencv-python-headless": "",
    "rasterio": "",
    "pyproj": "",
    "shapely": "",
    "geopandas": "",
    "pyogrio": "",
    "pyarrow": "",
    "av": "",
    "pillow": "",
    "pydantic": "",
    "typer": "",
    "platformdirs": "",
    "defusedxml": "",
    "numba": "",
    "onnxruntime": "",
    "faiss-cpu": "",
    "rapidfuzz": "",
    "httpx2": "",
    "onnx": "train",
    "torch": "vlm",
    "transformers": "vlm",
    "accelerate": "vlm",
    "bitsandbytes": "vlm",
    "huggingface_hub": "vlm",
    "peft": "vlm",
    "onnxruntime-gpu": "gpu",
}
EXTRA_PURPOSE = {
    "train": "training and adapting the retriever",
    "vlm": "vision-language models",
    "gpu": "models on an NVIDIA graphics card",
}
# Another distribution of the same library: Debian and conda name OpenCV without the suffix, and the build
# for graphics cards stands in for the plain onnxruntime.
TWINS = {"opencv-python-headless": "opencv-python", "onnxruntime": "onnxruntime-gpu"}
NVIDIA_TIMEOUT_S = 5.0
MEGABYTE = 1024 * 1024


class DoctorParams(BaseModel):
    """Nothing to ask for."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Device(BaseModel):
    """Something that can compute. ``None`` memory means that the system does not say."""

    id: str
    name: str
    memory_free_bytes: int | None = None
    memory_total_bytes: int | None = None


class Missing(BaseModel):
    """Something that is not there, what it is for, and how to get it."""

    name: str
    purpose: str
    how: str
    required: bool


class ModelHere(BaseModel):
    """A vision-language model of which something is on this machine."""

    id: str
    state: State
    revision: str | None
    size_bytes: int


class DoctorResult(BaseModel):
    """The state of this installation."""

    engine: str
    python: str
    platform: str
    executable: str
    cores: int
    packages: dict[str, str | None]
    devices: list[Device]
    providers: list[str]
    missing: list[Missing]
    models_folder: str
    models: list[ModelHere]

    @property
    def is_healthy(self) -> bool:
        """Whether everything that the main job needs is there."""
        return not any(item.required for item in self.missing)

    def summary(self) -> str:
        """For people."""
        lines = [
            f"RS Copilot {self.engine}, Python {self.python} ({self.executable})",
            f"{self.platform}, {self.cores} cores",
            *(f"device {device.id}: {device.name}, {_memory_text(device)}" for device in self.devices),
            f"computing on: {', '.join(self.providers)}",
            *(f"{name} {version}" for name, version in self.packages.items() if version),
            *(_model_text(model) for model in self.models),
        ]
        for item in self.missing:
            kind = "MISSING" if item.required else "not installed"
            lines.append(f"{kind}: {item.name} ({item.purpose}). Get it: {item.how}")
        lines.append(
            "Everything that is needed is there." if self.is_healthy else "Something needed is missing."
        )
        return "\n".join(lines)


def run(_: DoctorParams, context: JobContext) -> DoctorResult:
    """Look around."""
    context.check()
    packages = {name: installed_version(name) for name in PACKAGES}
    store = open_store()
    models = list(_models_here(store))
    for name, twin in TWINS.items():
        packages[name] = packages[name] or installed_version(twin)
    return DoctorResult(
        engine=__version__,
        python=platform.python_version(),
        platform=platform.platform(),
        executable=sys.executable,
        cores=_usable_cores(),
        packages=packages,
        devices=find_devices(),
        providers=["cpu"],  # what the jobs of this version compute on, not what could be loaded
        missing=[*_missing(packages), *_two_runtimes(), *_no_model(models)],
        models_folder=str(store.folder),
        models=models,
    )


def installed_version(distribution: str) -> str | None:
    """The version of an installed distribution, without importing it."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _missing(packages: dict[str, str | None]) -> Iterable[Missing]:
    absent = [name for name, version in packages.items() if version is None]
    for name in absent:
        if not PACKAGES[name]:
            yield Missing(name=name, purpose="needed", how="pip install rs-copilot", required=True)
    for extra, purpose in EXTRA_PURPOSE.items():
        names = [name for name in absent if PACKAGES[name] == extra]
        if names:
            how = f"pip install 'rs-copilot[{extra}]'"
            yield Missing(name=", ".join(names), purpose=f"for {purpose}", how=how, required=False)


def _two_runtimes() -> Iterable[Missing]:
    """Both builds of onnxruntime hold the same files: together in one environment, neither works whole."""
    plain, gpu = installed_version("onnxruntime"), installed_version("onnxruntime-gpu")
    if plain and gpu:
        yield Missing(
            name="an onnxruntime of its own",
            purpose=f"onnxruntime {plain} and onnxruntime-gpu {gpu} overwrite each other",
            how="pip uninstall -y onnxruntime onnxruntime-gpu && pip install onnxruntime-gpu",
            required=False,
        )


def _models_here(store: Store) -> Iterable[ModelHere]:
    for card in store.cards.values():
        state = store.state(card)
        if state is not State.ABSENT:
            size = card.size_bytes if state is State.PRESENT else store.disk_bytes(card)
            yield ModelHere(id=card.id, state=state, revision=card.revision, size_bytes=size)


def _no_model(models: list[ModelHere]) -> Iterable[Missing]:
    if not any(model.state is State.PRESENT for model in models):
        how = "rs-copilot models list shows which fits, rs-copilot models fetch ID brings it"
        yield Missing(
            name="a vision-language model", purpose="for looking and speaking", how=how, required=False
        )


def find_devices() -> list[Device]:
    """The CPU with its memory, then NVIDIA cards as their driver reports them."""
    free, total = cpu_memory_bytes()
    name = platform.processor() or platform.machine()
    return [Device(id="cpu", name=name, memory_free_bytes=free, memory_total_bytes=total), *_nvidia_devices()]


def _nvidia_devices() -> list[Device]:
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return []
    query = [tool, "--query-gpu=index,name,memory.free,memory.total", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(  # noqa: S603  # nosec B603 - fixed arguments, no shell
            query,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=NVIDIA_TIMEOUT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return []
    return list(parse_nvidia_smi(done.stdout))


def parse_nvidia_smi(text: str) -> Iterable[Device]:
    """Devices from lines of ``index, name, free MiB, total MiB``; other lines are ignored."""
    for line in text.splitlines():
        words = [word.strip() for word in line.split(",")]
        if len(words) == 4 and words[0].isdigit() and words[2].isdigit() and words[3].isdigit():
            yield Device(
                id=f"cuda:{words[0]}",
                name=words[1],
                memory_free_bytes=int(words[2]) * MEGABYTE,
                memory_total_bytes=int(words[3]) * MEGABYTE,
            )


def _usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _model_text(model: ModelHere) -> str:
    commit = f", commit {model.revision[:12]}" if model.revision else ""
    return f"model {model.id}: {model.state.value}, {model.size_bytes / 1e9:.1f} GB{commit}"


def _memory_text(device: Device) -> str:
    if device.memory_total_bytes is None:
        return "memory unknown"
    total = f"{device.memory_total_bytes / 1e9:.1f} GB"
    return (
        total if device.memory_free_bytes is None else f"{device.memory_free_bytes / 1e9:.1f} of {total} free"
    )
