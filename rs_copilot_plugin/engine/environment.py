"""Which engine to start, and with which environment variables. Free of Qt.

QGIS's own environment is poison for another Python: its ``PROJ_DATA`` makes rasterio fail ("comes from
another PROJ installation"), its ``PYTHONPATH`` brings foreign packages, its Qt and library paths bring
foreign libraries. ``python -I`` guards against some of that, and not against ``PYTHONEXECUTABLE``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from rs_copilot_plugin.engine.install_plan import is_complete, managed_folders, python_of

PLUGIN_FOLDER = Path(__file__).resolve().parents[1]

DROPPED_NAMES = frozenset(
    {
        "PYTHONEXECUTABLE",
        "PYTHONHOME",
        "PYTHONPATH",
        "PYTHONUSERBASE",
        "PYTHONSTARTUP",
        "VIRTUAL_ENV",
        "LD_LIBRARY_PATH",
        "LD_PRELOAD",
    }
)
DROPPED_PREFIXES = ("GDAL_", "PROJ_", "QT_", "GRASS", "GISBASE", "OSGEO4W", "DYLD_", "OTB_", "CPL_")
TLS_NAMES = frozenset({"SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"})


@dataclass(frozen=True)
class EngineCommand:
    """How an engine is started: ``argv``, its whole environment, and where it comes from.

    ``kind`` is ``own`` (an interpreter of the user's), ``managed`` (made by the plugin), ``checkout`` (the
    development environment beside the plugin) or ``remote``.
    """

    argv: tuple[str, ...]
    kind: str
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)


def find_engine(own_interpreter: str = "", remote_host: str = "") -> EngineCommand | None:
    """The engine to start, or ``None`` where it must be set up first.

    In this order: the remote host, the user's own interpreter, the environment that the plugin made for
    exactly this version's lock, the environment of a development checkout.
    """
    environment = worker_environment(os.environ, bundle_folders(os.environ, sys.prefix, sys.platform))
    if remote_host:
        return EngineCommand(remote_argv(remote_host), "remote", environment)
    code = engine_folder(PLUGIN_FOLDER)
    if code is None:
        return None
    found = _find_interpreter(own_interpreter, code)
    if found is None:
        return None
    kind, interpreter = found
    return EngineCommand(local_argv(interpreter, code), kind, environment)


def _find_interpreter(own_interpreter: str, code: Path) -> tuple[str, Path] | None:
    if own_interpreter:
        return "own", Path(own_interpreter)
    for folder in managed_folders(code / "locks"):
        if is_complete(folder):
            return "managed", python_of(folder)
    development = python_of(code.parent / ".venv")
    if code.name == "core" and development.is_file():
        return "checkout", development
    return None


def engine_folder(plugin_folder: Path) -> Path | None:
    """Where the engine's code lies: inside the installed plugin, or beside it in a checkout."""
    for folder in (plugin_folder / "_engine", plugin_folder.parent / "core"):
        if (folder / "start_worker.py").is_file():
            return folder
    return None


def local_argv(interpreter: PurePath, code: PurePath) -> tuple[str, ...]:
    """Isolated from the user's Python settings, and unbuffered."""
    return (str(interpreter), "-I", "-u", str(code / "start_worker.py"))


def remote_argv(host: str) -> tuple[str, ...]:
    """The same bytes over ``ssh``, which must not ask for a password: nobody could answer.

    Raises:
        ValueError: not the name of a host (it could be taken for an option).
    """
    if not host or host.startswith("-") or any(letter.isspace() for letter in host):
        raise ValueError(f"expected a host as ssh takes it, for example user@server, found {host!r}")
    return ("ssh", "-T", "-o", "BatchMode=yes", host, "rs-copilot", "worker")


def worker_environment(base: Mapping[str, str], bundles: Iterable[str] = ()) -> dict[str, str]:
    """QGIS's environment without what would break another Python.

    ``bundles`` are the folders of a QGIS that brings its own libraries: paths into them leave ``PATH``, and
    TLS certificates inside them are dropped. A user's own certificates stay.
    """
    folders = [os.path.normcase(folder) for folder in bundles]
    kept = {}
    for name, value in base.items():
        upper = name.upper()
        if upper in DROPPED_NAMES or upper.startswith(DROPPED_PREFIXES):
            continue
        if upper in TLS_NAMES and _is_inside(value, folders):
            continue
        kept[name] = _outside(value, folders) if upper == "PATH" else value
    return kept


def bundle_folders(environ: Mapping[str, str], prefix: str, platform: str) -> list[str]:
    """The folders of a QGIS that brings its own Python; none on Linux, where it is the system's."""
    if platform == "win32":
        return [folder for folder in (environ.get("OSGEO4W_ROOT", ""), prefix) if folder]
    if platform == "darwin" and ".app/" in f"{prefix}/":
        return [prefix[: f"{prefix}/".index(".app/") + len(".app")]]
    return []


def _is_inside(path: str, folders: Iterable[str]) -> bool:
    known = os.path.normcase(path)
    return any(known == folder or known.startswith(folder.rstrip("/\\") + os.sep) for folder in folders)


def _outside(paths: str, folders: list[str]) -> str:
    return os.pathsep.join(path for path in paths.split(os.pathsep) if not _is_inside(path, folders))
