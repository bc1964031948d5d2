from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rs_copilot.errors import TelemetryError
from rs_copilot.geo.camera import Attitude, world_from_camera
from rs_copilot.video.telemetry.fmv import attitude_of, axis_angle_deg, composed_attitude, track_of_packets
from rs_copilot.video.telemetry.klv import (
    KlvError,
    find_packets,
    iter_items,
    read_length,
    read_tag,
    write_length,
    write_tag,
)
from rs_copilot.video.telemetry.misb import LOCAL_SET, decode_packet, encode_local_set

FIELDS = {
    "timestamp_us": 1_700_000_000_000_000.0,
    "heading_deg": 40.0,
    "platform_pitch_deg": 5.0,
    "platform_roll_deg": -3.0,
    "sensor_lat_deg": 46.5,
    "sensor_lon_deg": 7.5,
    "sensor_alt_m": 1500.0,
    "hfov_deg": 20.0,
    "rel_azimuth_deg": 30.0,
    "rel_elevation_deg": -50.0,
    "rel_roll_deg": 0.0,
}


@given(st.integers(0, 2**63))
def test_lengths_round_trip(length):
    data = write_length(length)
    assert read_length(b"x" + data + b"y", 1) == (length, 1 + len(data))


@given(st.integers(0, 2**28 - 1))
def test_tags_round_trip(tag):
    data = write_tag(tag)
    assert read_tag(data, 0) == (tag, len(data))


@given(st.binary(max_size=12))
def test_any_bytes_are_a_length_or_an_error(data):
    for read in (read_length, read_tag):
        try:
            value, end = read(data, 0)
        except KlvError:
            continue
        assert value >= 0
        assert 0 < end <= len(data)


@given(st.sampled_from(sorted(LOCAL_SET)), st.floats(0, 1))
def test_every_scale_round_trips_to_half_a_step(tag, share):
    scale = LOCAL_SET[tag]
    value = scale.low + share * (scale.high - scale.low)
    step = (scale.high - scale.low) / (256**scale.size_bytes - 2)
    assert scale.decode(scale.encode(value)) == pytest.approx(value, abs=0.51 * step)


def test_out_of_range_and_foreign_lengths_say_nothing():
    assert LOCAL_SET[13].decode(b"\x80\x00\x00\x00") is None
    assert LOCAL_SET[13].decode(b"\x01") is None


@settings(max_examples=50)
@given(st.binary(max_size=40), st.integers(1, 3), st.binary(max_size=40))
def test_packets_are_found_between_any_bytes(before, count, after):
    packet = encode_local_set(FIELDS)
    found = list(find_packets(before + packet * count + after))
    assert len(found) == count
    for one in found:
        assert decode_packet(one)["sensor_lat_deg"] == pytest.approx(46.5, abs=1e-7)


@given(st.integers(18, 60), st.integers(1, 255))
def test_a_changed_byte_breaks_the_checksum(at, change):
    data = bytearray(encode_local_set(FIELDS))
    data[at] ^= change
    for packet in find_packets(bytes(data)):
        with pytest.raises(KlvError):
            decode_packet(packet)


@given(st.binary(max_size=200), st.booleans())
def test_any_value_decodes_or_is_an_error(value, universal):
    try:
        items = list(iter_items(value, universal=universal))
    except KlvError as error:
        assert str(error)
    else:
        assert sum(len(data) for _, data in items) <= len(value)


def test_damaged_packets_are_counted():
    good = encode_local_set(FIELDS)
    bad = good[:-1] + bytes([good[-1] ^ 1])
    track = track_of_packets([(float(i), p) for i, p in enumerate(find_packets(good + bad + good))])
    assert [sample.time_s for sample in track.samples] == [0.0, 2.0]
    assert "1 of 3" in track.warnings[0]
    with pytest.raises(TelemetryError, match="1 damaged"):
        track_of_packets([(0.0, p) for p in find_packets(bad)])


def test_packets_without_time_are_placed_by_their_clock():
    stamps = [1_700_000_000_000_000.0 + 250_000.0 * i for i in range(3)]
    data = b"".join(encode_local_set({**FIELDS, "timestamp_us": stamp}) for stamp in stamps)
    track = track_of_packets([(None, packet) for packet in find_packets(data)])
    assert [sample.time_s for sample in track.samples] == [0.0, 0.25, 0.5]


@given(st.floats(0, 359), st.floats(0, 359), st.floats(-85, -5))
def test_a_level_platform_only_adds_its_heading(heading, azimuth, elevation):
    attitude = composed_attitude(
        {"heading_deg": heading, "rel_azimuth_deg": azimuth, "rel_elevation_deg": elevation}
    )
    expected = Attitude((heading + azimuth) % 360.0, elevation, 0.0)
    assert np.allclose(world_from_camera(attitude), world_from_camera(expected), atol=1e-9)


def test_a_banked_platform_tilts_the_view():
    # Looking out to the right of a northbound aircraft that banks right by 10 degrees.
    attitude = composed_attitude(
        {"heading_deg": 0.0, "platform_roll_deg": 10.0, "rel_azimuth_deg": 90.0, "rel_elevation_deg": -20.0}
    )
    assert (attitude.yaw_deg, attitude.pitch_deg) == pytest.approx((90.0, -30.0))


def test_the_frame_centre_overrules_angles_that_mean_something_else():
    fields = {**FIELDS, "center_lat_deg": 46.51, "center_lon_deg": 7.5, "center_elevation_m": 500.0}
    attitude, contradicts = attitude_of(fields)
    assert contradicts
    assert attitude.yaw_deg == pytest.approx(0.0, abs=0.1)
    assert attitude.pitch_deg == pytest.approx(-41.9, abs=0.3)
    agreeing = {**FIELDS, "heading_deg": 0.0, "platform_pitch_deg": 0.0, "platform_roll_deg": 0.0,
                "rel_azimuth_deg": 0.5, "rel_elevation_deg": -42.0, "rel_roll_deg": 4.0}  # fmt: skip
    centre = {name: value for name, value in fields.items() if name.startswith("center")}
    attitude, contradicts = attitude_of({**agreeing, **centre})
    assert not contradicts
    assert attitude.roll_deg == pytest.approx(4.0)
    assert axis_angle_deg(attitude, Attitude(0.5, -42.0)) < 1e-4
