"""The layers of a scene as data: names, geometry types and fields with their meaning.

The store creates them, the builders fill them, the export and the plugin's styles read them. A scene is
one GeoPackage; geometry is in the satellite raster's CRS and every row says where it came from.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

# Raised when a layer or field changes its meaning; readers refuse scenes from a later version.
SCHEMA_VERSION = 1


class FieldType(str, Enum):
    """Value types that GeoPackage, shapefile and PostgreSQL all have."""

    TEXT = "text"
    REAL = "real"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    DATETIME = "datetime"


class GeometryType(str, Enum):
    """Geometry of a layer; ``NONE`` is a plain table."""

    POINT = "Point"
    POLYGON = "Polygon"
    LINE_M = "LineString M"
    NONE = "None"


@dataclass(frozen=True)
class Field:
    """One column: its name, type and meaning (unit included)."""

    name: str
    type: FieldType
    meaning: str


@dataclass(frozen=True)
class Layer:
    """One table of a scene; ``fields`` includes the common ones."""

    name: str
    geometry: GeometryType
    meaning: str
    own_fields: tuple[Field, ...]

    @property
    def fields(self) -> tuple[Field, ...]:
        """Own fields first, then position and provenance."""
        return self.own_fields + COMMON_FIELDS

    @property
    def field_names(self) -> tuple[str, ...]:
        """Names of all fields, in the order of the table."""
        return tuple(item.name for item in self.fields)


def _text(name: str, meaning: str) -> Field:
    return Field(name, FieldType.TEXT, meaning)


def _real(name: str, meaning: str) -> Field:
    return Field(name, FieldType.REAL, meaning)


def _integer(name: str, meaning: str) -> Field:
    return Field(name, FieldType.INTEGER, meaning)


COMMON_FIELDS: tuple[Field, ...] = (
    _real("lon", "longitude of the reference point, degrees, EPSG:4326"),
    _real("lat", "latitude of the reference point, degrees, EPSG:4326"),
    _text("clip", "name of the clip"),
    _text("method", "how the row was made"),
    _text("model", "model card, where a learned model took part"),
    _text("model_hash", "SHA-256 of the model's weights"),
    Field("created_at", FieldType.DATETIME, "when the row was made, UTC"),
)

_FRAME = _integer("frame", "index of the frame in presentation order, from 0")
_TIME = _real("time_s", "seconds from the start of the clip")
_BOX = _text("box_px", "x1,y1,x2,y2 in pixels of the source")

FRAMES = Layer(
    "frames",
    GeometryType.POINT,
    "ground point seen at the image centre",
    (
        _FRAME,
        _TIME,
        _text("file", "name of the still; null for a video"),
        _text("status", "located, tracked or unlocated"),
        _real("score", "calibrated probability that the true point lies within 25 m"),
        _real("error_m", "radius that holds the true point with 90 % probability"),
        _real("yaw_deg", "direction of image-up on the map, clockwise from true north"),
        _real("gsd_m", "ground sampling distance at the image centre"),
        _real("cam_lon", "longitude of the camera, degrees; null where unknown"),
        _real("cam_lat", "latitude of the camera, degrees; null where unknown"),
        _real("cam_alt_m", "camera height above sea level, or above ground where only that is known"),
        _text("reason", "why the frame is unlocated"),
        _text("homography", "JSON list of 9 numbers, row by row: frame pixels to metres in metric_crs"),
        _text("metric_crs", "authority code or WKT of the CRS that the homography maps to"),
        _real("level_m", "height of the plane that the homography maps to, where the terrain is known"),
        _integer("width_px", "width of the decoded frame"),
        _integer("height_px", "height of the decoded frame"),
        _text("clip_path", "where the clip was read from"),
    ),
)

FOOTPRINTS = Layer(
    "footprints",
    GeometryType.POLYGON,
    "ground seen by a frame, cut where the view runs to the horizon",
    (_FRAME, _TIME, _text("status", "located or tracked")),
)

TRAJECTORY = Layer(
    "trajectory",
    GeometryType.LINE_M,
    "path over the ground, one per clip; M is time_s",
    (
        _real("start_s", "time of the first placed frame"),
        _real("end_s", "time of the last placed frame"),
        _real("length_m", "length on the ellipsoid"),
        _text("path_of", "camera (known for every placed frame) or image centre"),
    ),
)

CANDIDATES = Layer(
    "candidates",
    GeometryType.POLYGON,
    "retrieved tiles",
    (_FRAME, _TIME, _integer("rank", "from 1, best first"), _real("score", "similarity, higher is better")),
)

SEARCH_AREA = Layer(
    "search_area",
    GeometryType.POLYGON,
    "where an unlocated frame may be",
    (
        _FRAME,
        _TIME,
        _real("probability", "that the frame lies in this area; areas of one frame and level add up"),
        _real("area_km2", "size of the area"),
        _real("level", "0.5 or 0.9: all areas of a level together hold about this; 0.9 contains 0.5"),
    ),
)

DETECTIONS = Layer(
    "detections",
    GeometryType.POLYGON,
    "objects on the ground",
    (
        _FRAME,
        _TIME,
        _text("label", "class of the object"),
        _real("score", "confidence, 0 to 1; null where the detector gives none"),
        _integer("track_id", "track that the detection belongs to; null for none"),
        _integer("object_id", "the same for one standing object in all clips of the scene; null for others"),
        _BOX,
        _text("source", "detector"),
    ),
)

SEGMENTS = Layer(
    "segments",
    GeometryType.POLYGON,
    "areas of one class",
    (
        _text("label", "class of the area"),
        _real("score", "confidence, 0 to 1; null where the network gives none"),
        _real("area_m2", "size of the area on the ellipsoid"),
        _FRAME,
        _TIME,
        _text("source", "network, and what it was told"),
    ),
)

TRACKS = Layer(
    "tracks",
    GeometryType.LINE_M,
    "paths of moving objects on the ground; M is time_s",
    (
        _integer("track_id", "unique within the clip"),
        _text("label", "vehicle, person or unknown"),
        _real("start_s", "first seen"),
        _real("end_s", "last seen"),
        _real("length_m", "length of the path on the ellipsoid"),
        _real("mean_speed_mps", "mean speed over the ground"),
        _real("max_speed_mps", "highest smoothed speed over the ground"),
    ),
)

GROUNDINGS = Layer(
    "groundings",
    GeometryType.POLYGON,
    "answers to a phrase",
    (
        _text("phrase", "what was asked for"),
        _text("label", "class of the object"),
        _real("score", "confidence, 0 to 1; null where the model gives none"),
        _FRAME,
        _TIME,
        _BOX,
    ),
)

LOOKS = Layer(
    "looks",
    GeometryType.POLYGON,
    "what a vision-language model was shown on its way to an answer",
    (
        _text("phrase", "what was asked for"),
        _integer("step", "0 is the overview, then one for each closer look"),
        _text("reason", "why it was shown, in a sentence"),
        _real("gsd_m", "ground sampling distance of the picture that the model got"),
        _FRAME,
        _TIME,
        _BOX,
    ),
)

ANSWERS = Layer(
    "answers",
    GeometryType.POLYGON,
    "answers with the area of their evidence",
    (
        _text("question", "as it was asked"),
        _text("task", "which of the tasks it was taken for"),
        _text("answer", "in words"),
        _text("kind", "choice, number, timestamp, point, polyline or text"),
        _text("value", "machine-readable answer"),
        _text("unit", "unit of the value"),
        _real("confidence", "0 to 1"),
        Field("abstained", FieldType.BOOLEAN, "whether no answer was given"),
        _text("reason", "why no answer was given"),
        _text(
            "evidence",
            "JSON list of {says, layer, fid, things, clip, frame, time_s, box_px, geometry in degrees}",
        ),
        _text("settle", "what would settle it, where no answer was given"),
        _text("understood", "how the question was taken"),
        _text("missed", "JSON list of words that were not understood"),
        _text("planner", "what made the program out of the question"),
        _text("program", "JSON object: the operations that the answer was computed with"),
        _text("notes", "JSON list of what else is to be said"),
    ),
)

CORRECTIONS = Layer(
    "corrections",
    GeometryType.NONE,
    "what was corrected by hand, and how it was before",
    (
        _integer("number", "unique within the clip, in the order of the corrections"),
        _text("kind", "merge, relabel or remove"),
        _text("things", "JSON list of tracks or objects, like track 12"),
        _text("label", "class that was given; null for others"),
        _integer("changed", "how many rows were changed or taken out"),
        _text("before", "JSON object: the rows as they were, by layer"),
    ),
)

RUNS = Layer(
    "runs",
    GeometryType.NONE,
    "what was run to make the scene",
    (
        _text("command", "name of the job"),
        _text("parameters", "JSON object"),
        _text("version", "of RS Copilot"),
        _real("seconds", "wall time"),
        _text("device", "what it ran on"),
        _text("warnings", "JSON list"),
    ),
)

LAYERS: tuple[Layer, ...] = (
    FRAMES,
    FOOTPRINTS,
    TRAJECTORY,
    CANDIDATES,
    SEARCH_AREA,
    DETECTIONS,
    SEGMENTS,
    TRACKS,
    GROUNDINGS,
    LOOKS,
    ANSWERS,
    CORRECTIONS,
    RUNS,
)

# Scenes of earlier releases lack these; they are made when first written to.
LATER_LAYERS = frozenset({"segments", "looks", "corrections"})

LAYER_BY_NAME: dict[str, Layer] = {layer.name: layer for layer in LAYERS}
