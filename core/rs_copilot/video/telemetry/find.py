"""The doors to telemetry: which file belongs to a clip, and reading it whatever its dialect."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from rs_copilot.errors import TelemetryError, VideoError
from rs_copilot.types import Telemetry
from rs_copilot.video.exif import read_facts
from rs_copilot.video.stills import IMAGE_ERRORS, IMAGE_SUFFIXES, list_images
from rs_copilot.video.telemetry.fmv import track_of_packets
from rs_copilot.video.telemetry.gpx import parse_gpx
from rs_copilot.video.telemetry.klv import find_packets
from rs_copilot.video.telemetry.srt import decode_text, parse_srt
from rs_copilot.video.telemetry.table import parse_table
from rs_copilot.video.telemetry.track import TelemetryTrack, make_track
from rs_copilot.video.telemetry.transport import STREAM_SUFFIXES, has_klv, read_stream_packets

# In this order: what says most comes first.
SIDECAR_SUFFIXES = (".srt", ".csv", ".klv", ".gpx")
FOLDER_TABLE = "telemetry.csv"
# More than any flight writes; a larger file is something else.
MAX_FILE_BYTES = 512 << 20


def find_telemetry(clip_path: str | Path) -> Path | None:
    """The file that belongs to a clip; the clip itself where it carries its own telemetry.

    A table or subtitle with the same stem wins; in a folder of stills `telemetry.csv`, then EXIF/XMP.
    """
    clip_path = Path(clip_path)
    if clip_path.is_dir():
        table = _named(clip_path.iterdir(), FOLDER_TABLE)
        return table if table is not None else _itself_if_tagged(clip_path)
    if not clip_path.is_file():
        return None
    for suffix in SIDECAR_SUFFIXES:
        found = _named(clip_path.parent.iterdir(), clip_path.stem + suffix)
        if found is not None and found != clip_path:
            return found
    if clip_path.suffix.lower() in IMAGE_SUFFIXES:
        return _itself_if_tagged(clip_path)
    if clip_path.suffix.lower() in STREAM_SUFFIXES:
        with suppress(VideoError):
            return clip_path if has_klv(clip_path) else None
    return None


def _named(files: Iterable[Path], name: str) -> Path | None:
    matching = sorted(file for file in files if file.name.lower() == name.lower() and file.is_file())
    return matching[0] if matching else None


def _itself_if_tagged(path: Path) -> Path | None:
    with suppress(TelemetryError, VideoError):
        read_stills_telemetry(path)
        return path
    return None


def read_telemetry(path: str | Path, *, start_utc: str | None = None) -> TelemetryTrack:
    """Read telemetry from a file of any dialect, a video's data stream, or stills' EXIF/XMP.

    ``start_utc`` (ISO 8601, when the clip starts) places telemetry that knows only the time of day.

    Raises:
        TelemetryError: there is nothing, no dialect fits, or nothing in it can be used.
    """
    path = Path(path)
    if not path.exists():
        raise TelemetryError(f"expected telemetry, found nothing at {path}", hint="Check the path.")
    suffix = path.suffix.lower()
    if path.is_dir() or suffix in IMAGE_SUFFIXES:
        return read_stills_telemetry(path)
    if suffix == ".srt":
        return parse_srt(decode_text(_read(path)))
    if suffix in {".csv", ".tsv", ".txt"}:
        return parse_table(decode_text(_read(path)))
    if suffix == ".gpx":
        return parse_gpx(_read(path), start_utc)
    if suffix in {".klv", ".bin"}:
        return track_of_packets([(None, packet) for packet in find_packets(_read(path))])
    try:
        return track_of_packets(read_stream_packets(path))
    except VideoError as error:
        raise TelemetryError(
            f"expected telemetry in {path.name}, found neither a known file type nor a media stream",
            hint="Known are .srt (DJI), .csv, .klv, .gpx, transport streams with KLV, and stills with EXIF.",
        ) from error


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise TelemetryError(
                f"expected a telemetry file, found {path.stat().st_size / 1e6:.0f} MB in {path.name}",
                hint="Choose the small file beside the video, not the video.",
            )
        return path.read_bytes()
    except OSError as error:
        raise TelemetryError(
            f"expected readable telemetry, found {error}", hint="Check the permissions."
        ) from error


def read_stills_telemetry(path: Path) -> TelemetryTrack:
    """What the EXIF and XMP of one image, or of all images of a folder, say.

    Raises:
        VideoError: the folder holds no images.
        TelemetryError: none of them says anything about position or attitude.
    """
    files = list_images(path)
    samples: list[Telemetry] = []
    for file in files:
        with suppress(*IMAGE_ERRORS):
            told = read_facts(file).telemetry
            if told.position or told.yaw_deg is not None or told.alt_agl_m is not None:
                samples.append(told)
    if not samples:
        raise TelemetryError(
            f"expected EXIF or XMP telemetry at {path.name}, found none in {len(files)} images",
            hint="Images that were edited or sent by messengers lose it; a telemetry.csv can stand in.",
        )
    silent = len(files) - len(samples)
    return make_track(
        "exif", samples, [f"{silent} of {len(files)} images carry no telemetry"] if silent else []
    )
