"""Where the plugin's icons are: beside the plugin in a checkout, inside it in the zip."""

from __future__ import annotations

from pathlib import Path

from qgis.PyQt.QtGui import QIcon

_PACKAGE = Path(__file__).resolve().parent
_FOLDERS = (_PACKAGE / "resources" / "icons", _PACKAGE.parent / "resources" / "icons")


def icon_path(name: str) -> Path:
    """The file of an icon."""
    return next((folder / name for folder in _FOLDERS if (folder / name).is_file()), _FOLDERS[0] / name)


def icon(name: str) -> QIcon:
    """An icon by file name."""
    return QIcon(str(icon_path(name)))


def translation_path(locale: str) -> Path | None:
    """The compiled translation for a locale such as ``de_AT``, or for its language."""
    for folder in (_PACKAGE / "i18n", _PACKAGE.parent / "i18n"):
        for code in (locale, locale.split("_", maxsplit=1)[0]):
            candidate = folder / f"rs_copilot_{code}.qm"
            if candidate.is_file():
                return candidate
    return None
