"""The plugin speaks German in a German QGIS, and takes its translator back."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from conftest import ROOT
from qgis.core import QgsSettings
from qgis.PyQt.QtWidgets import QAbstractButton, QLabel
from qgis_helpers import flush_deletions

TS = ROOT / "i18n" / "rs_copilot_de.ts"


@pytest.fixture
def german(qgis_app):
    settings = QgsSettings()
    before = settings.value("locale/userLocale")
    settings.setValue("locale/userLocale", "de_AT")
    yield
    if before is None:
        settings.remove("locale/userLocale")
    else:
        settings.setValue("locale/userLocale", before)


@pytest.fixture
def german_plugin(german, iface):
    from rs_copilot_plugin.plugin import RsCopilotPlugin

    made = RsCopilotPlugin(iface)
    made.initGui()
    yield made
    if made.workbench is not None:
        made.unload()
    flush_deletions()


def plain(text: str) -> str:
    return text.replace("&", "")


def test_the_main_buttons_are_german(german_plugin):
    dock = german_plugin.workbench.dock
    shown = {plain(widget.text()) for kind in (QAbstractButton, QLabel) for widget in dock.findChildren(kind)}
    assert {"Verorten", "Verfolgen", "Objekte finden", "Fehlerkreise", "Satellitenbild", "Clips"} <= shown
    assert plain(german_plugin.actions["open_scene"].text()) == "Szene öffnen…"


def test_no_two_mnemonics_of_the_dock_are_equal(german_plugin):
    dock = german_plugin.workbench.dock
    texts = [widget.text() for kind in (QAbstractButton, QLabel) for widget in dock.findChildren(kind)]
    keys = [found.group(1).lower() for text in texts if (found := re.search(r"&(\w)", text))]
    assert len(keys) >= 6
    assert len(keys) == len(set(keys))


def test_unloading_takes_the_translator_back(german_plugin):
    from rs_copilot_plugin.translate import tr

    assert tr("Locate") == "Verorten"
    german_plugin.unload()
    assert tr("Locate") == "Locate"


def test_a_region_falls_back_to_its_language_and_others_to_english(qgis_app):
    from rs_copilot_plugin.resources import translation_path

    assert translation_path("xx_XX") is None
    assert translation_path("de_AT") == translation_path("de")
    assert translation_path("de") is not None


def test_the_compiled_file_agrees_with_the_source(german_plugin):
    from rs_copilot_plugin.translate import tr

    root = ElementTree.parse(TS).getroot()  # noqa: S314 - our own file; QGIS's Python may lack defusedxml
    pairs = {message.findtext("source"): message.findtext("translation") for message in root.iter("message")}
    assert pairs
    stale = [source for source, translation in pairs.items() if tr(source) != translation]
    assert stale == [], "run tools/translations.py where lrelease is installed"
