"""What whole countries would take: the tables of docs/scale.md, from constants that were measured.

    python -m benchmarks.scale

Nothing is measured here. Constants stand beside the command that gave them; change them and run again.
"""

from __future__ import annotations

from dataclasses import dataclass

HOUR_S = 3600.0


@dataclass(frozen=True)
class Measured:
    """Per tile or per vector, on one core of the machine of docs/benchmarks.md.

    ``read_s``, ``engine_s``, ``row_bytes``: the row of 40,960 pixels of `benchmarks.tiles` (commit 5c3066e);
    ``detector_s``: vehicles-s on a tile, one thread, by processor time; embedding: `benchmarks.retrieval`;
    galleries: `benchmarks.galleries whole`, a million tiles. 2026-11-29, 2 cores of a Xeon at 2.8 GHz.
    """

    tile_px: int = 640
    stride_px: int = 544
    detector_s: float = 0.048
    read_s: float = 0.0016
    engine_s: float = 0.0062
    row_bytes: float = 486.0
    embeddings_per_s: float = 413.0
    vector_bytes_disk: float = 679.0
    vector_bytes_index: float = 74.0


@dataclass(frozen=True)
class Area:
    """What is to be covered: land in km², ground sampling distance, bytes a pixel of all bands on disk."""

    name: str
    km2: float
    gsd_m: float
    objects_per_km2: float
    bytes_per_px: float = 0.5

    @property
    def pixels(self) -> float:
        """Pixels of one coverage."""
        return self.km2 * 1e6 / self.gsd_m**2


AREAS = (
    Area("Germany (357,600 km²) at 0.5 m", 357_600, 0.5, 150.0),
    Area("land of the globe (149 million km²) at 10 m", 149e6, 10.0, 0.0),
)
MEASURED = Measured()
# Ground sides of tiles start at this many pixels of the raster, each next one is twice as large.
FINEST_SIDE_PX, SCALES = 120, 3
CORES = 1000


def tiles_of(area: Area, measured: Measured = MEASURED) -> float:
    """Tiles of a sweep."""
    return area.pixels / measured.stride_px**2


def vectors_of(area: Area) -> float:
    """Tiles of a gallery, half a side apart, at all scales."""
    finest = area.pixels / (FINEST_SIDE_PX / 2) ** 2
    return finest * sum(0.25**k for k in range(SCALES))


def quantities(area: Area, measured: Measured = MEASURED) -> dict[str, str]:
    """What one area takes, by the name of the line in the table."""
    sweep_s = tiles_of(area, measured) * (measured.detector_s + measured.read_s + measured.engine_s)
    vectors = vectors_of(area)
    row_bytes = area.km2 * area.objects_per_km2 * measured.row_bytes
    return {
        "pixels": f"{area.pixels:.2e}",
        "imagery on disk": f"{area.pixels * area.bytes_per_px / 1e12:.2f} TB",
        "tiles of a sweep": f"{tiles_of(area, measured) / 1e6:.1f} million",
        "detection, core-hours": f"{sweep_s / HOUR_S:,.0f}",
        f"… on {CORES} cores": f"{sweep_s / CORES / HOUR_S:.1f} h",
        "rows of objects": f"{row_bytes / 1e9:.0f} GB" if row_bytes else "–",
        "vectors of a gallery": f"{vectors / 1e6:,.0f} million",
        "embedding, core-hours": f"{vectors / measured.embeddings_per_s / HOUR_S:,.0f}",
        "gallery on disk": f"{vectors * measured.vector_bytes_disk / 1e12:.2f} TB",
        "index of it": f"{vectors * measured.vector_bytes_index / 1e9:.0f} GB",
    }


def main() -> None:
    """Print the table."""
    columns = [quantities(area) for area in AREAS]
    print("| | " + " | ".join(area.name for area in AREAS) + " |")
    print("|---" * (1 + len(AREAS)) + "|")
    for name in columns[0]:
        print(f"| {name} | " + " | ".join(column[name] for column in columns) + " |")


if __name__ == "__main__":
    main()
