"""The worker's environment: nothing of QGIS's Python, libraries or data paths gets through."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rs_copilot_plugin.engine import environment
from rs_copilot_plugin.engine.environment import (
    bundle_folders,
    engine_folder,
    find_engine,
    local_argv,
    remote_argv,
    worker_environment,
)

POISON = {
    "PYTHONEXECUTABLE": "/opt/qgis/bin/qgis",
    "PYTHONHOME": "/opt/qgis",
    "PYTHONPATH": "/usr/share/qgis/python",
    "PYTHONUSERBASE": "/srv/u/.qgis",
    "VIRTUAL_ENV": "/srv/u/venv",
    "GDAL_DATA": "/opt/qgis/gdal",
    "GDAL_CURL_CA_BUNDLE": "/opt/qgis/cert.pem",
    "PROJ_LIB": "/opt/qgis/proj",
    "PROJ_DATA": "/opt/qgis/proj",
    "QT_PLUGIN_PATH": "/opt/qgis/qt",
    "QT_QPA_PLATFORM_PLUGIN_PATH": "/opt/qgis/qt",
    "GRASS_PYTHON": "python3",
    "GISBASE": "/opt/grass",
    "OSGEO4W_ROOT": "C:\\OSGeo4W",
    "LD_LIBRARY_PATH": "/opt/qgis/lib",
    "LD_PRELOAD": "/opt/qgis/lib/x.so",
    "DYLD_LIBRARY_PATH": "/Applications/QGIS.app/lib",
    "dyld_insert_libraries": "x",
}
HARMLESS = {
    "PATH": "/usr/bin:/bin",
    "HOME": "/srv/u",
    "LANG": "C.UTF-8",
    "SSL_CERT_FILE": "/etc/corp.pem",
    "TMP": "x",
}


@pytest.mark.parametrize("name", sorted(POISON))
def test_poison_is_dropped(name):
    assert name not in worker_environment({**HARMLESS, **POISON})


def test_everything_else_stays():
    assert worker_environment({**HARMLESS, **POISON}) == HARMLESS


def test_a_bundled_qgis_leaves_path_and_certificates(monkeypatch):
    bundle = "/Applications/QGIS.app"
    base = {
        "PATH": os.pathsep.join([f"{bundle}/Contents/MacOS/bin", "/usr/bin", f"{bundle}-tools"]),
        "SSL_CERT_FILE": f"{bundle}/Contents/Resources/cacert.pem",
        "CURL_CA_BUNDLE": "/etc/corp.pem",
    }
    clean = worker_environment(base, [bundle])
    assert clean["PATH"].split(os.pathsep) == ["/usr/bin", f"{bundle}-tools"]
    assert "SSL_CERT_FILE" not in clean
    assert clean["CURL_CA_BUNDLE"] == "/etc/corp.pem"


def test_which_qgis_is_a_bundle():
    assert bundle_folders({}, "/usr", "linux") == []
    assert bundle_folders({}, "/Applications/QGIS.app/Contents/MacOS", "darwin") == ["/Applications/QGIS.app"]
    assert bundle_folders({}, "/opt/homebrew", "darwin") == []
    assert bundle_folders({"OSGEO4W_ROOT": "C:\\Q"}, "C:\\Q\\apps\\Python312", "win32")[0] == "C:\\Q"


def test_a_poisoned_environment_would_kill_the_worker_and_a_clean_one_does_not(tmp_path):
    """The reason for all this: rasterio with a foreign PROJ database."""
    foreign = tmp_path / "proj"
    foreign.mkdir()
    (foreign / "proj.db").write_bytes(b"not a database")
    poisoned = {
        **os.environ,
        "PROJ_DATA": str(foreign),
        "PROJ_LIB": str(foreign),
        "PYTHONHOME": str(tmp_path),
    }
    code = "import rasterio.crs; rasterio.crs.CRS.from_epsg(32633).to_wkt()"
    argv = [sys.executable, "-I", "-c", code]
    assert subprocess.run(argv, env=poisoned, capture_output=True, check=False).returncode != 0
    assert (
        subprocess.run(argv, env=worker_environment(poisoned), capture_output=True, check=False).returncode
        == 0
    )


def test_the_engine_is_found_in_the_zip_and_in_a_checkout(tmp_path):
    plugin = tmp_path / "plugins" / "rs_copilot_plugin"
    assert engine_folder(plugin) is None
    for folder in (tmp_path / "plugins" / "core", plugin / "_engine"):
        folder.mkdir(parents=True)
        (folder / "start_worker.py").write_text("")
        assert engine_folder(plugin) == folder


def test_the_interpreter_is_never_the_one_that_runs_us(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "executable", "/usr/bin/qgis")
    monkeypatch.setenv("PYTHONPATH", "/usr/share/qgis/python")
    found = find_engine("/opt/mine/bin/python")
    assert found.kind == "own"
    assert found.argv[:3] == ("/opt/mine/bin/python", "-I", "-u")
    assert Path(found.argv[3]).name == "start_worker.py"
    assert "PYTHONPATH" not in found.environment


def test_a_finished_environment_comes_before_the_checkouts(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    code = engine_folder(environment.PLUGIN_FOLDER)
    from rs_copilot_plugin.engine.install_plan import managed_folders, python_of

    folder = managed_folders(code / "locks")[-1]
    python_of(folder).parent.mkdir(parents=True)
    python_of(folder).write_text("")
    unfinished = find_engine()
    assert unfinished is None or unfinished.kind == "checkout"
    (folder / "rs-copilot-complete").write_text("cpu")
    assert find_engine().kind == "managed"
    assert find_engine().argv == local_argv(python_of(folder), code)


@pytest.mark.parametrize("host", ["", "-oProxyCommand=evil", "a b", "a\n"])
def test_hosts_that_ssh_would_misread_are_refused(host):
    with pytest.raises(ValueError, match="expected a host"):
        remote_argv(host)


def test_a_remote_engine_speaks_the_same_bytes():
    assert remote_argv("user@gpu")[-3:] == ("user@gpu", "rs-copilot", "worker")
    assert find_engine(remote_host="user@gpu").kind == "remote"
