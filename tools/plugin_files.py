"""Which file of the checkout goes where in the plugin's folder: one list for the zip and the link."""

from __future__ import annotations

import configparser
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PLUGIN = "rs_copilot_plugin"

# Source in the checkout, and its place inside the plugin's folder. QGIS wants metadata.txt and LICENSE at the
# top of the plugin; the engine travels along, so that plugin and engine always have the same version.
PARTS: tuple[tuple[str, str], ...] = (
    (PLUGIN, "."),
    ("metadata.txt", "metadata.txt"),
    ("LICENSE", "LICENSE"),
    ("CHANGELOG.md", "CHANGELOG.md"),
    ("resources", "resources"),
    ("i18n", "i18n"),
    ("core/start_worker.py", "_engine/start_worker.py"),
    ("core/rs_copilot", "_engine/rs_copilot"),
    ("core/locks", "_engine/locks"),
)

# Neither caches nor anything that the QGIS repository takes for a binary or a script of the system.
LEFT_OUT_SUFFIXES = {
    ".pyc", ".pyo", ".so", ".dll", ".dylib", ".exe", ".bat", ".cmd", ".sh", ".ps1", ".nbc", ".nbi", ".tmp",
}  # fmt: skip
LEFT_OUT_NAMES = {"__pycache__"}


def plugin_version() -> str:
    """The version in metadata.txt."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(ROOT / "metadata.txt", encoding="utf-8")
    return parser["general"]["version"]


def plugin_files() -> Iterator[tuple[Path, str]]:
    """Every file of the plugin: where it lies, and its path in the plugin's folder (with ``/``)."""
    for source_name, target in PARTS:
        source = ROOT / source_name
        if source.is_file():
            yield source, target
            continue
        for path in sorted(source.rglob("*")):
            inside = path.relative_to(source)
            if path.is_file() and belongs(inside):
                yield path, inside.as_posix() if target == "." else f"{target}/{inside.as_posix()}"


def belongs(inside: Path) -> bool:
    """Whether a file may travel: no cache, nothing hidden, no binary."""
    hidden = any(part.startswith(".") or part in LEFT_OUT_NAMES for part in inside.parts)
    return not hidden and inside.suffix.lower() not in LEFT_OUT_SUFFIXES
