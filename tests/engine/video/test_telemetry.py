from __future__ import annotations

import csv
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rs_copilot.errors import RsCopilotError, TelemetryError
from rs_copilot.types import LonLat, Telemetry
from rs_copilot.video.clip import open_clip
from rs_copilot.video.telemetry import find_telemetry, read_telemetry
from rs_copilot.video.telemetry.gpx import parse_gpx
from rs_copilot.video.telemetry.srt import decode_text, parse_srt
from rs_copilot.video.telemetry.table import parse_table
from rs_copilot.video.telemetry.track import make_track


def bracket_block(number, *, start, end, zoom, lat, lon, rel, msl, yaw):
    return (
        f'{number}\n00:00:00,{start:03d} --> 00:00:00,{end:03d}\n<font size="28">SrtCnt : {number}, '
        f"DiffTime : 33ms\n2024-06-19 11:35:09.009\n[iso : 200] [focal_len : 240] "
        f"[dzoom_ratio: {zoom}, delta:0],[latitude: {lat}] [longitude: {lon}] "
        f"[rel_alt: {rel} abs_alt: {msl}] [gb_yaw: {yaw} gb_pitch: -60.0 gb_roll: 0.5] </font>\n"
    )


BRACKETS = "\n".join(
    (
        bracket_block(1, start=0, end=33, zoom=10000, lat=32.10, lon=35.20, rel=118.4, msl=803.6, yaw=-10.0),
        bracket_block(2, start=33, end=66, zoom=20000, lat=32.12, lon=35.22, rel=120.4, msl=805.6, yaw=10.0),
    )
)

# File: dialect, samples, first position (lon, lat), first height above take-off, above the sea, warnings.
REAL_SRT = {
    "Mini5PRO_clip.SRT": ("dji-srt-brackets-html", 5, (6.460719, 53.365108), 6.0, -122.769, 0),
    "air2s.srt": ("dji-srt-brackets-html", 17, (2.234156, 41.424724), None, 117.0, 0),
    "air3S_clip.SRT": ("dji-srt-brackets-html", 5, (-84.17616, 34.270373), 0.0, 302.208, 0),
    "ariel_mini3pro_v14_first1500.SRT": (
        "dji-srt-brackets-html",
        1500,
        (35.203781, 32.104834),
        118.4,
        803.653,
        0,
    ),
    "m2zoom_first600.SRT": ("dji-srt-brackets-html", 600, (74.398751, 31.452012), None, 213.983002, 0),
    "mavic_2_style.SRT": ("dji-srt-brackets", 463, (149.0251, -20.2533), None, None, 0),
    "mavic_mini.SRT": ("dji-srt-flight", 117, (-121.7458, 48.0771), 200.7, None, 0),
    "mavic_pro.SRT": ("dji-srt-gps", 468, (149.0251, -20.2533), 1.9, None, 0),
    "mavic_pro_buggy.SRT": ("dji-srt-gps", 546, (-1.2218, 42.4668), 0.0, None, 1),
    "mini4pro_clip.SRT": ("dji-srt-brackets", 2, (18.0, 59.0), 1.0, 100.0, 0),
    "old_format.SRT": ("dji-srt-gps", 468, (149.0251, -20.2533), 1.9, None, 0),
    "p4_rtk.SRT": ("dji-srt-flight", 55, (-58.851745, -34.237922), 85.8, None, 0),
    "broken_incomplete.SRT": ("dji-srt-gps", 19, (-58.4563, -34.7383), 20.1, None, 1),
}


@pytest.mark.parametrize("name", REAL_SRT)
def test_every_real_dialect_is_read(real_data, name):
    dialect, count, position, agl_m, msl_m, warnings = REAL_SRT[name]
    track = read_telemetry(real_data / "07_dji_srt" / name)
    first = track.samples[0]
    assert (track.dialect, len(track.samples), len(track.warnings)) == (dialect, count, warnings)
    assert (first.position.lon_deg, first.position.lat_deg) == position
    assert (first.alt_agl_m, first.alt_msl_m) == (agl_m, msl_m)


@pytest.mark.parametrize("name", ["broken_empty.SRT", "mavic_air.SRT"])
def test_files_that_say_nothing_are_refused(real_data, name):
    with pytest.raises(TelemetryError):
        read_telemetry(real_data / "07_dji_srt" / name)


