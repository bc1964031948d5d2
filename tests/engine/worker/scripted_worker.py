"""A real worker with methods that misbehave on request. Run as a program; the first argument is a variant."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "core"))

from rs_copilot.worker.stdio import claim_stdio


def main(variant: str) -> int:
    read_fd, write_fd = claim_stdio()
    if variant == "dies-at-start":
        sys.stderr.write("ImportError: no module named gizmo\n")
        return 7
    if variant == "banner":
        os.write(write_fd, b"Welcome to server42!\n")
    if variant == "future":
        from rs_copilot.protocol import Hello, encode

        os.write(write_fd, encode(Hello(engine="9.0.0", protocol="9.0")))
        time.sleep(30)
    from rs_copilot.worker.server import Worker

    return Worker(read_fd, write_fd, make_table()).serve()


def make_table():
    from rs_copilot.errors import SceneError
    from rs_copilot.worker.methods import QUICK_LANE, Method, MethodTable, Outcome

    def count(params, context):
        """Steps of ``step_s``; reports each, with what was found so far."""
        for done in range(int(params["steps"])):
            context.progress(done, params["steps"], f"step {done}", {"found": done})
            time.sleep(params.get("step_s", 0.01))
        return Outcome({"counted": params["steps"]})

    def ask_late(params, context):
        """Reports twice in a hurry, then thinks for a long time without a word."""
        context.progress(0, 2, "first", {"layer": "frames"})
        context.progress(1, 2, "second")
        time.sleep(params["pause_s"])
        return Outcome({})

    def stubborn(params, context):
        sys.stderr.write("stubborn begins\n")
        time.sleep(60)
        return Outcome({})

    def chatty(params, context):
        print("hello from print")  # noqa: T201  what libraries do
        os.write(1, b"hello from C\n")
        subprocess.run([sys.executable, "-c", "print('hello from a child')"], check=True)
        return Outcome({"stdin": os.read(0, 10).decode()})

    def fail(params, context):
        context.progress(1, 2, "half", {"found": "half"})
        raise {
            "memory": MemoryError(),
            "disk": OSError(errno.ENOSPC, "No space left on device"),
            "bug": ZeroDivisionError("division by zero"),
            "scene": SceneError("expected a scene, found a table", hint="Run localize first."),
            "package": ModuleNotFoundError("No module named 'gizmo'", name="gizmo"),
            "exit": SystemExit(3),
        }[params["how"]]

    def die(params, context):
        context.progress(1, 2, "half", {"scene": "kept.gpkg"})
        sys.stderr.write("fatal: the card fell off the bus\n")
        sys.stderr.flush()
        time.sleep(0.2)
        os._exit(9)

    def odd(params, context):
        return Outcome({"nan": float("nan"), "path": Path("a"), "object": object})

    methods = {
        "count": Method(count),
        "ask_late": Method(ask_late),
        "stubborn": Method(stubborn),
        "chatty": Method(chatty),
        "fail": Method(fail),
        "die": Method(die),
        "odd": Method(odd),
        "ping": Method(lambda params, context: Outcome({"echo": params.get("echo")}, b"pixels"), QUICK_LANE),
        "device": Method(lambda params, context: Outcome({"device": context.device}), QUICK_LANE),
    }
    return MethodTable(methods)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else ""))
