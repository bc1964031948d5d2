"""The real command: exit codes, one JSON document on stdout, and a quick start."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rs_copilot import __version__, cli

COMMANDS = ["doctor", "demo", "simulate", "index", "search", "localize", "track", "look", "export", "worker"]
PROGRAM = [sys.executable, "-m", "rs_copilot.cli"]


def run(*arguments: str, **options) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, *arguments], capture_output=True, text=True, timeout=60, check=False, **options
    )


def error_of(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    error = json.loads(done.stdout)["error"]
    assert set(error) == {"code", "message", "hint"}
    return error


def test_help_is_quick_and_loads_nothing_heavy():
    code = (
        "import sys; from rs_copilot.cli import run; code = run(['--help']);"
        "heavy = {'numpy', 'cv2', 'rasterio', 'av', 'geopandas', 'scipy', 'numba', 'torch', 'pydantic'};"
        "sys.exit(f'loaded: {heavy & set(sys.modules)}' if heavy & set(sys.modules) else code)"
    )
    taken_s = []
    # The least of three: a machine may be slow for a moment.
    for _ in range(3):
        before = os.times()
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        after = os.times()
        assert done.returncode == 0, done.stderr
        assert all(name in done.stdout for name in COMMANDS)
        spent = zip(after[2:4], before[2:4], strict=True)
        taken_s.append(sum(later - earlier for later, earlier in spent))
    # Processor time, which a busy machine does not stretch: 0.12 s, and 0.13 s on the clock of a quiet one.
    assert min(taken_s) < 0.4


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_with_an_example(command, capsys):
    assert cli.run([command, "--help"]) == 0
    text = capsys.readouterr().out
    assert "Example: " in text
    assert f"rs-copilot {command}" in text
    assert "--json" in text
    assert "--device" in text


def test_version():
    assert run("--version").stdout.strip() == __version__


def test_doctor_in_words_and_as_json():
    done = run("doctor")
    assert done.returncode == 0
    assert __version__ in done.stdout
    done = run("doctor", "--json")
    assert done.returncode == 0
    report = json.loads(done.stdout)
    assert report["engine"] == __version__
    assert report["devices"][0]["id"] == "cpu"
    assert report["devices"][0]["memory_total_bytes"] > 1e8
    assert report["packages"]["numpy"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["bogus"],
        ["localize"],
        ["localize", "clip.mp4"],
        ["localize", "clip.mp4", "--satellite", "a.tif", "--out", "s.gpkg", "--colour", "red"],
        ["localize", "clip.mp4", "--satellite", "a.tif", "--out", "s.gpkg", "--use-telemetry", "some"],
        ["localize", "clip.mp4", "--satellite", "a.tif", "--out", "s.gpkg", "--prior", "1,2"],
        ["localize", "clip.mp4", "--satellite", "a.tif", "--out", "s.gpkg", "--prior", "1,92,100"],
        ["localize", "clip.mp4", "--satellite", "a.tif", "--out", "s.gpkg", "--prior", "nan,2,100"],
        ["localize", "clip.mp4", "--satellite", "a.tif", "--out", "s.gpkg", "--every", "often"],
        ["simulate", "--out", "w", "--size", "huge"],
        ["simulate", "--out", "w", "--size", "0x10"],
        ["doctor", "--device", "quantum"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_2_with_json_and_without(arguments, capfd):
    """In this process, because a new one for each takes a second on a busy machine; the code is the same."""
    assert cli.run(arguments) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("Error (usage): ")
    assert cli.run([*arguments, "--json"]) == 2
    assert json.loads(capfd.readouterr().out)["error"]["code"] == "usage"


def test_wrong_usage_of_the_real_command():
    done = run("localize", "clip.mp4", "--json")
    assert done.returncode == 2
    assert error_of(done)["code"] == "usage"


def test_no_command_shows_the_help():
    done = run()
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Commands:" in done.stderr


def test_bad_input_is_3(tmp_path):
    done = run("export", str(tmp_path / "nowhere.gpkg"), "frames", str(tmp_path / "out.shp"), "--json")
    assert done.returncode == 3
    assert error_of(done)["code"] == "bad-scene"


def test_a_missing_device_is_4():
    done = run("doctor", "--device", "cuda:7", "--json")
    assert done.returncode == 4
    assert error_of(done)["code"] == "missing-dependency"


def without(folder: Path, *packages: str) -> dict[str, str]:
    """An environment in which importing these packages fails as if they were not installed."""
    for name in packages:
        text = f"raise ModuleNotFoundError('No module named {name}', name={name!r})\n"
        (folder / f"{name}.py").write_text(text)
    known = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *([known] if known else [])])}


def test_a_missing_package_is_4(tmp_path):
    environment = without(tmp_path, "cv2", "pyogrio")
    done = run("export", "a.gpkg", "frames", "b.shp", "--json", env=environment)
    assert done.returncode == 4
    assert "pyogrio" in error_of(done)["message"]


def test_a_package_that_everything_needs_is_4_too(tmp_path):
    environment = without(tmp_path, "pydantic")
    done = run("doctor", "--json", env=environment)
    assert done.returncode == 4
    assert "pydantic" in error_of(done)["message"]


# --- jobs that misbehave, through the same code with a job put into the registry

FAKE_JOB = """
import os, sys, time
from pydantic import BaseModel
from rs_copilot.jobs import registry
class Params(BaseModel):
    scene: str
class Result(BaseModel):
    value: float = float("nan")
    def summary(self): return "it went well"