def test_brackets_give_attitude_and_field_of_view():
    track = parse_srt(BRACKETS)
    first, second = track.samples
    assert (first.yaw_deg, first.pitch_deg, first.roll_deg) == (350.0, -60.0, 0.5)
    assert first.hfov_deg == pytest.approx(71.6, abs=0.1)
    assert second.hfov_deg < first.hfov_deg / 1.8
    between = track.at(0.0165)
    assert between.yaw_deg == pytest.approx(0.0, abs=1e-6)
    assert between.position.lat_deg == pytest.approx(32.11)
    assert track.at(0.2) is None


@pytest.mark.parametrize(
    "encode",
    [
        lambda text: text.encode("utf-8-sig"),
        lambda text: text.encode("utf-16"),
        lambda text: text.encode("utf-16-le"),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: text.replace("\n", "\r\r\n").encode(),
        lambda text: ("\xb0\n" + text).encode("cp1252"),
    ],
)
def test_encodings_and_line_ends(encode):
    assert parse_srt(decode_text(encode(BRACKETS))).samples == parse_srt(BRACKETS).samples


@pytest.mark.parametrize("bad", ["0.0, 0.0", "200.0, 10.0", "10.0, -95.0", "N/A,N/A"])
def test_impossible_positions_are_dropped_and_counted(bad):
    good = "1\n00:00:00,000 --> 00:00:01,000\nGPS(35.2,32.1,14) BAROMETER:20.0\n\n"
    worse = f"2\n00:00:01,000 --> 00:00:02,000\nGPS({bad.replace(' ', '')},14) BAROMETER:21.0\n"
    track = parse_srt(good + worse)
    assert track.samples[1].position is None
    assert track.samples[1].alt_agl_m == 21.0
    assert "1 of 2" in track.warnings[0]


def test_a_truncated_last_block_costs_only_itself():
    for cut in range(len(BRACKETS) // 2 + 60, len(BRACKETS), 7):
        assert parse_srt(BRACKETS[:cut]).samples[0] == parse_srt(BRACKETS).samples[0]


_SNIPPETS = [
    "1",
    "\n",
    "\n\n",
    "00:00:01,000 --> 00:00:02,000",
    "GPS(",
    "[latitude: ",
    "9" * 30,
    "1e5",
    "-",
    ")",
    "]",
    "<font",
    "&#x41;",
    "2024-13-45 99:99:99",
    "G.PRY (1°, 2°, 3°)",
    "focal_len: 0]",
    "abs_alt:",
    "H 1.m",
    "\x00",
    "longitude: 500]",
]


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300) | st.lists(st.sampled_from(_SNIPPETS), max_size=40).map(" ".join))
@example("")
def test_any_text_is_telemetry_or_a_telemetry_error(text):
    assert_read_or_refused(parse_srt, text)
    assert_read_or_refused(parse_table, text)
    assert_read_or_refused(parse_gpx, text.encode("utf-8", "replace"))


def assert_read_or_refused(parse, content):
    try:
        track = parse(content)
    except TelemetryError as error:
        assert error.message
    else:
        assert track.samples


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(BRACKETS)), st.integers(0, len(BRACKETS)), st.text(max_size=8))
def test_damaged_subtitles_never_crash(start, end, patch):
    try:
        parse_srt(BRACKETS[:start] + patch + BRACKETS[end:])
    except TelemetryError as error:
        assert error.hint


# --- the table -------------------------------------------------------------------------------------


def test_table_reads_any_subset_in_any_order():
    text = "note;yaw_deg;time_s;lon;lat;focal_mm;sensor_width_mm;utc\n" + "".join(
        f"x;{yaw};{t};7.5;46.5;10;20;2026-05-27T13:14:2{t}Z\n" for t, yaw in ((2, 350), (0, 10), (1, 0))
    )
    track = parse_table(text)
    assert track.dialect == "csv-time"
    assert [sample.time_s for sample in track.samples] == [0.0, 1.0, 2.0]
    told = track.at(1.5)
    assert told.yaw_deg == pytest.approx(355.0)
    assert told.hfov_deg == pytest.approx(90.0)
    assert told.utc.startswith("2026-05-27T13:14:21.5")


