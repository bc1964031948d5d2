"""Memory of this process, as the kernel counts it (Linux)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Memory:
    """Megabytes: ``private`` must be there, ``mapped`` are pages of files that the kernel may drop."""

    private: float
    mapped: float

    def __sub__(self, other: Memory) -> Memory:
        return Memory(self.private - other.private, self.mapped - other.mapped)


def memory_mb() -> Memory:
    """What is resident now."""
    return Memory(_field_mb("RssAnon"), _field_mb("RssFile"))


def peak_mb() -> float:
    """The most that was resident at once, private and mapped together."""
    return _field_mb("VmHWM")


def _field_mb(name: str) -> float:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        key, _, value = line.partition(":")
        if key == name:
            return int(value.split()[0]) / 1024.0
    raise ValueError(f"expected {name} in /proc/self/status")
