"""What has to be done to give the engine its environment: a plan of steps, made without doing any.

Only `find_tools` looks at the machine; the plan follows from what it found.

The environment holds third-party packages only; the engine's code comes with the plugin. Its folder is named
after the hash of the lock, so an upgrade of the plugin that changes no package changes no environment, and
one that does makes a new environment beside the old. A marker file is written last: a folder without it was
interrupted and is made anew.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess  # nosec B404 - fixed lists of arguments, never a shell
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath

MARKER = "rs-copilot-complete"
# Best first: each can do all that the later ones can.
VARIANTS = ("cuda", "train", "cpu")
# Where PyTorch publishes its builds without CUDA for Linux; the general registry holds none.
PLAIN_TORCH_INDEX = "https://download.pytorch.org/whl/cpu"
SUPPORTED_PYTHONS = ("3.12", "3.13", "3.11", "3.10")
# Measured: `du -s` of the finished environment, and the download beside it.
DISK_BYTES = {"cpu": 1_600_000_000, "train": 2_800_000_000, "cuda": 11_000_000_000}
PROBE_TIMEOUT_S = 10.0
CHECK_CODE = "import sys, ensurepip, venv; sys.exit(not (3, 10) <= sys.version_info[:2] < (3, 15))"


class NoPythonError(Exception):
    """There is nothing on this machine that an environment could be made with."""


@dataclass(frozen=True)
class Tools:
    """What this machine has: the path of ``uv`` and of Pythons, ``""`` and none where there is none."""

    uv: str = ""
    pythons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Step:
    """One program to run. ``share`` is the part of the whole time that it is expected to take.

    Where the program fails, ``otherwise`` is run instead, if there is such a way.
    """

    title: str
    argv: tuple[str, ...]
    share: float
    hint: str = ""
    otherwise: tuple[str, ...] = ()


@dataclass(frozen=True)
class InstallPlan:
    """All steps to an environment in ``folder``; the last thing to do is to write ``marker``."""

    variant: str
    folder: Path
    steps: tuple[Step, ...]
    disk_bytes: int

    @property
    def marker(self) -> Path:
        """Written when all steps went well."""
        return self.folder / MARKER


def plan_install(
    locks: Path, tools: Tools, variant: str = "cpu", root: Path | None = None, platform: str = sys.platform
) -> InstallPlan:
    """Plan the environment for a lock: with ``uv`` where there is one (8 s), else with venv and pip (70 s).

    On Linux torch without CUDA is looked for where the machine's own settings say first, then on PyTorch's
    own index; either way only archives with the hashes of the lock are taken.

    Raises:
        NoPythonError: neither is there.
        ValueError: no such variant.
    """
    if variant not in VARIANTS:
        raise ValueError(f"expected a variant of {VARIANTS}, found {variant!r}")
    lock = locks / f"{variant}.txt"
    folder = environment_folder(
        lock, variant, root or environments_root(os.environ, sys.platform, Path.home())
    )
    needs_index = variant == "train" and platform == "linux"
    if tools.uv:
        steps = (*_uv_steps(tools, folder, lock, needs_index), _check_step(folder, variant))
    elif tools.pythons:
        steps = (*_pip_steps(tools.pythons[0], folder, lock, needs_index), _check_step(folder, variant))
    else:
        raise NoPythonError("Found neither uv nor a Python of version 3.10 or newer on this machine.")
    return InstallPlan(variant, folder, steps, DISK_BYTES[variant])


def _uv_steps(tools: Tools, folder: Path, lock: Path, needs_index: bool) -> tuple[Step, ...]:
    # Without a Python on the machine uv fetches one.
    python = tools.pythons[0] if tools.pythons else SUPPORTED_PYTHONS[0]
    make = (tools.uv, "venv", "--no-project", "--no-config", "--python", python, str(folder))
    base = (tools.uv, "pip", "install", "--python", str(python_of(folder)), "--require-hashes")
    install = (*base, "--no-config", "--only-binary", ":all:", "-r", str(lock))
    # uv knows PyTorch's indexes by itself and asks them for torch alone.
    otherwise = (*install, "--torch-backend", "cpu") if needs_index else ()
    return (
        Step("Making the environment", make, 0.1),
        Step("Installing packages", install, 0.8, otherwise=otherwise),
    )


def _pip_steps(python: str, folder: Path, lock: Path, needs_index: bool) -> tuple[Step, ...]:
    interpreter = str(python_of(folder))
    hint = "Install uv (https://docs.astral.sh/uv), or the package python3-venv of your system."
    pip = (interpreter, "-I", "-m", "pip", "install", "--no-input", "--disable-pip-version-check")
    install = (*pip, "--no-compile", "--require-hashes", "--only-binary", ":all:", "-r", str(lock))
    otherwise = (*install, "--extra-index-url", PLAIN_TORCH_INDEX) if needs_index else ()
    return (
        Step("Checking Python", (python, "-I", "-c", CHECK_CODE), 0.02, hint),
        Step("Making the environment", (python, "-I", "-m", "venv", str(folder)), 0.08, hint),
        Step("Installing packages", install, 0.8, otherwise=otherwise),
    )


def _check_step(folder: Path, variant: str) -> Step:
    code = "import cv2, rasterio, av, geopandas, scipy, pydantic, faiss, onnxruntime"
    if variant != "cpu":
        code += ", torch, onnx, safetensors"
    return Step("Checking the packages", (str(python_of(folder)), "-I", "-c", code), 0.1)


def environments_root(environ: Mapping[str, str], platform: str, home: Path) -> Path:
    """Where environments live: the user's folder for data that belongs to this machine."""
    if platform == "win32":
        return Path(environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "rs_copilot" / "engines"
    if platform == "darwin":
        return home / "Library" / "Application Support" / "rs_copilot" / "engines"
    return Path(environ.get("XDG_DATA_HOME") or home / ".local" / "share") / "rs_copilot" / "engines"


def environment_folder(lock: Path, variant: str, root: Path) -> Path:
    """The folder that belongs to exactly this lock."""
    digest = hashlib.sha256(lock.read_bytes().replace(b"\r\n", b"\n")).hexdigest()
    return root / f"{variant}-{digest[:12]}"


def managed_folders(locks: Path, root: Path | None = None) -> list[Path]:
    """The folders that this version's locks belong to, best first; they may not exist."""
    root = root or environments_root(os.environ, sys.platform, Path.home())
    known = [variant for variant in VARIANTS if (locks / f"{variant}.txt").is_file()]
    return [environment_folder(locks / f"{variant}.txt", variant, root) for variant in known]


def outdated_folders(locks: Path, root: Path | None = None) -> list[Path]:
    """Environments of other versions of the plugin, which may be deleted."""
    root = root or environments_root(os.environ, sys.platform, Path.home())
    if not root.is_dir():
        return []
    kept = set(managed_folders(locks, root))
    return sorted(path for path in root.iterdir() if path.is_dir() and path not in kept)


def is_complete(folder: Path) -> bool:
    """Whether an environment was finished."""
    return (folder / MARKER).is_file() and python_of(folder).is_file()


def python_of(folder: Path, platform: str = sys.platform) -> Path:
    """The interpreter inside an environment."""
    return folder / "Scripts" / "python.exe" if platform == "win32" else folder / "bin" / "python"


def candidate_pythons(platform: str, prefix: PurePath) -> tuple[str, ...]:
    """Names and paths that may be a Python, best first, never ``sys.executable``: in QGIS that is QGIS.

    Bundled QGIS brings a whole Python beside its own libraries, which is better than none.
    """
    named = tuple(f"python{version}" for version in SUPPORTED_PYTHONS)
    if platform == "win32":
        return (*named, str(prefix / "python.exe"))
    if platform == "darwin":
        return (*named, "python3", "/opt/homebrew/bin/python3", str(prefix / "bin" / "python3"))
    return (*named, "python3")


def find_tools() -> Tools:
    """Look around on this machine, by running what is found: call it outside the main thread.

    A program that exists may still not work: the shim of a version manager, the alias that opens the store.
    """
    home = Path.home()
    uvs = ("uv", str(home / ".local" / "bin" / "uv"), str(home / ".cargo" / "bin" / "uv"))
    pythons = candidate_pythons(sys.platform, PurePath(sys.prefix))
    python = _first_working(pythons, ("-I", "-c", CHECK_CODE))
    return Tools(_first_working(uvs, ("--version",)), (python,) if python else ())


def _first_working(names: Iterable[str], arguments: tuple[str, ...]) -> str:
    paths = (path for path in map(shutil.which, names) if path)
    return next((path for path in paths if _works((path, *arguments))), "")


def _works(argv: tuple[str, ...]) -> bool:
    try:
        done = subprocess.run(  # noqa: S603  # nosec B603 - a list of arguments, no shell
            argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=PROBE_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0
