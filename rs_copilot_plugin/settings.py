"""What the plugin remembers between sessions, in QGIS's own settings."""

from __future__ import annotations

import os
from pathlib import Path

from qgis.core import QgsSettings

_PREFIX = "rs_copilot/"
# For development and tests: an interpreter that has the engine's packages.
PYTHON_VARIABLE = "RS_COPILOT_ENGINE_PYTHON"


class Settings:
    """Typed access; every property reads and writes through, nothing is cached."""

    @staticmethod
    def _get(key: str, default: str = "") -> str:
        return str(QgsSettings().value(_PREFIX + key, default) or default)

    @staticmethod
    def _set(key: str, value: str) -> None:
        QgsSettings().setValue(_PREFIX + key, value)

    @property
    def engine_python(self) -> str:
        """The interpreter that the user pointed at, else that of the environment variable, else empty."""
        return self.own_python or os.environ.get(PYTHON_VARIABLE, "")

    @property
    def own_python(self) -> str:
        """The interpreter that the user pointed at, or empty."""
        return self._get("engine_python")

    @own_python.setter
    def own_python(self, value: str) -> None:
        self._set("engine_python", value)

    @property
    def telemetry_use(self) -> str:
        """all, attitude or none."""
        return self._get("telemetry_use", "all")

    @telemetry_use.setter
    def telemetry_use(self, value: str) -> None:
        self._set("telemetry_use", value)

    @property
    def every_s(self) -> float:
        """Seconds between sampled frames."""
        try:
            return float(self._get("every_s", "0.5"))
        except ValueError:
            return 0.5

    @every_s.setter
    def every_s(self, value: float) -> None:
        self._set("every_s", str(value))

    @property
    def ask_model(self) -> str:
        """The model that helps to answer questions to the scene; empty for none."""
        return self._get("ask_model")

    @ask_model.setter
    def ask_model(self, value: str) -> None:
        self._set("ask_model", value)

    @property
    def ask_precision(self) -> str:
        """How exactly that model calculates."""
        return self._get("ask_precision", "auto")

    @ask_precision.setter
    def ask_precision(self, value: str) -> None:
        self._set("ask_precision", value)

    @property
    def detector(self) -> str:
        """The detector that was chosen last, by the engine's name for it; empty for none."""
        return self._get("detector")

    @detector.setter
    def detector(self, value: str) -> None:
        self._set("detector", value)

    @property
    def own_detectors(self) -> list[str]:
        """Detectors of the user's own, the latest first."""
        return self._get("own_detectors").split("\n")

    @own_detectors.setter
    def own_detectors(self, values: list[str]) -> None:
        self._set("own_detectors", "\n".join(values))

    @property
    def look_model(self) -> str:
        """The model that was asked last, by the engine's name for it; empty for none."""
        return self._get("look_model")

    @look_model.setter
    def look_model(self, value: str) -> None:
        self._set("look_model", value)

    @property
    def look_precision(self) -> str:
        """How exactly it calculated."""
        return self._get("look_precision", "auto")

    @look_precision.setter
    def look_precision(self, value: str) -> None:
        self._set("look_precision", value)

    @property
    def own_models(self) -> list[str]:
        """Servers and folders of the user's own, the latest first; never a key."""
        return [name for name in self._get("own_models").split("\n") if name]

    @own_models.setter
    def own_models(self, values: list[str]) -> None:
        self._set("own_models", "\n".join(values))

    @property
    def placed_panels(self) -> list[str]:
        """Panels that were shown once, by their object names: their place is the user's affair now."""
        return [name for name in self._get("placed_panels").split("\n") if name]

    @placed_panels.setter
    def placed_panels(self, values: list[str]) -> None:
        self._set("placed_panels", "\n".join(values))

    @property
    def last_folder(self) -> str:
        """Where the last file dialog was."""
        return self._get("last_folder", str(Path.home()))

    @last_folder.setter
    def last_folder(self, value: str) -> None:
        self._set("last_folder", value)