def test_table_keys():
    by_frame = parse_table("frame,alt_agl_m\n0,10\n10,20\n")
    assert by_frame.at(0.0, 5).alt_agl_m == 15.0
    assert by_frame.at(0.0, 16) is None
    by_file = parse_table("lat,lon,file\n1,2,B.jpg\n3,4,a.jpg\n")
    assert by_file.at(99.0, 7, "b.JPG").position == LonLat(2.0, 1.0)
    assert by_file.at(0.0, 0, "c.jpg") is None


@pytest.mark.parametrize(
    "column", ["alt_agl_ft", "alt_msl_feet", "yaw_rad", "yaw", "pitch_rad", "hfov_rad", "focal_px", "time_ms",
               "lat_rad", "alt_agl", "roll (rad)", "sensor_width_in"]
)  # fmt: skip
def test_unknown_units_are_refused(column):
    with pytest.raises(TelemetryError, match="unit") as caught:
        parse_table(f"time_s,lat,lon,{column}\n0,1,2,3\n")
    assert "rename" in caught.value.hint


@pytest.mark.parametrize(
    "column", ["altitude_ft", "heading", "lateral_ft", "time", "battery_mv", "yaw_deg_source"]
)
def test_unrelated_columns_are_ignored(column):
    assert parse_table(f"time_s,lat,lon,{column}\n0,1,2,junk\n").samples[0].position == LonLat(2.0, 1.0)


@pytest.mark.parametrize(
    "text",
    ["", "lat,lon\n1,2\n", "time_s,note\n0,x\n", "time_s,lat,lon\n", "time_s,lat,lon\n0,north,2\n",
     "time_s,hfov_deg\n0,400\n", "time_s,yaw_deg,utc\n0,1,yesterday\n", "time_s,alt_agl_m\n0,120ft\n"],
)  # fmt: skip
def test_unusable_tables_are_refused(text):
    with pytest.raises(TelemetryError):
        parse_table(text)


# --- interpolation ---------------------------------------------------------------------------------


def timed(*pairs):
    return make_track("test", [Telemetry(time_s=t, alt_agl_m=v, yaw_deg=v % 360.0) for t, v in pairs])


@given(st.lists(st.floats(0, 360, exclude_max=True), min_size=2, max_size=8), st.floats(0, 1))
def test_yaw_turns_the_short_way(yaws, share):
    track = timed(*enumerate(yaws))
    for i, (a, b) in enumerate(pairwise(yaws)):
        yaw = track.at(i + share).yaw_deg
        turn = abs((b - a + 180) % 360 - 180)
        assert 0.0 <= yaw < 360.0
        assert abs((yaw - a + 180) % 360 - 180) == pytest.approx(share * turn, abs=1e-6)


def test_nothing_is_said_outside_or_in_wide_gaps():
    track = timed((0, 10), (1, 20), (2, 30), (12, 40), (13, 50))
    assert track.at(1.5).alt_agl_m == 25.0
    assert track.at(-0.4).alt_agl_m == 10.0
    assert track.at(-0.6) is None
    assert track.at(13.4).alt_agl_m == 50.0
    assert track.at(13.6) is None
    assert track.at(7.0) is None
    assert track.at(2.4).alt_agl_m == 30.0
    assert "13.0" in track.warn_if_shorter(60.0)
    assert track.warn_if_shorter(13.9) is None


# --- finding ---------------------------------------------------------------------------------------


def test_sidecars_are_found_whatever_their_case(tmp_path):
    clip = tmp_path / "DJI_0001.MP4"
    clip.write_bytes(b"")
    assert find_telemetry(clip) is None
    (tmp_path / "dji_0001.csv").write_text("")
    assert find_telemetry(clip).name == "dji_0001.csv"
    (tmp_path / "DJI_0001.SRT").write_text(BRACKETS)
    assert find_telemetry(clip).name == "DJI_0001.SRT"
    assert len(read_telemetry(find_telemetry(clip)).samples) == 2


def test_files_of_no_dialect_are_refused(tmp_path):
    (tmp_path / "x.dat").write_bytes(b"junk")
    for name in ("x.dat", "missing.srt"):
        with pytest.raises(TelemetryError):
            read_telemetry(tmp_path / name)


