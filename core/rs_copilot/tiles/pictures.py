"""The door to the pictures of tiles: windows of a raster as RGB bytes, read from several threads.

Every thread has the file open for itself: GDAL's datasets serve one thread at a time, and decoding is worth
sharing.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from types import TracebackType

import numpy as np
import rasterio
import shapely
from numpy.typing import NDArray
from rasterio.enums import MaskFlags, Resampling
from rasterio.env import hasenv
from rasterio.errors import RasterioError
from rasterio.windows import Window

from rs_copilot.errors import RasterError
from rs_copilot.geo import crs as geo_crs
from rs_copilot.raster import dataset as gdal
from rs_copilot.raster.bands import Stretch, bands_to_show
from rs_copilot.raster.grid import RasterInfo
from rs_copilot.tiles.plan import Tile, TilePlan
from rs_copilot.types import BoolArray, ByteImage, FloatArray, SizeWH

# GDAL counts decoded blocks of all threads together. Neighbouring rows of tiles share blocks: where those of
# one row fit, no block is decoded twice; where they do not, only tiles beside each other share theirs.
MIN_CACHE_MB, MAX_CACHE_MB = 16, 40
# Several readers cannot see each other's blocks: they hold some more of a row, and have more room.
SEVERAL_READERS, READER_CACHE_MB = 1.25, 20
SPARSE_PX = 16


Places = NDArray[np.int64]


@dataclass(frozen=True)
class Layout:
    """How a file keeps its pixels: size of blocks, factors of overviews, and how blocks are packed."""

    block: SizeWH
    overviews: tuple[int, ...]
    packing: str


def _packing(dataset: rasterio.DatasetReader) -> str:
    return str(dataset.tags(ns="IMAGE_STRUCTURE").get("COMPRESSION", "")).lower()


class TilePictures:
    """An open raster that gives tiles to any thread. Close it, or use it as a context manager."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._stack = ExitStack()
        self._own = threading.local()
        self._opening = threading.Lock()
        self._stretch: Stretch | None = None
        with rasterio.Env(**gdal.GDAL_OPTIONS):
            first = self._dataset()
            self.info: RasterInfo = gdal.describe(first, path)
            self.layout = Layout(
                SizeWH(*reversed(first.block_shapes[0])), tuple(first.overviews(1)), _packing(first)
            )
            self.place = gdal.georeference(first)
            self._bands = bands_to_show([role.name.lower() for role in first.colorinterp])
            self._is_bytes = first.dtypes[self._bands[0] - 1] == "uint8"
            flags = first.mask_flag_enums[self._bands[0] - 1]
            self._has_mask = MaskFlags.all_valid not in flags
            self._row_mb = first.width * first.count * np.dtype(first.dtypes[0]).itemsize / 1e6
            if not self._is_bytes:
                self._stretch = Stretch.from_sample(*gdal.sample(first, self._bands))

    @property
    def pixel_m(self) -> tuple[float, float]:
        """Ground size of a pixel along x and y at the centre, metres."""
        steps = np.array([[-0.5, 0.0], [0.5, 0.0], [0.0, -0.5], [0.0, 0.5]])
        points = self.place.map_points(self.info.size.center_px + steps, self.info.metric_crs)
        across, down = points[1] - points[0], points[3] - points[2]
        return float(np.hypot(*across)), float(np.hypot(*down))

    def map_points(self, points_px: FloatArray, plan: TilePlan) -> FloatArray:
        """``(N, 2)`` pixels of a plan in metres of ``info.metric_crs``."""
        return self.place.map_points(points_px * np.array(plan.scale_xy), self.info.metric_crs)

    def on_map(
        self, shapes: NDArray[np.object_], plan: TilePlan
    ) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
        """Geometries ``(N,)`` in pixels of a plan: in the raster's own CRS, and in ``info.metric_crs``."""
        scale, info = np.array(plan.scale_xy), self.info
        drawn = shapely.transform(shapes, lambda xy: self.place.apply(xy * scale))
        if info.metric_crs == info.crs:
            return drawn, drawn
        return drawn, shapely.transform(drawn, lambda xy: geo_crs.transform(xy, info.crs, info.metric_crs))

    def pixels_of(self, points: FloatArray, plan: TilePlan) -> FloatArray:
        """``(N, 2)`` points of the raster's own CRS in pixels of a plan."""
        inverse = gdal.Georeference(self.place.crs, ~self.place.transform)
        return np.asarray(inverse.apply(points) / np.array(plan.scale_xy), dtype=np.float64)

    def environment(self, plan: TilePlan, readers: int = 1) -> rasterio.Env:
        """GDAL's settings for the tiles of a plan that so many threads read.

        A thread that reads many enters them once: each time costs more than the call that reads.
        """
        cache = 1_000_000 * self._cache_mb(plan, readers)
        return rasterio.Env(**{**gdal.GDAL_OPTIONS, "GDAL_CACHEMAX": cache})

    def read(self, plan: TilePlan, tile: Tile) -> ByteImage | None:
        """The picture of a tile, ``(H, W, 3)`` uint8 RGB; ``None`` where the raster has nothing there.

        What lies beyond the raster and what has no data is black.

        Raises:
            RasterError: the pixels are damaged.
        """
        width = min(plan.tile.width_px, plan.size.width_px)
        height = min(plan.tile.height_px, plan.size.height_px)
        with nullcontext() if hasenv() else self.environment(plan), self._readable():
            bands, valid = self._window(plan, tile, width, height)
        image = self._picture(bands, valid)
        # Few pixels tell of most pictures that there is something.
        if not image[::SPARSE_PX, ::SPARSE_PX].any() and not image.any():
            return None
        if (height, width) == (plan.tile.height_px, plan.tile.width_px):
            return image
        padded = np.zeros((3, plan.tile.height_px, plan.tile.width_px), dtype=np.uint8)
        padded[:, :height, :width] = np.moveaxis(image, -1, 0)
        return np.moveaxis(padded, 0, -1)

    def sample(self, columns: Places, rows: Places, level: int | None) -> tuple[ByteImage, BoolArray]:
        """Single pixels ``(H, W, 3)`` of the raster or of its overview ``level``, and which have data.

        Args:
            columns: numbers of the columns that are wanted, ascending.
            rows: the same of the rows.
            level: of the file's overviews; ``None`` for the raster itself.

        Raises:
            RasterError: the pixels are damaged.
        """
        with (
            rasterio.Env(**{**gdal.GDAL_OPTIONS, "GDAL_CACHEMAX": 1_000_000 * MIN_CACHE_MB}),
            self._readable(),
        ):
            dataset = self._dataset(level)
            # Rows that are packed one by one are read one by one. Of taller blocks all rows are unpacked
            # anyway, and GDAL would unpack a tile again for every row that it picks from it.
            jumps = np.flatnonzero(np.diff(rows) > 1) + 1
            runs = [rows] if self.layout.block.height_px > 1 else np.split(rows, jumps)
            parts = [self._picked(dataset, columns, run) for run in runs]
        bands, valid = (np.concatenate(items, axis=-2) for items in zip(*parts, strict=True))
        image = self._picture(bands, valid)
        return image, valid & np.isfinite(bands).all(axis=0)

    def _picked(
        self, dataset: rasterio.DatasetReader, columns: Places, rows: Places
    ) -> tuple[NDArray[np.generic], BoolArray]:
        left, top = int(columns[0]), int(rows[0])
        window = Window(left, top, int(columns[-1]) - left + 1, int(rows[-1]) - top + 1)
        bands = gdal.read_values(dataset, self._bands, window)[:, (rows - top)[:, None], columns - left]
        if not self._has_mask:
            return bands, np.ones(bands.shape[1:], dtype=np.bool_)
        mask = dataset.dataset_mask(window=window)[(rows - top)[:, None], columns - left]
        return bands, np.asarray(mask > 0, dtype=np.bool_)

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except RasterioError as error:
            raise RasterError(
                f"expected readable pixels, found damage in {self.info.path} ({error})",
                hint="Copy the raster again, or check it with gdalinfo -checksum.",
            ) from error

    def _window(
        self, plan: TilePlan, tile: Tile, width: int, height: int
    ) -> tuple[NDArray[np.generic], BoolArray | None]:
        """Raw bands ``(C, H, W)`` and where they are valid, ``None`` for everywhere."""
        dataset = self._dataset()
        (scale_x, scale_y), (x, y) = plan.scale_xy, tile.window_px[:2]
        window = Window(x * scale_x, y * scale_y, width * scale_x, height * scale_y)
        shape = None if plan.scale_xy == (1.0, 1.0) else (height, width)
        if shape is not None:
            limit = Window(0, 0, dataset.width, dataset.height)
            window = window.intersection(limit)
        how = Resampling.average if max(plan.scale_xy) > 1.0 else Resampling.bilinear
        bands = gdal.read_values(dataset, self._bands, window, shape, how)
        if not self._has_mask:
            return bands, None
        mask = dataset.dataset_mask(window=window, out_shape=shape)
        return bands, np.asarray(mask > 0, dtype=np.bool_)

    def _picture(self, bands: NDArray[np.generic], valid: BoolArray | None) -> ByteImage:
        """RGB bytes that lie in memory band by band, as GDAL gives them and networks want them."""
        if self._stretch is None:
            planes = bands.astype(np.uint8, copy=False)
            planes = planes if len(planes) == 3 else np.repeat(planes, 3, axis=0)
        else:
            finite = np.isfinite(bands).all(axis=0)
            valid = finite if valid is None else valid & finite
            planes = np.moveaxis(self._stretch.apply(bands), -1, 0)
        if valid is not None and not valid.all():
            planes[:, ~valid] = 0
        return np.moveaxis(planes, 0, -1)

    def _cache_mb(self, plan: TilePlan, readers: int) -> int:
        """What the blocks take that a row of tiles cuts; if that is too much, those of readers' tiles."""
        block, size = self.layout.block, self.info.size
        width, height = plan.tile.width_px * plan.scale_xy[0], plan.tile.height_px * plan.scale_xy[1]
        rows_mb = (np.ceil(height / block.height_px) + 1) * block.height_px * self._row_mb
        columns_px = (np.ceil(width / block.width_px) + 1) * block.width_px
        row = rows_mb * (SEVERAL_READERS if readers > 1 else 1.0)
        own = 2 * readers * rows_mb * min(1.0, columns_px / size.width_px)
        most = max(MAX_CACHE_MB, READER_CACHE_MB * readers)
        return int(np.ceil(max(MIN_CACHE_MB, row if row <= most else min(own, most))))

    def _dataset(self, level: int | None = None) -> rasterio.DatasetReader:
        """The file, or one of its overviews, as this thread has it open."""
        if not hasattr(self._own, "datasets"):
            self._own.datasets = {}
        datasets: dict[int | None, rasterio.DatasetReader] = self._own.datasets
        if level not in datasets:
            with self._opening:
                opened = gdal.open_dataset(self.path, overview_level=level)
                datasets[level] = self._stack.enter_context(opened)
        return datasets[level]

    def close(self) -> None:
        """Let go of the file in all threads; none of them may be reading."""
        self._stack.close()

    def __enter__(self) -> TilePictures:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_tile_pictures(path: str) -> TilePictures:
    """Open a raster to be read tile by tile.

    Raises:
        RasterError: it is not a raster, has no bands, or covers no area.
        MissingCrsError: it does not say where on Earth it lies.
    """
    return TilePictures(path)
