"""The linked plugin has the layout of the zip and never replaces an installed copy."""

from __future__ import annotations

from pathlib import Path

import link_plugin
import open_qgis
import plugin_files
import pytest


def test_linked_plugin_has_the_layout_of_the_zip(tmp_path: Path) -> None:
    target = link_plugin.link_into(tmp_path)
    missing = [inside for _, inside in plugin_files.plugin_files() if not (target / inside).is_file()]
    assert missing == []


def test_linking_again_replaces_the_link_only(tmp_path: Path) -> None:
    first = link_plugin.link_into(tmp_path)
    assert link_plugin.link_into(tmp_path) == first
    assert (plugin_files.ROOT / "rs_copilot_plugin" / "__init__.py").is_file()


def test_an_installed_copy_is_left_alone(tmp_path: Path) -> None:
    installed = tmp_path / plugin_files.PLUGIN / "metadata.txt"
    installed.parent.mkdir()
    installed.write_text("[general]\n", encoding="utf-8")
    with pytest.raises(FileExistsError, match="uninstall it"):
        link_plugin.link_into(tmp_path)
    assert installed.exists()


def test_profile_for_the_demo_keeps_what_the_user_changed(tmp_path: Path) -> None:
    open_qgis.make_profile(tmp_path)
    settings = tmp_path / "profiles" / "demo" / "QGIS" / "QGIS3.ini"
    settings.write_text(settings.read_text(encoding="utf-8") + "x=1\n", encoding="utf-8")
    open_qgis.make_profile(tmp_path)
    assert settings.read_text(encoding="utf-8").endswith("x=1\n")
