"""Link the checkout into a QGIS profile as an installed plugin: ``make link``.

The plugin's folder in the checkout is not a plugin yet: QGIS wants metadata.txt and LICENSE inside, and the
plugin wants the engine. The link is therefore a folder of symbolic links with the layout of the zip.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path

from plugin_files import PLUGIN, ROOT, belongs

# Marks a folder that this tool made, and may therefore replace.
MARKER = ".linked-from-checkout"


def links() -> dict[str, Path]:
    """Name in the plugin's folder: what it leads to in the checkout."""
    inside = {path.name: path for path in (ROOT / PLUGIN).iterdir() if belongs(Path(path.name))}
    beside = {name: ROOT / name for name in ("metadata.txt", "LICENSE", "CHANGELOG.md", "resources", "i18n")}
    return (
        inside | {name: path for name, path in beside.items() if path.exists()} | {"_engine": ROOT / "core"}
    )


def link_into(plugins_folder: Path) -> Path:
    """Make the linked plugin in a folder of plugins, and return its path.

    Raises:
        FileExistsError: another copy of the plugin is installed there.
    """
    target = plugins_folder / PLUGIN
    if target.is_symlink():
        target.unlink()
    elif target.exists():
        if not (target / MARKER).exists():
            raise FileExistsError(f"{target} is an installed copy: uninstall it in QGIS first")
        shutil.rmtree(target)
    target.mkdir(parents=True)
    (target / MARKER).touch()
    for name, source in links().items():
        (target / name).symlink_to(source)
    return target


def profiles_folder() -> Path:
    """Where QGIS keeps its profiles on this system (QGIS documentation, "User profiles")."""
    if sys.platform == "win32":
        base = Path(os.environ["APPDATA"])
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME", Path.home() / ".local" / "share"))
    newest = base / "QGIS" / "QGIS4"
    return (newest if newest.exists() else base / "QGIS" / "QGIS3") / "profiles"


def main() -> int:
    """Link, and say what to do next."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", default="default")
    parser.add_argument("--profiles", type=Path, default=profiles_folder(), help="folder of QGIS's profiles")
    arguments = parser.parse_args()
    try:
        target = link_into(arguments.profiles / arguments.profile / "python" / "plugins")
    except OSError as error:
        print(f"not linked: {error}", file=sys.stderr)
        return 1
    print(f"linked as {target}")
    print(
        "In QGIS: Plugins > Manage and Install Plugins > Installed > RS Copilot. As the engine's interpreter"
    )
    print(f"choose {ROOT / '.venv' / 'bin' / 'python'} (Plugins > RS Copilot > Engine and Settings).")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
