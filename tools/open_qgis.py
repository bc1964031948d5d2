"""Open QGIS with the plugin from the checkout and the demo scene on the map: ``make qgis``.

QGIS gets a profile of its own under ``build/``, so that nothing of the user's profile changes.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

from link_plugin import link_into
from plugin_files import PLUGIN, ROOT
from qgis_python import qgis_environment

PROFILES = ROOT / "build" / "qgis"
SETTINGS = f"""\
[PythonPlugins]
{PLUGIN}=true

[qgis]
checkVersion=false
"""


def make_profile(profiles: Path) -> None:
    """A profile that has the linked plugin switched on; the user's changes in it are kept."""
    settings = profiles / "profiles" / "demo" / "QGIS" / "QGIS3.ini"
    settings.parent.mkdir(parents=True, exist_ok=True)
    if not settings.exists():
        settings.write_text(SETTINGS, encoding="utf-8")
    link_into(profiles / "profiles" / "demo" / "python" / "plugins")


def main() -> int:
    """Make the demo scene where there is none yet, then run QGIS until the user closes it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scene", type=Path, default=ROOT / "demo-out", help="folder of the demo")
    folder = parser.parse_args().scene.resolve()
    qgis = shutil.which("qgis")
    if qgis is None:
        print("QGIS is not on this machine: install it, or run this as root or with sudo", file=sys.stderr)
        return 4
    if not (folder / "scene.gpkg").exists():
        command = [str(ROOT / ".venv" / "bin" / "rs-copilot"), "demo", "--out", str(folder)]
        subprocess.run(command, check=True)
    make_profile(PROFILES)
    environment = qgis_environment() | {
        "RS_COPILOT_ENGINE_PYTHON": str(ROOT / ".venv" / "bin" / "python"),
        "RS_COPILOT_DEMO": str(folder),
    }
    command = [qgis, "--profiles-path", str(PROFILES), "--profile", "demo", "--noversioncheck"]
    command += ["--code", str(ROOT / "tools" / "qgis_startup.py")]
    return subprocess.run(command, env=environment, cwd=os.fspath(ROOT), check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main())
