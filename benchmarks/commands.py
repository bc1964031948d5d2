"""What a command of ours costs as a whole, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

MEASURED = """
import json, resource, sys
from rs_copilot.cli import run
code = run(sys.argv[1:])
used = resource.getrusage(resource.RUSAGE_SELF)
# Not ru_maxrss: that begins with what the calling process held.
(peak,) = [line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")]
print(json.dumps({"cpu_s": used.ru_utime + used.ru_stime, "peak_mb": int(peak) / 1024}), file=sys.stderr)
sys.exit(code)
"""


@dataclass(frozen=True)
class Cost:
    """What something took."""

    wall_s: float
    cpu_s: float
    peak_mb: float = 0.0


def command_cost(words: Sequence[str]) -> tuple[Cost, dict[str, Any]]:
    """Run ``rs-copilot`` with ``--json`` from its start to its end; its cost, and its result."""
    command = [sys.executable, "-c", MEASURED, *words, "--json"]
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    wall_s = time.perf_counter() - started
    usage = json.loads(done.stderr.strip().splitlines()[-1])
    return Cost(wall_s, usage["cpu_s"], usage["peak_mb"]), json.loads(done.stdout)
