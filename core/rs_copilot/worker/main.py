"""The way in: claim stdio, limit threads, then load the rest and serve."""

from __future__ import annotations

import logging
import os
import signal

from rs_copilot.worker.limits import give_way, limit_threads, usable_cores
from rs_copilot.worker.stdio import claim_stdio


def main(device: str = "auto") -> int:
    """Serve standard input and output until input ends.

    Returns:
        The exit code: 0 when input ended, 2 when it was not the protocol.
    """
    read_fd, write_fd = claim_stdio()
    limit_threads(os.environ, usable_cores())
    give_way()
    # Ctrl-C in the terminal of QGIS or of ssh goes to the whole process group; the other side decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=logging.WARNING)
    logging.getLogger("rs_copilot").setLevel(logging.INFO)

    from rs_copilot.worker.methods import standard_methods
    from rs_copilot.worker.server import Worker

    return Worker(read_fd, write_fd, standard_methods(), device).serve()