def run(params, context):
    print("a chatty library")
    os.write(1, b"chatty C code\\n")
    context.warn("the sky is grey")
    if params.scene == "bug":
        raise ZeroDivisionError("division by zero")
    if params.scene == "memory":
        raise MemoryError
    if params.scene == "wait":
        for step in range(600):
            context.progress(step, 600, "working", {"scene": "kept.gpkg"})
            time.sleep(0.05)
    if params.scene == "deaf":
        context.progress(0, 1, "deaf")
        time.sleep(30)
    return Result()
TrackParams = Params
sys.modules["rs_copilot.jobs.track"] = sys.modules[__name__]
from rs_copilot.cli import main
main()
"""


@pytest.fixture
def fake(tmp_path) -> list[str]:
    script = tmp_path / "fake.py"
    script.write_text(FAKE_JOB)
    return [sys.executable, str(script)]


def run_fake(fake: list[str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*fake, *arguments], capture_output=True, text=True, timeout=60, check=False)


def test_stdout_holds_one_json_document_and_nothing_else(fake):
    done = run_fake(fake, "track", "fine", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout) == {"value": None, "warnings": ["the sky is grey"]}
    assert "chatty C code" in done.stderr
    assert "a chatty library" in done.stderr
    assert "Warning: the sky is grey" in done.stderr


def test_words_for_people(fake):
    assert run_fake(fake, "track", "fine").stdout == "it went well\n"


@pytest.mark.parametrize(("scene", "code"), [("bug", "internal"), ("memory", "out-of-memory")])
def test_internal_errors_are_5_and_leave_a_trace(fake, scene, code):
    done = run_fake(fake, "track", scene, "--json")
    assert done.returncode == 5
    assert error_of(done)["code"] == code
    assert ("Traceback" in done.stderr) == (scene == "bug")


def interrupt(fake: list[str], scene: str, numbers: list[int]) -> tuple[int, str, str]:
    process = subprocess.Popen(
        [*fake, "track", scene, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with process:
        seen = ""
        while ("working" not in seen) and ("deaf" not in seen):
            line = process.stderr.readline()
            assert line, seen
            seen += line
        for number in numbers:
            process.send_signal(number)
            time.sleep(0.4)
        stdout, stderr = process.communicate(timeout=20)
    return process.returncode, stdout, seen + stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_is_130_and_what_was_found_is_kept_and_said_partial(fake, number):
    code, stdout, stderr = interrupt(fake, "wait", [number])
    assert code == 130
    document = json.loads(stdout)
    assert document["error"]["code"] == "cancelled"
    assert document["partial"] == {"scene": "kept.gpkg"}
    assert "Stopping" in stderr


def test_a_second_ctrl_c_leaves_at_once(fake):
    begun = time.monotonic()
    code, stdout, _ = interrupt(fake, "deaf", [signal.SIGINT, signal.SIGINT])
    assert code == 130
    assert json.loads(stdout)["error"]["code"] == "cancelled"
    assert time.monotonic() - begun < 15


def test_a_reader_that_left_is_no_error():
    read_fd, write_fd = os.pipe()
    os.close(read_fd)
    done = subprocess.run(
        [*PROGRAM, "doctor"], stdout=write_fd, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(write_fd)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full disk to write to")
def test_a_full_disk_behind_stdout_is_said():
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*PROGRAM, "doctor", "--json"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 3
    assert "Error (storage)" in done.stderr


def test_the_worker_command_speaks_the_protocol():
    from rs_copilot.protocol import Hello, MessageDecoder

    done = subprocess.run([*PROGRAM, "worker"], input=b"", capture_output=True, timeout=60, check=False)
    assert done.returncode == 0
    (hello,) = MessageDecoder().feed(done.stdout)
    assert isinstance(hello, Hello)
    assert hello.engine == __version__


def test_the_installed_command_is_this_one():
    script = Path(sys.executable).with_name("rs-copilot")
    if not script.exists():
        pytest.skip("the package is not installed beside this interpreter")
    done = subprocess.run([script, "--version"], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == __version__


# --- words as they come


@pytest.fixture
def look(tmp_path) -> list[str]:
    Image.fromarray(np.full((56, 56, 3), 90, np.uint8)).save(tmp_path / "photo.png")
    script = {"answers": ["0,0,28,28 car\n" + "\x1b[31mred\n" + "1,1,1,1 car\n" * 3], "pause_s": 0.02}
    (tmp_path / "answers.json").write_text(json.dumps(script))
    model = f"scripted:{tmp_path / 'answers.json'}"
    return ["look", str(tmp_path / "photo.png"), "car", "--task", "ground", "--model", model]


def test_words_go_to_stdout_and_cannot_steer_the_terminal(look, capfd):
    assert cli.run(look) == 0
    first, second, *_, last = capfd.readouterr().out.splitlines()
    assert first == "0,0,28,28 car"
    assert second == "\ufffd[31mred"
    assert last.startswith("1 objects, 0 of them on the map")


def test_with_json_words_go_to_stderr(look, capfd):
    assert cli.run([*look, "--json"]) == 0
    stdout, stderr = capfd.readouterr()
    assert json.loads(stdout)["objects"][0]["label"] == "car"
    assert "0,0,28,28 car\n" in stderr


def test_ctrl_c_stops_an_answer_and_gives_what_was_said(look):
    process = subprocess.Popen(
        [*PROGRAM, *look, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with process:
        while "car" not in (line := process.stderr.readline()):
            assert line
        process.send_signal(signal.SIGINT)
        stdout, _ = process.communicate(timeout=20)
    assert process.returncode == 130
    assert json.loads(stdout)["partial"]["objects"][0]["box_px"] == [0.0, 0.0, 7.0, 7.0]
