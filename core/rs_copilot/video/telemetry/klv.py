"""Key-length-value packets of SMPTE ST 336: lengths, keys and finding packets in a byte stream (pure)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

UL_PREFIX = bytes.fromhex("060e2b34")
UL_BYTES = 16
# UAS Datalink Local Set, MISB ST 0601.
UAS_LOCAL_SET = bytes.fromhex("060e2b34020b01010e01030101000000")
# Predator UAV Basic Universal Metadata Set, MISB EG 0104.
PREDATOR_UNIVERSAL_SET = bytes.fromhex("060e2b34020101010e01010201010000")
# A longer packet than this is damage, not metadata.
MAX_PACKET_BYTES = 1 << 20


@dataclass(frozen=True)
class KlvPacket:
    """One packet: its 16-byte key, its value, its place in the stream, and the bytes as they came."""

    key: bytes
    value: bytes
    offset: int
    raw: bytes


class KlvError(ValueError):
    """Bytes that are no complete KLV triplet."""


def read_length(data: bytes, at: int) -> tuple[int, int]:
    """A BER length (SMPTE ST 336 section 5.3, short or long form) and the offset behind it.

    Raises:
        KlvError: the data end within it, or it takes more than 8 bytes.
    """
    if at >= len(data):
        raise KlvError("the data end before a length")
    first = data[at]
    if first < 0x80:
        return first, at + 1
    count = first & 0x7F
    end = at + 1 + count
    if not 1 <= count <= 8 or end > len(data):
        raise KlvError(f"no valid length of {count} bytes at {at}")
    return int.from_bytes(data[at + 1 : end], "big"), end


def write_length(length: int) -> bytes:
    """The shortest BER form of a length."""
    if length < 0x80:
        return bytes([length])
    digits = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([0x80 | len(digits)]) + digits


def read_tag(data: bytes, at: int) -> tuple[int, int]:
    """A BER-OID tag (7 bits per byte, high bit: more follow) and the offset behind it.

    Raises:
        KlvError: the data end within it, or it takes more than 4 bytes.
    """
    tag = 0
    for end in range(at, min(at + 4, len(data))):
        tag = tag << 7 | data[end] & 0x7F
        if data[end] < 0x80:
            return tag, end + 1
    raise KlvError(f"no valid tag at {at}")


def write_tag(tag: int) -> bytes:
    """The BER-OID form of a tag."""
    digits = [tag & 0x7F]
    while tag := tag >> 7:
        digits.insert(0, 0x80 | tag & 0x7F)
    return bytes(digits)


def iter_items(value: bytes, *, universal: bool) -> Iterator[tuple[bytes | int, bytes]]:
    """The items of a set: 16-byte keys in a universal set, tags in a local set.

    Raises:
        KlvError: the set breaks off within an item.
    """
    at = 0
    while at < len(value):
        key: bytes | int
        if universal:
            key, at = value[at : at + UL_BYTES], at + UL_BYTES
        else:
            key, at = read_tag(value, at)
        length, at = read_length(value, at)
        if at + length > len(value):
            raise KlvError(f"an item of {length} bytes at {at} goes beyond the end")
        yield key, value[at : at + length]
        at += length


def find_packets(data: bytes) -> Iterator[KlvPacket]:
    """All complete packets of known sets in a stream; bytes between them are skipped."""
    at = data.find(UL_PREFIX)
    while at >= 0:
        packet = _packet_at(data, at)
        if packet is not None:
            yield packet
        at = data.find(UL_PREFIX, at + (len(packet.raw) if packet is not None else 1))


def _packet_at(data: bytes, at: int) -> KlvPacket | None:
    key = data[at : at + UL_BYTES]
    if key not in (UAS_LOCAL_SET, PREDATOR_UNIVERSAL_SET):
        return None
    try:
        length, start = read_length(data, at + UL_BYTES)
    except KlvError:
        return None
    if length > MAX_PACKET_BYTES or start + length > len(data):
        return None
    return KlvPacket(key, data[start : start + length], at, data[at : start + length])


def checksum(data: bytes) -> int:
    """The 16-bit running sum of MISB ST 0601 section 6.5.1 over all bytes before the sum itself."""
    return (sum(data[0::2]) * 256 + sum(data[1::2])) & 0xFFFF
