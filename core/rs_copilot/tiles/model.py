"""Networks that look at tiles."""

from __future__ import annotations

from typing import Protocol

from rs_copilot.types import SizeWH


class TileModel(Protocol):
    """What a sweep has to know of a network; detectors and segmenters are such."""

    @property
    def tile(self) -> SizeWH:
        """The size of tiles that it likes best."""
        ...

    @property
    def overlap_px(self) -> int:
        """How much of a tile its neighbours share."""
        ...

    @property
    def gsd_m(self) -> float | None:
        """The ground sampling distance that it was made for; ``None`` for any."""
        ...

    @property
    def batch(self) -> int:
        """How many tiles it takes at once."""
        ...

    @property
    def device(self) -> str:
        """What it runs on."""
        ...

    @property
    def model(self) -> str:
        """Its name."""
        ...

    @property
    def sha256(self) -> str | None:
        """Hash of its weights."""
        ...
