"""Standard input and output become private, before anything else can touch them.

Standard library only, and little of it: this runs first.
"""

from __future__ import annotations

import os
import sys


def claim_stdio() -> tuple[int, int]:
    """Take input and output away from everybody else in this process.

    Libraries, C code and child processes that print to descriptor 1 write to stderr from now on, and
    whoever reads descriptor 0 finds nothing. The private copies are not inherited by children.

    Returns:
        Descriptors to read messages from and to write messages to, both binary.
    """
    sys.stdout.flush()
    read_fd, write_fd = os.dup(0), os.dup(1)
    if sys.platform == "win32":
        import msvcrt

        for fd in (read_fd, write_fd):
            msvcrt.setmode(fd, os.O_BINARY)
    null_fd = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null_fd, 0)
    os.close(null_fd)
    os.dup2(2, 1)
    return read_fd, write_fd
