"""What this machine has of main memory. Loads no library to find out."""

from __future__ import annotations

import os


def cpu_memory_bytes() -> tuple[int | None, int | None]:
    """Available and total main memory; ``None`` where this system does not say."""
    try:
        with open("/proc/meminfo", encoding="ascii") as file:  # noqa: PTH123  not a file of the user's
            return parse_meminfo(file.read())
    except OSError:
        return None, _total_by_sysconf()


def parse_meminfo(text: str) -> tuple[int | None, int | None]:
    """Available and total bytes from the text of ``/proc/meminfo`` (which counts in kB of 1024 bytes)."""
    fields = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)

    def in_bytes(name: str) -> int | None:
        words = fields.get(name, "").split()
        return int(words[0]) * 1024 if words and words[0].isdigit() else None

    return in_bytes("MemAvailable"), in_bytes("MemTotal")


def _total_by_sysconf() -> int | None:
    names = getattr(os, "sysconf_names", {})
    if "SC_PHYS_PAGES" not in names:
        return None
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
