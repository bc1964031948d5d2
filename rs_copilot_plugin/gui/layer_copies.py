"""Copies of layers that the engine cannot open: sketches in memory, unsaved edits, tables of a server."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from qgis.core import QgsProject, QgsVectorLayer

from rs_copilot_plugin.layers.user_layers import Copy, take_copy, write_copy
from rs_copilot_plugin.presenters.user_layers import Chosen, Role

from .background import Background


class LayerCopies:
    """Writes files in a helper thread; they are gone when the plugin is."""

    def __init__(self, background: Background) -> None:
        self._background = background
        self._folder: Path | None = None

    def stop(self) -> None:
        """Leave no file behind."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def make(
        self,
        layers: Iterable[Chosen],
        on_done: Callable[[dict[str, str]], None],
        on_error: Callable[[Exception], None],
    ) -> None:
        """Copy what needs it; ``on_done`` gets files by layer id, at once where there is nothing to copy."""
        wanted = [layer.id for layer in layers if layer.role is not Role.NONE and not layer.source]
        found = [QgsProject.instance().mapLayer(name) for name in wanted]
        copies = [take_copy(layer) for layer in found if isinstance(layer, QgsVectorLayer)]
        if not copies:
            on_done({})
            return
        folder = self._folder = self._folder or Path(tempfile.mkdtemp(prefix="rs-copilot-ask-"))
        self._background.run(lambda: _write(copies, folder), on_done, on_error)


def _write(copies: list[Copy], folder: Path) -> dict[str, str]:
    """One file for each layer (helper thread)."""
    return {
        copy.id: write_copy(copy, folder / f"layer_{number}.geojson") for number, copy in enumerate(copies)
    }