GPX = """<?xml version="1.0"?>{doctype}<gpx xmlns="http://www.topografix.com/GPX/1/1"><trk><trkseg>
<trkpt lat="46.5" lon="7.5"><ele>500</ele><time>2026-05-27T13:00:00Z</time></trkpt>
<trkpt lat="46.6" lon="7.6"><ele>510</ele><time>2026-05-27T13:00:10Z</time></trkpt>
<trkpt lat="0" lon="0"/></trkseg></trk></gpx>"""


def test_gpx_counts_from_the_clip_or_from_itself():
    text = GPX.format(doctype="").encode()
    assert parse_gpx(text).samples[1].time_s == 10.0
    track = parse_gpx(text, "2026-05-27T12:59:55Z")
    assert [sample.time_s for sample in track.samples] == [5.0, 15.0]
    assert track.samples[0].alt_msl_m == 500.0
    assert any("1 of 3" in warning for warning in track.warnings)


def test_hostile_gpx_is_refused():
    bomb = '<!DOCTYPE g [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>'
    with pytest.raises(TelemetryError):
        parse_gpx(GPX.format(doctype=bomb).encode())


# --- full-motion video -----------------------------------------------------------------------------


def test_predator_metadata_agree_with_the_decoded_truth(real_data):
    folder = real_data / "06_aphill_klv_video"
    path = folder / "aphill_klv_10s.ts"
    assert find_telemetry(path) == path
    track = read_telemetry(path)
    with (folder / "aphill_klv_10s_decoded.csv").open() as file:
        truth = list(csv.DictReader(file))
    assert track.dialect == "misb-eg0104"
    assert len(track.samples) == len(truth)
    for sample, row in zip(track.samples, truth, strict=True):
        assert sample.position.lon_deg == pytest.approx(float(row["SensorLongitude1"]), abs=1e-9)
        assert sample.position.lat_deg == pytest.approx(float(row["SensorLatitude1"]), abs=1e-9)
        assert sample.alt_msl_m == pytest.approx(float(row["SensorTrueAltitude"]), abs=1e-3)
        assert sample.hfov_deg == pytest.approx(float(row["SensorHorizontalFieldOfView"]), abs=1e-6)
        # This encoder writes the elevation relative to the horizon, which is the gimbal's pitch.
        assert sample.pitch_deg == pytest.approx(float(row["SensorRelativeElevationAngle"]), abs=0.2)
    with open_clip(path) as clip:
        frames = list(clip.frames())
    assert all(track.at(frame.time_s, frame.index, None) is not None for frame in frames)


def test_local_set_agrees_with_the_decoded_truth(real_data):
    folder = real_data / "06_aphill_klv_video"
    track = read_telemetry(folder / "day_flight_st0601.klv")
    with (folder / "day_flight_st0601_decoded.csv").open() as file:
        truth = list(csv.DictReader(file))
    assert (track.dialect, len(track.samples)) == ("misb-st0601", len(truth))
    start_us = float(truth[0]["ts_us"])
    for sample, row in zip(track.samples, truth, strict=True):
        assert sample.time_s == pytest.approx((float(row["ts_us"]) - start_us) / 1e6, abs=1e-6)
        assert sample.position.lon_deg == pytest.approx(float(row["slon"]), abs=1e-7)
        assert sample.alt_msl_m == pytest.approx(float(row["salt"]), abs=1e-3)
        assert sample.hfov_deg == pytest.approx(float(row["hfov"]), abs=1e-6)


@pytest.mark.parametrize("name", ["h264_klv.ts", "mpeg2_klv.ts"])
def test_unstamped_metadata_follow_their_frames(real_data, name):
    track = read_telemetry(real_data / "06_aphill_klv_video" / name)
    first, last = track.covers_s
    assert first == pytest.approx(0.0, abs=0.04)
    assert 0.8 < last < 1.0


def test_a_stream_without_metadata_has_none(real_data):
    path = real_data / "06_aphill_klv_video" / "h264_no_klv.ts"
    assert find_telemetry(path) is None
    with pytest.raises(RsCopilotError) as caught:
        read_telemetry(path)
    assert isinstance(caught.value, TelemetryError)


def test_tiny_negative_angles_stay_below_a_full_turn():
    track = timed((0.0, 0.0), (1.0, 180.0))
    assert track.at(4e-211).yaw_deg == 0.0
