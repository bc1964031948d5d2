"""Find the Python that has QGIS: QGIS lives in the system's interpreter, never in ``.venv``."""

from __future__ import annotations

import os
import shutil
import subprocess

PROBE = "import pytest, qgis.core; print(qgis.core.Qgis.QGIS_VERSION)"


def qgis_environment() -> dict[str, str]:
    """The environment for that Python: without what belongs to another interpreter."""
    foreign = {"PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "PYTHONEXECUTABLE"}
    kept = {key: value for key, value in os.environ.items() if key not in foreign}
    # The Python inside QGIS takes its home from the first python3 on the path: it must be the system's.
    return kept | {"PATH": os.pathsep.join(["/usr/bin", kept.get("PATH", "")])}


def find_qgis_python() -> tuple[str, str] | None:
    """Path of the interpreter and version of its QGIS; ``None`` where there is none with QGIS and pytest."""
    candidates = [os.environ.get("RS_COPILOT_QGIS_PYTHON"), "/usr/bin/python3", shutil.which("python3")]
    for candidate in filter(None, candidates):
        environment = qgis_environment() | {"QT_QPA_PLATFORM": "offscreen"}
        result = subprocess.run(
            [candidate, "-c", PROBE], capture_output=True, text=True, env=environment, check=False
        )
        if result.returncode == 0:
            return candidate, result.stdout.split()[-1]
    return None
