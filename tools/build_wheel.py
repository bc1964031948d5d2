"""Build the engine's wheel into ``dist/``, without the network: the builder is in the locked environment."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from plugin_files import ROOT

# The earliest moment that a zip can express, so that the wheel is reproducible too.
SOURCE_DATE_EPOCH = "315532800"


def environment() -> dict[str, str]:
    """The builder's environment: this one, with the date that all members get."""
    return os.environ | {"SOURCE_DATE_EPOCH": SOURCE_DATE_EPOCH}


def main() -> int:
    """Call the build back-end that pyproject.toml names."""
    for old in (ROOT / "dist").glob("*.whl"):
        old.unlink()
    shutil.rmtree(ROOT / "build" / "wheel", ignore_errors=True)
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", "dist"]
    return subprocess.run(command, cwd=ROOT, env=environment(), check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main())
