from __future__ import annotations

import numpy as np
import pytest
import rasterio
from PIL import Image
from rasterio.errors import NotGeoreferencedWarning

from rs_copilot.errors import TelemetryError, VideoError
from rs_copilot.types import SizeWH
from rs_copilot.video.clip import open_clip
from rs_copilot.video.exif import xmp_values
from rs_copilot.video.telemetry import find_telemetry, read_telemetry

XMP = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description
 drone-dji:AbsoluteAltitude="+803.65" drone-dji:RelativeAltitude="+118.40"
 drone-dji:GimbalYawDegree="{yaw}" drone-dji:GimbalPitchDegree="{pitch}" drone-dji:GimbalRollDegree="{roll}"
 drone-dji:FlightYawDegree="+33.0"/></rdf:RDF></x:xmpmeta>"""


def still(path, shade=100, *, size=(64, 48), taken=None, gps=None, focal=None, xmp=None, orientation=None):
    exif = Image.Exif()
    if orientation:
        exif[0x0112] = orientation
    if taken:
        exif.get_ifd(0x8769)[0x9003] = taken
    if focal:
        exif.get_ifd(0x8769)[0xA405] = focal
    if gps:
        exif.get_ifd(0x8825).update(gps)
    pixels = np.full((size[1], size[0], 3), shade, dtype=np.uint8)
    pixels[:8, :8] = 250
    options = {"xmp": xmp.encode()} if xmp else {}
    Image.fromarray(pixels).save(path, exif=exif, quality=95, **options)
    return path


GPS = {1: "N", 2: (32.0, 6.0, 17.4), 3: "W", 4: (35.0, 12.0, 13.6), 5: b"\x00", 6: 803.0,
       7: (9.0, 30.0, 15.5), 29: "2026:05:27"}  # fmt: skip


def test_folder_is_read_in_name_order_with_own_sizes(tmp_path):
    still(tmp_path / "b.jpg", 80, size=(32, 32))
    still(tmp_path / "a.png", 40)
    still(tmp_path / "c.JPG", 120)
    (tmp_path / "notes.txt").write_text("no image")
    with open_clip(tmp_path) as clip:
        frames = list(clip.frames())
        assert clip.info.kind == "stills"
        assert clip.info.size == SizeWH(64, 48)
        assert clip.info.frame_count == 3
    assert [frame.file for frame in frames] == ["a.png", "b.jpg", "c.JPG"]
    assert [frame.time_s for frame in frames] == [0.0, 1.0, 2.0]
    assert frames[1].size == SizeWH(32, 32)
    assert [round(float(np.median(frame.image)), -1) for frame in frames] == [40, 80, 120]


def test_one_corrupt_image_is_left_out_with_a_warning(tmp_path):
    for name in "abcd":
        still(tmp_path / f"{name}.jpg")
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "b.jpg")
    (tmp_path / "b.jpg").write_bytes((tmp_path / "b.jpg").read_bytes()[:-900])
    (tmp_path / "c.jpg").write_bytes(b"not an image")
    with open_clip(tmp_path) as clip:
        frames = list(clip.frames())
        assert clip.frame_at(1.0).file == "a.jpg"
        assert [frame.file for frame in frames] == ["a.jpg", "d.jpg"]
        assert len(clip.warnings) == 2
        assert "b.jpg" in clip.warnings[1]
        assert "c.jpg" in clip.warnings[0]


def test_single_image_is_a_clip_of_one_frame(tmp_path):
    with open_clip(still(tmp_path / "one.jpg")) as clip:
        frames = list(clip.frames(every_s=1.0))
    assert [(frame.index, frame.time_s, frame.file) for frame in frames] == [(0, 0.0, "one.jpg")]


def test_camera_clock_gives_times_where_it_rises(tmp_path):
    for name, second in (("a", 10), ("b", 12), ("c", 12), ("d", 59)):
        still(tmp_path / f"{name}.jpg", taken=f"2026:05:27 09:30:{second}")
    with open_clip(tmp_path) as clip:
        assert [frame.time_s for frame in clip.frames()] == [0.0, 2.0, 2.0, 49.0]
    still(tmp_path / "e.jpg", taken="2026:05:27 09:30:11")
    with open_clip(tmp_path) as clip:
        assert [frame.time_s for frame in clip.frames()] == [0.0, 1.0, 2.0, 3.0, 4.0]


@pytest.mark.parametrize(("orientation", "corner"), [(1, (0, 0)), (3, (-1, -1)), (6, (0, -1)), (8, (-1, 0))])
def test_orientation_tag_is_applied(tmp_path, orientation, corner):
    path = still(tmp_path / "o.jpg", orientation=orientation)
    with open_clip(path) as clip:
        frame = next(clip.frames())
        assert frame.size == clip.info.size
        assert clip.info.size == (SizeWH(64, 48) if orientation < 5 else SizeWH(48, 64))
    assert frame.image[corner].min() > 200


@pytest.mark.parametrize(("dtype", "bands"), [("uint16", 1), ("uint16", 4), ("float32", 1), ("uint8", 4)])
def test_scientific_tiffs_become_rgb(tmp_path, dtype, bands):
    pixels = np.random.default_rng(0).integers(200, 1000, (bands, 40, 50)).astype(dtype)
    path = tmp_path / "s.tif"
    with (
        pytest.warns(NotGeoreferencedWarning),
        rasterio.open(path, "w", driver="GTiff", width=50, height=40, count=bands, dtype=dtype) as target,
    ):
        target.write(pixels)
    with open_clip(path) as clip:
        frame = next(clip.frames())
    assert frame.image.shape == (40, 50, 3)
    assert np.ptp(frame.image) > 200


def test_empty_and_wholly_corrupt_folders_are_refused(tmp_path):
    with pytest.raises(VideoError, match="none"):
        open_clip(tmp_path)
    (tmp_path / "a.jpg").write_bytes(b"junk")
    with pytest.raises(VideoError, match="readable"):
        open_clip(tmp_path)


def test_exif_and_xmp_are_telemetry(tmp_path):
    xmp = XMP.format(yaw="-45.5", pitch="-89.9", roll="+0.00")
    still(tmp_path / "a.jpg", size=(64, 48), gps=GPS, focal=24, xmp=xmp)
    still(tmp_path / "b.jpg")
    assert find_telemetry(tmp_path) == tmp_path
    track = read_telemetry(tmp_path)
    told = track.at(0.0, 0, "A.JPG")
    assert told is not None
    assert told.position.lat_deg == pytest.approx(32.104833, abs=1e-6)
    assert told.position.lon_deg == pytest.approx(-35.203778, abs=1e-6)
    assert (told.alt_agl_m, told.alt_msl_m) == (118.4, 803.65)
    assert (told.yaw_deg, told.pitch_deg) == pytest.approx((314.5, -89.9))
    assert told.hfov_deg == pytest.approx(71.6, abs=0.1)
    assert told.utc == "2026-05-27T09:30:15.500000+00:00"
    assert track.at(0.0, 1, "b.jpg") is None
    assert len(track.warnings) == 1


def test_gimbal_over_the_top_is_the_same_view_with_level_roll(tmp_path):
    path = still(tmp_path / "a.jpg", xmp=XMP.format(yaw="10", pitch="-90", roll="180"))
    told = read_telemetry(path).at(0.0, 0, "a.jpg")
    assert told is not None
    assert told.yaw_deg == pytest.approx(190.0)
    assert told.pitch_deg == pytest.approx(-90.0)
    assert abs(told.roll_deg) < 1e-6


def test_images_without_metadata_have_no_telemetry(tmp_path):
    still(tmp_path / "a.jpg")
    assert find_telemetry(tmp_path) is None
    with pytest.raises(TelemetryError):
        read_telemetry(tmp_path)


def test_a_table_wins_over_exif(tmp_path):
    still(tmp_path / "a.jpg", gps=GPS)
    (tmp_path / "telemetry.csv").write_text("file,lat,lon\na.jpg,1.5,2.5\n")
    found = find_telemetry(tmp_path)
    assert found == tmp_path / "telemetry.csv"
    assert read_telemetry(found).at(0.0, 0, "a.jpg").position.lat_deg == 1.5


def test_hostile_xmp_is_only_text():
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><x drone-dji:GimbalYawDegree="&b;"/>'
    assert xmp_values(bomb) == {}
    assert xmp_values(b"drone-dji:GimbalYawDegree=\"nan\" drone-dji:GimbalRollDegree='1.5'") == {
        "GimbalRollDegree": 1.5
    }
    assert xmp_values("<drone-dji:RelativeAltitude>+5.25</drone-dji:RelativeAltitude>") == {
        "RelativeAltitude": 5.25
    }
