"""What `ground` is asked and what it answers."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from rs_copilot.jobs.backends import BackendSpec, backend_of
from rs_copilot.vlm.zoom import MAX_ZOOMS

MAX_PHRASE = 500


class GroundParams(BaseModel):
    """What is looked for, in which source, by which model, and where to write it.

    ``source`` is a raster, or a clip that the scene ``out`` has placed or that ``satellite`` is to place; of
    a clip the frame at ``time_s`` is looked at, or one every ``every_s``. ``region`` is LON1,LAT1,LON2,LAT2
    or a file with polygons. ``max_px`` is how many pixels of a picture the model may see, ``max_mode`` shows
    it as many as it was trained with. With ``read_all`` a raster without overviews is read through for the
    first look, however long that takes. ``family`` and ``key`` are for models on a server.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    source: str
    phrase: str = Field(min_length=1, max_length=MAX_PHRASE)
    out: str
    model: str | None = None
    precision: str = "auto"
    adapter: str | None = None
    family: str | None = None
    key: SecretStr | None = None
    region: str | None = None
    time_s: float | None = Field(default=None, ge=0)
    every_s: float = Field(default=1.0, gt=0)
    satellite: str | None = None
    dem: str | None = None
    zoom: bool = True
    max_zooms: int = Field(default=MAX_ZOOMS, ge=1, le=10)
    max_px: int | None = Field(default=None, gt=0)
    max_mode: bool = False
    max_tokens: int = Field(default=1024, ge=1, le=16384)
    read_all: bool = False

    @property
    def backend(self) -> BackendSpec:
        """The model.

        Raises:
            MissingDependencyError: none was named, and none is here.
        """
        return backend_of(self.model, self.precision, self.adapter, self.family, self.key)

    @property
    def method(self) -> str:
        """How rows say where they come from: a phrase that is asked again replaces its own rows only."""
        return f'grounding of "{self.phrase.strip()}"'


class Grounding(BaseModel):
    """A box of the answer: in pixels of the source, and on the map as longitudes and latitudes."""

    label: str
    box_px: tuple[float, float, float, float]
    polygon: tuple[tuple[float, float], ...] | None = None
    frame: int | None = None
    time_s: float | None = None


class GroundResult(BaseModel):
    """What was found. ``looks`` are pictures that the model was shown, ``first_call_s`` is when it was asked
    first, ``skipped`` are parts of answers that could not be read.
    """

    scene: str
    source: str
    kind: str
    phrase: str
    objects: list[Grounding]
    placed: int
    looks: int
    pictures: int
    skipped: int
    notes: list[str]
    model: str
    model_hash: str | None
    device: str
    sends_to: str | None
    first_call_s: float
    seconds: float
    warnings: list[str]

    def summary(self) -> str:
        """For people."""
        lines = [f"{item.label}: {_where(item)}" for item in self.objects[:20]]
        found = f"{len(self.objects)} found, {self.placed} on the map, {self.looks} looks"
        sent = f", sent to {self.sends_to}" if self.sends_to else ""
        tail = f"{self.source}, {self.phrase!r}: {found}, in {self.seconds:.1f} s by {self.model}{sent}"
        return "\n".join([*lines, f"{tail} -> {self.scene}", *self.notes])


def _where(item: Grounding) -> str:
    moment = "" if item.time_s is None else f" at {item.time_s:.2f} s"
    box = ", ".join(f"{value:.0f}" for value in item.box_px)
    if item.polygon is None:
        return f"pixels {box}{moment}"
    lon, lat = (sum(axis) / len(item.polygon) for axis in zip(*item.polygon, strict=True))
    return f"{lat:.6f}, {lon:.6f}{moment} (pixels {box})"
