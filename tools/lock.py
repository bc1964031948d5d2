"""Resolve the locked packages: ``make lock``.

Each lock has the hash of every archive and is valid for every platform and Python version of the engine:

* ``core/locks/cpu.txt``   the engine's base packages; travels in the plugin's zip;
* ``core/locks/train.txt`` base and ``[train]`` with torch for the CPU, to adapt the tile search;
  torch of Linux comes from ``tools/locks/torch-linux.txt``, see `with_plain_torch`;
* ``core/locks/cuda.txt``  base, ``[vlm]``, ``[train]`` and ``[gpu]``, whose onnxruntime-gpu stands in for
  onnxruntime (`GPU_INSTEAD`); travels too;
* ``tools/locks/build.txt`` what installs the checkout into an environment;
* ``tools/locks/dev.txt``  base and the tools of development, without torch: on Linux the registry's torch
  drags gigabytes of CUDA along, so `tools/setup.sh train` looks for a plain one (`NO_DEV`);
* ``tools/locks/uv.txt``   the resolver itself, for machines without it.

The files name packages, versions and hashes only: no index and no path, so that any mirror serves.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CPU_LOCK = "core/locks/cpu.txt"
TRAIN_LOCK = "core/locks/train.txt"
TORCH_LINUX = "tools/locks/torch-linux.txt"
# Lists of what is left out of a lock although something asks for it.
GPU_INSTEAD = "tools/locks/gpu-instead.in"
NO_DEV = "tools/locks/no-dev.in"
NO_CUDA = "tools/locks/no-cuda.in"
LOCKS: dict[str, list[str]] = {
    CPU_LOCK: ["pyproject.toml"],
    TRAIN_LOCK: [
        *("pyproject.toml", "--extra", "train", "--excludes", NO_CUDA),
        *("-c", CPU_LOCK, "-c", "tools/locks/torch-version.in"),
    ],
    "core/locks/cuda.txt": [
        *("pyproject.toml", "--extra", "vlm", "--extra", "train", "--extra", "gpu"),
        *("--excludes", GPU_INSTEAD, "-c", CPU_LOCK),
    ],
    "tools/locks/build.txt": ["--group", "build", "-c", CPU_LOCK],
    "tools/locks/dev.txt": [
        *("pyproject.toml", "--extra", "eval", "--extra", "train", "--extra", "vlm", "--extra", "cluster"),
        *("--extra", "postgis", "--group", "dev"),
        *("--excludes", NO_DEV, "-c", CPU_LOCK),
    ],
    "tools/locks/uv.txt": ["tools/locks/uv.in"],
}
RESOLVE = [
    "pip", "compile", "--quiet", "--universal", "--python-version", "3.10", "--generate-hashes",
    "--no-header", "--no-annotate", "--no-config",
]  # fmt: skip


# Systems that must be served by ready-made archives, and the oldest macOS that has them all.
PLATFORMS = (
    "x86_64-manylinux_2_28",
    "aarch64-manylinux_2_28",
    "x86_64-pc-windows-msvc",
    "aarch64-apple-darwin",
)
PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
OLDEST_MACOS = "15.0"


def find_uv() -> str:
    """The resolver that `tools/setup.sh` found or installed."""
    private = ROOT / ".cache" / "uv" / "bin" / "uv"
    return os.environ.get("UV") or (str(private) if private.exists() else "uv")


def main() -> int:
    """Resolve every lock in turn; later ones are held to the versions of the first."""
    for name, inputs in LOCKS.items():
        result = subprocess.run([find_uv(), *RESOLVE, *inputs, "-o", name], cwd=ROOT, check=False)
        if result.returncode:
            print(f"{name}: not resolved (uv ended with {result.returncode})", file=sys.stderr)
            return result.returncode
        if name == TRAIN_LOCK:
            path = ROOT / name
            path.write_text(with_plain_torch(path.read_text(), (ROOT / TORCH_LINUX).read_text()))
        print(f"{name}: {(ROOT / name).read_text().count('==')} packages")
    unserved = [
        (system, python) for system in PLATFORMS for python in PYTHONS if not is_served(system, python)
    ]
    for system, python in unserved:
        print(f"{CPU_LOCK}: no ready-made archives for {system}, Python {python}", file=sys.stderr)
    return 1 if unserved else 0


def with_plain_torch(lock: str, linux: str) -> str:
    """The lock with torch of the registry for other systems, and the build without CUDA for Linux.

    The registry's wheels are plain on Windows and macOS; on Linux they need gigabytes of CUDA. The plain ones
    of Linux lie on PyTorch's own index, which cannot be resolved along with everything else for all Pythons
    at once, so their hashes are kept by hand in ``tools/locks/torch-linux.txt``.
    """
    entry = re.compile(r"^(torch==\S+)( \\\n)", re.MULTILINE)
    if len(entry.findall(lock)) != 1:
        raise ValueError("expected exactly one unconditional entry of torch in the lock")
    return entry.sub(lambda found: f"{linux}{found[1]} ; sys_platform != 'linux'{found[2]}", lock)


def is_served(system: str, python: str) -> bool:
    """Whether the base packages install on a system without a compiler; nothing is installed."""
    with tempfile.TemporaryDirectory() as nowhere:
        command = [
            find_uv(), "pip", "install", "--quiet", "--dry-run", "--target", nowhere,
            "--python-platform", system, "--python-version", python,
            "--only-binary", ":all:", "--require-hashes", "-r", CPU_LOCK,
        ]  # fmt: skip
        environment = os.environ | {"MACOSX_DEPLOYMENT_TARGET": OLDEST_MACOS}
        result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False)
    return result.returncode == 0


if __name__ == "__main__":
    raise SystemExit(main())
