"""What `look` is asked and what it answers: a conversation about pictures, with places on the map."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from rs_copilot.vlm.parsing.labels import MAX_LABEL
from rs_copilot.vlm.tasks import Task

Box: TypeAlias = tuple[float, float, float, float]
Longitude: TypeAlias = Annotated[float, Field(ge=-180, le=180)]
Latitude: TypeAlias = Annotated[float, Field(ge=-90, le=90)]
Name: TypeAlias = Annotated[str, Field(max_length=MAX_LABEL)]
Ring: TypeAlias = Annotated[tuple[tuple[Longitude, Latitude], ...], Field(min_length=3)]
Quad: TypeAlias = tuple[tuple[float, float], tuple[float, float], tuple[float, float], tuple[float, float]]

LayerName: TypeAlias = Literal["groundings", "detections"]

# More than a model of 7 billion parameters keeps apart, and than a small card holds.
MAX_PICTURES = 32


class Source(BaseModel):
    """A picture that is shown; ``auto`` looks what is at the path.

    ``raster``: the part of it within ``extent`` (x1, y1, x2, y2 in ``crs``, by default longitude and
    latitude), or all of it. ``frame``: the picture of a clip at ``time_s``; the task `clip` takes ``frames``
    of them from ``time_s`` to ``until_s``. ``image``: a file. Extents of frames and images are in their own
    pixels. ``quad`` is what is pointed at, in the coordinates of the extent. ``more`` are other pictures of
    the same turn.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    kind: Literal["auto", "raster", "frame", "image"] = "auto"
    path: str
    extent: Box | None = None
    crs: str | None = None
    time_s: float | None = None
    until_s: float | None = None
    frames: int = Field(default=8, ge=1, le=MAX_PICTURES)
    quad: Quad | None = None
    more: tuple[Source, ...] = Field(default=(), max_length=MAX_PICTURES - 1)


class Turn(BaseModel):
    """What was asked about which picture, and the answer; ``None`` for the one that is wanted.

    Without a source the question is about the pictures of the turns before.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    source: Source | None = None
    task: Task = Task.CHAT
    text: str = ""
    classes: tuple[Name, ...] = ()
    choices: tuple[str, ...] = ()
    answer: str | None = None


class LookParams(BaseModel):
    """A conversation whose last turn has no answer yet, and who shall give it.

    ``max_px`` is how many pixels of a picture the model may see, ``max_mode`` shows it as many as it was
    trained with. With ``zoom`` the model may ask for a closer look. ``scene`` knows where frames lie.
    ``family`` and ``key`` are for models on a server. Objects on the map become rows of ``layer`` of the
    scene ``out``.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    turns: tuple[Turn, ...] = Field(min_length=1)
    model: str | None = None
    precision: str = "auto"
    adapter: str | None = None
    max_px: int | None = Field(default=None, gt=0)
    max_mode: bool = False
    zoom: bool = False
    max_tokens: int = Field(default=1024, ge=1, le=16384)
    scene: str | None = None
    family: str | None = None
    key: SecretStr | None = None
    out: str | None = None
    layer: LayerName = "groundings"


class Object(BaseModel):
    """An object of the answer: the line that names it, its box in pixels of the source, and on the map."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    line: int
    label: Name
    score: float | None = None
    polygon: Ring | None = None
    box_px: Box
    time_s: float | None = None


class Zoom(BaseModel):
    """Where the model looked closer, in pixels of the source and on the map."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    polygon: Ring | None = None
    box_px: Box


class LookResult(BaseModel):
    """The answer. ``value`` is which of the choices or classes it means, where it has to choose.

    ``is_empty``: it says that there is nothing; ``skipped`` items could not be read.
    """

    text: str
    value: str | None = None
    stop: str
    objects: list[Object]
    zooms: list[Zoom]
    is_empty: bool
    skipped: int
    notes: list[str]
    usage: dict[str, Any]
    model: str
    model_hash: str | None
    device: str
    sends_to: str | None
    prompt: str
    seconds: float
    warnings: list[str]
    kept: list[int] = []

    def summary(self) -> str:
        """For people, who have read the words already."""
        placed = sum(item.polygon is not None for item in self.objects)
        parts = [f"{len(self.objects)} objects, {placed} of them on the map"] if self.objects else []
        parts += [f"{self.skipped} items not understood"] * bool(self.skipped)
        parts += [f"{len(self.kept)} rows kept"] * bool(self.kept)
        parts += [*self.notes, f"{self.model}, {self.seconds:.1f} s"]
        parts += [f"sent to {self.sends_to}"] * bool(self.sends_to)
        return "; ".join(parts)
