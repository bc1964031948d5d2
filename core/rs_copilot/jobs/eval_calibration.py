"""What a detector's scores are worth on the user's own imagery, from objects that the user has labelled."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import shapely
from pydantic import BaseModel, ConfigDict

from rs_copilot.detection.calibration import Calibration, Curve
from rs_copilot.errors import BadInputError
from rs_copilot.geo import crs as geo_crs
from rs_copilot.jobs.context import JobContext
from rs_copilot.jobs.detectors import METHOD
from rs_copilot.jobs.region import read_region
from rs_copilot.types import LonLat
from rs_copilot.vector.store import read_layer
from rs_copilot.writing import write_whole

HINT = (
    "Labels are polygons or points with a field `label`; without it all are of the one class that was found."
)


class EvalCalibrationParams(BaseModel):
    """Detections of a raster, labelled objects, and where everything is labelled.

    ``clip`` is the raster's file name, needed where the scene has detections of several. Without ``region``
    the rectangle around the labels counts as labelled throughout.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    scene: str
    truth: str
    out: Path
    clip: str | None = None
    region: str | None = None


class ClassFit(BaseModel):
    """One class: errors of calibration as found and, on the half not fitted on, with the curve."""

    name: str
    labelled: int
    detections: int
    right: int
    error_before: float
    error_after: float | None
    best_min_score: float
    best_f1: float


class EvalCalibrationResult(BaseModel):
    """Where the curves are, and how well they do."""

    calibration: Path
    model: str
    classes: list[ClassFit]
    warnings: list[str]

    def summary(self) -> str:
        """For people."""
        lines = [
            f"{item.name}: {item.right} of {item.detections} detections are right, {item.labelled} labelled; "
            f"calibration error {item.error_before:.3f}"
            + ("" if item.error_after is None else f", with the curve {item.error_after:.3f} on unseen ones")
            + f"; best F1 {item.best_f1:.2f} from score {item.best_min_score:.2f}"
            for item in self.classes
        ]
        return "\n".join([*lines, f"-> {self.calibration}"])


def run(params: EvalCalibrationParams, context: JobContext) -> EvalCalibrationResult:
    """Match, fit, write.

    Raises:
        SceneError: no scene.
        BadInputError: no detections, several rasters or networks, or labels that cannot be used.
        MissingDependencyError: scikit-learn is not installed.
        StorageError: the file cannot be written.
    """
    found, truth = _read_found(params), read_labels(params.truth)
    names = sorted(set(found["label"]))
    if "label" not in truth:
        if len(names) > 1:
            raise BadInputError(
                f"{params.truth} has no field label, but there are {', '.join(names)}", hint=HINT
            )
        truth["label"] = names[0]
    found, truth = _within(params.region, found, truth)
    fits = [_fit(name, found, truth, context) for name in names]
    curves = {name: curve for name, (_, curve) in zip(names, fits, strict=True) if curve is not None}
    model = str(found["model"].iloc[0]) if len(found) else ""
    digest = found["model_hash"].iloc[0] if len(found) else None
    text = Calibration(model=model, model_hash=digest, classes=curves).model_dump_json(indent=2)
    write_whole(params.out, text)
    return EvalCalibrationResult(
        calibration=params.out, model=model, classes=[fit for fit, _ in fits], warnings=list(context.warnings)
    )


def _read_found(params: EvalCalibrationParams) -> gpd.GeoDataFrame:
    table = read_layer(params.scene, "detections")
    table = table[table["method"].str.startswith(METHOD)]
    if params.clip is not None:
        table = table[table["clip"] == params.clip]
    if table.empty:
        raise BadInputError(f"{params.scene} has no detections to judge", hint="Run rs-copilot detect first.")
    for name in ("clip", "model"):
        kinds = sorted(map(str, table[name].unique()))
        if len(kinds) > 1:
            raise BadInputError(
                f"{params.scene} has detections of several: {', '.join(kinds)}",
                hint="Choose one with --clip.",
            )
    if table["score"].isna().any():
        raise BadInputError(
            f"detections in {params.scene} have no scores: there is nothing to calibrate",
            hint="Vision-language models give none; networks do.",
        )
    return table


def read_labels(path: str) -> gpd.GeoDataFrame:
    """Labelled polygons or points, with their field ``label`` where they have one.

    Raises:
        BadInputError: no such file, nothing in it, or no CRS.
    """
    try:
        table = pyogrio.read_dataframe(path)
    except pyogrio.errors.DataSourceError as error:
        raise BadInputError(f"expected labelled objects, found none at {path}", hint=HINT) from error
    if not isinstance(table, gpd.GeoDataFrame) or table.crs is None or table.empty:
        raise BadInputError(f"expected labelled objects with a place on Earth in {path}", hint=HINT)
    return table[[name for name in ("label", "geometry") if name in table or name == table.geometry.name]]


def _within(
    region: str | None, found: gpd.GeoDataFrame, truth: gpd.GeoDataFrame
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Both in a metric CRS, and only what lies where everything is labelled."""
    middle = shapely.box(*truth.to_crs(geo_crs.WGS84).total_bounds).centroid
    metric = geo_crs.metric_crs_for(truth.crs, LonLat(middle.x, middle.y))
    found, truth = found.to_crs(metric), truth.to_crs(metric)
    area = (
        shapely.box(*truth.total_bounds)
        if region is None
        else shapely.union_all(read_region(region).to_crs(metric).to_numpy())
    )
    return found[found.centroid.within(area)], truth[truth.centroid.within(area.buffer(1e-6))]


def _fit(
    name: str, found: gpd.GeoDataFrame, truth: gpd.GeoDataFrame, context: JobContext
) -> tuple[ClassFit, Curve | None]:
    from rs_copilot.evaluation import detection_calibration as judge

    own, labelled = found[found["label"] == name], truth[truth["label"] == name]
    scores = own["score"].to_numpy(np.float64)
    right = judge.right_ones(own.geometry.to_numpy(), scores, labelled.geometry.to_numpy())
    curve = judge.curve_of(scores, right)
    if curve is None:
        context.warn(f"{name}: {len(own)} detections are too few for a curve, {judge.MIN_OBJECTS} are needed")
    lowest, f1 = judge.best_score(scores, right, len(labelled))
    fit = ClassFit(
        name=name,
        labelled=len(labelled),
        detections=len(own),
        right=int(right.sum()),
        error_before=judge.calibration_error(scores, right),
        error_after=None if curve is None else judge.error_unseen(scores, right),
        best_min_score=lowest,
        best_f1=f1,
    )
    return fit, curve
