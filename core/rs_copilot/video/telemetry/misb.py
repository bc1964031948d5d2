"""The two metadata sets of full-motion video (pure): MISB ST 0601 and its ancestor EG 0104.

Both decode to the same quantities, named with their units. Scales of the local set: MISB ST 0601.17
section 8, "software value" columns; keys of the universal set: MISB EG 0104.5 annex A.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass

from rs_copilot.video.telemetry.klv import (
    UAS_LOCAL_SET,
    KlvError,
    KlvPacket,
    checksum,
    iter_items,
    write_length,
    write_tag,
)

CHECKSUM_TAG = 1
TIMESTAMP_TAG = 2
Fields = dict[str, float]


@dataclass(frozen=True)
class Scale:
    """A number of ``size_bytes`` that spans ``low`` to ``high`` linearly.

    Signed ones are symmetric about zero, and their most negative value means "out of range".
    """

    name: str
    size_bytes: int
    low: float
    high: float

    @property
    def is_signed(self) -> bool:
        """Whether the values are symmetric about zero."""
        return self.low < 0 and self.low == -self.high

    def decode(self, data: bytes) -> float | None:
        """The value, or ``None`` for "out of range" and for a foreign length."""
        if len(data) != self.size_bytes:
            return None
        raw = int.from_bytes(data, "big", signed=self.is_signed)
        steps = 1 << (8 * self.size_bytes)
        if not self.is_signed:
            return self.low + raw * (self.high - self.low) / (steps - 1)
        return None if raw == -(steps // 2) else raw * 2.0 * self.high / (steps - 2)

    def encode(self, value: float) -> bytes:
        """The bytes of the nearest value that can be written."""
        steps = 1 << (8 * self.size_bytes)
        if self.is_signed:
            raw = round(value * (steps - 2) / (2.0 * self.high))
        else:
            raw = round((value - self.low) * (steps - 1) / (self.high - self.low))
        return raw.to_bytes(self.size_bytes, "big", signed=self.is_signed)


LOCAL_SET: Mapping[int, Scale] = {
    5: Scale("heading_deg", 2, 0.0, 360.0),
    6: Scale("platform_pitch_deg", 2, -20.0, 20.0),
    7: Scale("platform_roll_deg", 2, -50.0, 50.0),
    13: Scale("sensor_lat_deg", 4, -90.0, 90.0),
    14: Scale("sensor_lon_deg", 4, -180.0, 180.0),
    15: Scale("sensor_alt_m", 2, -900.0, 19_000.0),
    16: Scale("hfov_deg", 2, 0.0, 180.0),
    17: Scale("vfov_deg", 2, 0.0, 180.0),
    18: Scale("rel_azimuth_deg", 4, 0.0, 360.0),
    19: Scale("rel_elevation_deg", 4, -180.0, 180.0),
    20: Scale("rel_roll_deg", 4, 0.0, 360.0),
    21: Scale("slant_range_m", 4, 0.0, 5_000_000.0),
    22: Scale("target_width_m", 2, 0.0, 10_000.0),
    23: Scale("center_lat_deg", 4, -90.0, 90.0),
    24: Scale("center_lon_deg", 4, -180.0, 180.0),
    25: Scale("center_elevation_m", 2, -900.0, 19_000.0),
    **{
        26 + i: Scale(f"corner{i // 2 + 1}_{'lon' if i % 2 else 'lat'}_offset_deg", 2, -0.075, 0.075)
        for i in range(8)
    },
    75: Scale("sensor_hae_m", 2, -900.0, 19_000.0),
    78: Scale("center_hae_m", 2, -900.0, 19_000.0),
    **{82 + 2 * i: Scale(f"corner{i + 1}_lat_deg", 4, -90.0, 90.0) for i in range(4)},
    **{83 + 2 * i: Scale(f"corner{i + 1}_lon_deg", 4, -180.0, 180.0) for i in range(4)},
    90: Scale("platform_pitch_full_deg", 4, -90.0, 90.0),
    91: Scale("platform_roll_full_deg", 4, -90.0, 90.0),
}

# Byte 8 of a universal label is its version in the dictionary, and differs between writers: left out.
UNIVERSAL_SET: Mapping[str, str] = {
    "0702010101050000": "timestamp_us",
    "0701020102040200": "sensor_lat_deg",
    "0701020102060200": "sensor_lon_deg",
    "0701020102020000": "sensor_alt_m",
    "0701100106000000": "heading_deg",
    "0701100105000000": "platform_pitch_deg",
    "0701100104000000": "platform_roll_deg",
    "0701100102000000": "rel_azimuth_deg",
    "0701100103000000": "rel_elevation_deg",
    "0701100101000000": "rel_roll_deg",
    "0420020101080000": "hfov_deg",
    "04200201010a0100": "vfov_deg",
    "0701080101000000": "slant_range_m",
    "0701090201000000": "target_width_m",
    "0701020103020000": "center_lat_deg",
    "0701020103040000": "center_lon_deg",
    "0701020103100000": "center_elevation_m",
    **{f"07010201030{7 + i:x}0100": f"corner{i + 1}_lat_deg" for i in range(4)},
    **{f"07010201030{11 + i:x}0100": f"corner{i + 1}_lon_deg" for i in range(4)},
}


def decode_packet(packet: KlvPacket) -> Fields:
    """The quantities of one packet of either set; unknown items are skipped.

    Raises:
        KlvError: the packet is damaged: an item breaks off, or the checksum is wrong.
    """
    if packet.key == UAS_LOCAL_SET:
        return decode_local_set(packet)
    return decode_universal_set(packet.value)


def decode_local_set(packet: KlvPacket) -> Fields:
    """Quantities of an ST 0601 packet; full-range angles and corners take the place of short ones.

    Raises:
        KlvError: the packet is damaged: an item breaks off, or the checksum is wrong.
    """
    _verify(packet)
    fields: Fields = {}
    for tag, data in iter_items(packet.value, universal=False):
        if tag == TIMESTAMP_TAG and len(data) == 8:
            fields["timestamp_us"] = float(int.from_bytes(data, "big"))
        elif isinstance(tag, int) and (scale := LOCAL_SET.get(tag)) is not None:
            value = scale.decode(data)
            if value is not None:
                fields[scale.name] = value
    return _resolved(fields)


def _verify(packet: KlvPacket) -> None:
    items = list(iter_items(packet.value, universal=False))
    if not items or items[-1][0] != CHECKSUM_TAG or len(items[-1][1]) != 2:
        raise KlvError("the packet does not end with its checksum")
    said, found = int.from_bytes(items[-1][1], "big"), checksum(packet.raw[:-2])
    if said != found:
        raise KlvError(f"the checksum is {found:#06x} and not {said:#06x}")


def _resolved(fields: Fields) -> Fields:
    for axis in ("pitch", "roll"):
        full = fields.pop(f"platform_{axis}_full_deg", None)
        if full is not None:
            fields[f"platform_{axis}_deg"] = full
    for corner in range(1, 5):
        for axis in ("lat", "lon"):
            offset = fields.pop(f"corner{corner}_{axis}_offset_deg", None)
            center = fields.get(f"center_{axis}_deg")
            if offset is not None and center is not None:
                fields.setdefault(f"corner{corner}_{axis}_deg", center + offset)
    return fields


def decode_universal_set(value: bytes) -> Fields:
    """Quantities of an EG 0104 packet: IEEE 754 numbers of 4 or 8 bytes.

    Raises:
        KlvError: an item breaks off.
    """
    fields: Fields = {}
    for key, data in iter_items(value, universal=True):
        name = UNIVERSAL_SET.get(bytes(key)[8:].hex()) if isinstance(key, bytes) else None
        if name == "timestamp_us" and len(data) == 8:
            fields[name] = float(int.from_bytes(data, "big"))
        elif name is not None and len(data) in (4, 8):
            fields[name] = struct.unpack(">f" if len(data) == 4 else ">d", data)[0]
    return fields


def encode_local_set(fields: Mapping[str, float]) -> bytes:
    """A complete ST 0601 packet with checksum, from quantities by name."""
    body = b""
    if "timestamp_us" in fields:
        body += write_tag(TIMESTAMP_TAG) + write_length(8) + int(fields["timestamp_us"]).to_bytes(8, "big")
    for tag, scale in LOCAL_SET.items():
        if scale.name in fields:
            data = scale.encode(fields[scale.name])
            body += write_tag(tag) + write_length(len(data)) + data
    head = UAS_LOCAL_SET + write_length(len(body) + 4) + body + bytes([CHECKSUM_TAG, 2])
    return head + checksum(head).to_bytes(2, "big")
