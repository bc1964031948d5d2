"""One version everywhere, and a changelog that agrees with it."""

from __future__ import annotations

import configparser
import re
from datetime import date

import plugin_files

import rs_copilot

ROOT = plugin_files.ROOT
HEADING = re.compile(r"^## \[(?P<version>[^\]]+)\](?: - (?P<date>\d{4}-\d{2}-\d{2}))?$", re.MULTILINE)


def headings() -> list[re.Match[str]]:
    return list(HEADING.finditer((ROOT / "CHANGELOG.md").read_text(encoding="utf-8")))


def test_package_metadata_and_changelog_name_the_same_version() -> None:
    released = [match["version"] for match in headings() if match["version"] != "Unreleased"]
    assert rs_copilot.__version__ == plugin_files.plugin_version() == released[0]


def test_changelog_releases_are_dated_and_newest_first() -> None:
    released = [match for match in headings() if match["version"] != "Unreleased"]
    dates = [date.fromisoformat(match["date"]) for match in released]
    assert dates == sorted(dates, reverse=True)


def test_changelog_uses_the_known_sections_only() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    sections = set(re.findall(r"^### (.+)$", text, re.MULTILINE))
    assert sections <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_metadata_spans_the_supported_qgis_versions() -> None:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(ROOT / "metadata.txt", encoding="utf-8")
    general = parser["general"]
    assert (general["qgisMinimumVersion"], general["qgisMaximumVersion"]) == ("3.22", "4.99")
    assert (ROOT / general["icon"]).is_file()
