"""Many rasters on one grid of pixels as one: a pattern of file names becomes a virtual raster of GDAL.

The description (https://gdal.org/drivers/raster/vrt.html) is handed over as text, so nothing is written, and
every worker of a cluster makes its own from the same pattern. Where sheets overlap, the last by name lies on
top; where there is none, nothing is valid.
"""

from __future__ import annotations

import glob
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET  # nosec B405 - written, never parsed

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.errors import RasterioError

from rs_copilot.errors import RasterError

HINT = "Warp the sheets onto one grid first, for example with gdalwarp -tap, or give them one by one."
# Sheets may miss the common grid by this part of a pixel, which shows nowhere.
MAX_OFFSET_PX = 0.1
_GDAL_TYPE = {
    "uint8": "Byte", "int8": "Int8", "uint16": "UInt16", "int16": "Int16", "uint32": "UInt32",
    "int32": "Int32", "float32": "Float32", "float64": "Float64",
}  # fmt: skip


@dataclass(frozen=True)
class Sheet:
    """One raster, as far as its neighbours have to agree with it."""

    path: str
    width_px: int
    height_px: int
    transform: Affine
    wkt: str
    dtype: str
    roles: tuple[str, ...]
    nodata: float | None
    block: tuple[int, int]

    @property
    def kind(self) -> tuple[object, ...]:
        """What has to be the same in all sheets."""
        return (self.wkt, self.dtype, self.roles, self.nodata)


def is_pattern(source: str) -> bool:
    """Whether a source names several files: it has wildcards, and is not itself the name of one."""
    return glob.has_magic(source) and "://" not in source and not Path(source).exists()


def files_of(pattern: str) -> list[str]:
    """The files that a pattern stands for now, by name."""
    found = glob.glob(pattern)  # noqa: PTH207 - a pattern may be absolute, which `Path.glob` refuses
    return sorted(str(Path(name).resolve()) for name in found)


def read_mosaic(pattern: str) -> str:
    """The virtual raster of all files that match, as GDAL opens it.

    Raises:
        RasterError: there are none, one cannot be read, or they do not lie on one grid.
    """
    names = files_of(pattern)
    if not names:
        raise RasterError(f"expected rasters, found nothing that matches {pattern}")
    sheets = [read_sheet(name) for name in names]
    for sheet in sheets:
        if sheet.kind != sheets[0].kind:
            raise RasterError(
                f"expected sheets of one reference system, depth and set of bands, but "
                f"{Path(sheet.path).name} differs from {Path(sheets[0].path).name}",
                hint=HINT,
            )
    return mosaic(sheets)


def read_sheet(path: str) -> Sheet:
    """What a raster's header says.

    Raises:
        RasterError: GDAL knows no such raster.
    """
    try:
        with rasterio.open(path) as dataset:
            return Sheet(
                path,
                dataset.width,
                dataset.height,
                dataset.transform,
                dataset.crs.to_wkt() if dataset.crs else "",
                dataset.dtypes[0],
                tuple(role.name for role in dataset.colorinterp),
                dataset.nodata,
                dataset.block_shapes[0],
            )
    except RasterioError as error:
        raise RasterError(f"expected rasters only, found {path} ({error})") from error


def mosaic(sheets: Sequence[Sheet]) -> str:
    """The description of the raster that covers all sheets.

    Raises:
        RasterError: they do not lie on one grid, or have a type that has no name here.
    """
    first = sheets[0]
    if first.dtype not in _GDAL_TYPE:
        raise RasterError(f"expected numbers of {', '.join(_GDAL_TYPE)}, found {first.dtype}")
    corners = np.array([_offset_px(sheet, first) for sheet in sheets])
    ends = corners + np.array([(sheet.width_px, sheet.height_px) for sheet in sheets])
    origin = corners.min(axis=0)
    width, height = (ends.max(axis=0) - origin).tolist()
    root = ET.Element("VRTDataset", rasterXSize=str(width), rasterYSize=str(height))
    ET.SubElement(root, "SRS").text = first.wkt
    place = first.transform @ Affine.translation(*origin.tolist())
    ET.SubElement(root, "GeoTransform").text = ", ".join(repr(float(value)) for value in place.to_gdal())
    corners = corners - origin
    for number, role in enumerate(first.roles, start=1):
        band = ET.SubElement(root, "VRTRasterBand", dataType=_GDAL_TYPE[first.dtype], band=str(number))
        if first.nodata is not None:
            ET.SubElement(band, "NoDataValue").text = repr(first.nodata)
        ET.SubElement(band, "ColorInterp").text = role.capitalize()
        _add_sources(band, str(number), sheets, corners)
    if first.nodata is None:
        # Where no sheet is, black would be taken for ground.
        mask = ET.SubElement(ET.SubElement(root, "MaskBand"), "VRTRasterBand", dataType="Byte")
        _add_sources(mask, "mask,1", sheets, corners)
    return ET.tostring(root, encoding="unicode")


def _offset_px(sheet: Sheet, first: Sheet) -> tuple[int, int]:
    """Where a sheet begins in the pixels of the first.

    Raises:
        RasterError: its pixels are others.
    """
    step = ~first.transform @ sheet.transform
    around = max(sheet.width_px, sheet.height_px)
    bent = np.abs(np.array([step.a - 1.0, step.b, step.d, step.e - 1.0])).max() * around
    offset = np.array([step.c, step.f])
    if not max(bent, np.abs(offset - np.round(offset)).max()) < MAX_OFFSET_PX:
        raise RasterError(
            f"expected sheets on one grid of pixels, but those of {Path(sheet.path).name} are not those "
            f"of {Path(first.path).name}",
            hint=HINT,
        )
    return round(step.c), round(step.f)


def _add_sources(band: ET.Element, number: str, sheets: Sequence[Sheet], corners: NDArray[np.int64]) -> None:
    for sheet, (x, y) in zip(sheets, corners.tolist(), strict=True):
        # Only a complex source lets what lies below show where this one has no data.
        source = ET.SubElement(band, "SimpleSource" if sheet.nodata is None else "ComplexSource")
        ET.SubElement(source, "SourceFilename", {"relativeToVRT": "0"}).text = sheet.path
        ET.SubElement(source, "SourceBand").text = number
        # With these known, GDAL opens a sheet only once it is looked at.
        known = {
            "RasterXSize": str(sheet.width_px), "RasterYSize": str(sheet.height_px),
            "DataType": band.get("dataType", ""),
            "BlockXSize": str(sheet.block[1]), "BlockYSize": str(sheet.block[0]),
        }  # fmt: skip
        ET.SubElement(source, "SourceProperties", known)
        size = {"xSize": str(sheet.width_px), "ySize": str(sheet.height_px)}
        ET.SubElement(source, "SrcRect", {"xOff": "0", "yOff": "0", **size})
        ET.SubElement(source, "DstRect", {"xOff": str(x), "yOff": str(y), **size})
        if sheet.nodata is not None:
            ET.SubElement(source, "NODATA").text = repr(sheet.nodata)
