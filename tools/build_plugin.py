"""Build ``dist/rs_copilot_plugin-<version>.zip``: the same bytes from the same sources.

The archive keeps to the rules of the QGIS plugin repository: one folder with an identifier as its name,
metadata and LICENSE in it, no binaries, no caches, no hidden files, at most 25,000,000 bytes.
"""

from __future__ import annotations

import argparse
import configparser
import hashlib
import sys
import zipfile
from pathlib import Path

from plugin_files import PLUGIN, ROOT, plugin_files, plugin_version

MAX_BYTES = 25_000_000
# The first moment that a zip can express; any other would differ from build to build.
TIMESTAMP = (1980, 1, 1, 0, 0, 0)
REQUIRED_METADATA = (
    "name", "description", "about", "version", "qgisMinimumVersion", "qgisMaximumVersion", "author", "email",
    "tracker", "repository", "homepage",
)  # fmt: skip
REQUIRED_FILES = (
    "__init__.py",
    "metadata.txt",
    "LICENSE",
    "_engine/start_worker.py",
    "_engine/locks/cpu.txt",
)


def build(folder: Path) -> Path:
    """Write the archive into ``folder`` and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    archive_path = folder / f"{PLUGIN}-{plugin_version()}.zip"
    members = sorted((f"{PLUGIN}/{inside}", source) for source, inside in plugin_files())
    with zipfile.ZipFile(archive_path, "w") as archive:
        for name, source in members:
            info = zipfile.ZipInfo(name, TIMESTAMP)
            info.create_system = 3  # Unix, whatever the builder is: the mode below means the same everywhere
            info.external_attr = 0o100644 << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, source.read_bytes(), compresslevel=9)
    return archive_path


def problems_of(archive_path: Path) -> list[str]:
    """What the QGIS repository would refuse."""
    found = []
    size = archive_path.stat().st_size
    if size > MAX_BYTES:
        found.append(f"expected at most {MAX_BYTES:,} bytes, found {size:,}")
    with zipfile.ZipFile(archive_path) as archive:
        names = archive.namelist()
        metadata = (
            archive.read(f"{PLUGIN}/metadata.txt").decode() if f"{PLUGIN}/metadata.txt" in names else ""
        )
    found += [f"missing: {name}" for name in REQUIRED_FILES if f"{PLUGIN}/{name}" not in names]
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(metadata or "[general]")
    found += [f"metadata.txt lacks {key}" for key in REQUIRED_METADATA if not parser["general"].get(key)]
    return found


def main() -> int:
    """Build, check and say what was built."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "dist")
    archive_path = build(parser.parse_args().out)
    problems = problems_of(archive_path)
    for problem in problems:
        print(f"{archive_path.name}: {problem}", file=sys.stderr)
    data = archive_path.read_bytes()
    print(f"{archive_path.name}: {len(data):,} bytes, sha256 {hashlib.sha256(data).hexdigest()}")
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
