"""Take the documentation's screenshots: QGIS desktop on a virtual screen, with the plugin and the demo scene.

``tools/screenshots.py --demo demo-out --out docs/images`` starts QGIS under Xvfb with a profile of its own,
opens the demo scene with the plugin, brings up each view and saves it. Some photos are cut from the clip and
located first, by pixels alone and some of them in haze, for the views of what cannot be placed. Needs QGIS,
Xvfb and the demo's output (``rs-copilot demo``).

``--only conversation --size 1920x1080 --max-kb 2000 --out FOLDER`` takes a whole conversation with the scene
alone, in any QGIS: ``--qgis 'chroot FOLDER qgis'`` where that sees the checkout, the demo and the folder for
temporary files.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import av
from link_plugin import link_into
from PIL import Image, ImageFilter
from plugin_files import ROOT
from qgis_python import qgis_environment

SIZE = (1600, 1000)
LIMIT_S = 900
PHOTO_EVERY_S, PHOTOS, HAZY = 2.0, 8, (3, 4)
SCREEN_WAIT_S = 10
LIMIT_KB = 600
MIN_WIDTH_PX = 900

INI = """[PythonPlugins]
rs_copilot_plugin=true

[qgis]
checkVersion=false
newProjectDefault=false
{tips}

[locale]
overrideFlag=true
userLocale=en_US

[app]
fontPointSize=10

[UI]
UITheme={theme}
"""


def main() -> int:
    """Parse the command line, take the pictures, say which there are."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--demo", type=Path, default=ROOT / "demo-out", help="folder with clip, raster and scene"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images", help="where the pictures go")
    parser.add_argument(
        "--qgis",
        default=shutil.which("qgis") or "qgis",
        help="the program, or a command that ends with it",
    )
    parser.add_argument(
        "--size", type=parse_size, default=SIZE, metavar="WIDTHxHEIGHT", help="of the window, in pixels"
    )
    parser.add_argument(
        "--detector", help="an ONNX file to find objects with; without it the one that comes along"
    )
    parser.add_argument(
        "--only", help="take the pictures of this part of the tour alone, for example finding"
    )
    parser.add_argument("--max-kb", type=int, default=LIMIT_KB, help="size of a picture; larger ones shrink")
    parser.add_argument("--display", help="an X display to use instead of a virtual one")
    parser.add_argument("--theme", default="default", help="QGIS theme, for example 'Night Mapping'")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="rs-copilot-screens-") as folder:
        return run(Path(folder), options)


def run(home: Path, options: argparse.Namespace) -> int:
    """Start the screen and QGIS, wait for the end."""
    write_profile(home / "profiles" / "profiles" / "docs" / "QGIS", options.theme)
    link_into(home / "profiles" / "profiles" / "docs" / "python" / "plugins")
    if not options.only:
        make_photos(options.demo / "clip.mp4", home / "photos")
        locate(home / "photos", options.demo / "satellite.tif", home / "photos.gpkg")
    before = time.time()
    screen, display = (None, options.display) if options.display else start_screen(options.size)
    try:
        command = [
            *shlex.split(options.qgis), "--nologo", "--noversioncheck",
            "--profiles-path", str(home / "profiles"), "--profile", "docs",
            "--code", str(ROOT / "tools" / "screenshots_in_qgis.py"),
        ]  # fmt: skip
        log = home / "qgis.log"
        with log.open("wb") as output:
            qgis = subprocess.run(
                command,
                env=environment(home, display, options),
                stdout=output,
                stderr=output,
                timeout=LIMIT_S,
                check=False,
            )
    except subprocess.TimeoutExpired:
        print(f"QGIS did not finish within {LIMIT_S} s", file=sys.stderr)
        return 1
    finally:
        if screen is not None:
            screen.terminate()
            screen.wait(SCREEN_WAIT_S)
    return report(options, before, qgis.returncode, log)


def make_photos(clip: Path, folder: Path) -> None:
    """Stills of a clip; of the hazy ones hardly anything can be seen."""
    folder.mkdir()
    with av.open(str(clip)) as container:
        frames = (frame for frame in container.decode(video=0) if frame.time % PHOTO_EVERY_S < 1e-6)
        for number, frame in zip(range(PHOTOS), frames, strict=False):
            picture = frame.to_image()
            if number in HAZY:
                blurred = picture.filter(ImageFilter.GaussianBlur(40))
                picture = Image.blend(blurred, Image.new("RGB", picture.size, (215, 215, 215)), 0.5)
            picture.save(folder / f"photo_{number + 1:02d}.jpg", quality=90)


def locate(photos: Path, satellite: Path, scene: Path) -> None:
    """Find them by their pixels alone."""
    command = [str(Path(sys.executable).with_name("rs-copilot")), "localize", str(photos), "--satellite"]
    subprocess.run(
        [*command, str(satellite), "--out", str(scene), "--use-telemetry", "none"],
        check=True,
        capture_output=True,
        timeout=LIMIT_S,
    )


def shrink(path: Path, max_kb: int) -> None:
    """Make a picture small enough for a repository: a palette instead of true colour, then fewer pixels."""
    picture = Image.open(path).convert("RGB")
    width_px = picture.width
    while True:
        size = (width_px, round(picture.height * width_px / picture.width))
        small = picture if size == picture.size else picture.resize(size, Image.Resampling.LANCZOS)
        # The octree keeps the few saturated pixels of lines and marks, which the median cut gives up.
        palette = small.quantize(256, method=Image.Quantize.FASTOCTREE)
        reduced = small.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)
        reduced.save(path, optimize=True)
        if path.stat().st_size <= 1000 * max_kb or width_px < MIN_WIDTH_PX:
            return
        width_px = int(width_px * 0.9)


def report(options: argparse.Namespace, since: float, code: int, log: Path) -> int:
    """Name the new pictures; show QGIS's own words where something is missing."""
    out = options.out
    pictures = sorted(path for path in out.glob("*.png") if path.stat().st_mtime >= since - 1)
    for path in pictures:
        shrink(path, options.max_kb)
        print(f"{path} ({path.stat().st_size // 1024} kB)")
    failure = out / "screenshots-error.txt"
    if failure.exists():
        print(failure.read_text(encoding="utf-8"), file=sys.stderr)
        failure.unlink()
        code = code or 1
    if code or not pictures:
        print(log.read_text(errors="replace")[-30000:], file=sys.stderr)
    return 1 if code or not pictures else 0


def write_profile(folder: Path, theme: str) -> None:
    """A profile in which nothing asks and the plugin is on."""
    folder.mkdir(parents=True)
    tips = "\n".join(f"showTips{version}=false" for version in ("322", "334", "340", "344", "400"))
    (folder / "QGIS3.ini").write_text(INI.format(tips=tips, theme=theme), encoding="utf-8")


def parse_size(text: str) -> tuple[int, int]:
    """Width and height from words like 1920x1080."""
    width, _, height = text.partition("x")
    return int(width), int(height)


def start_screen(size: tuple[int, int]) -> tuple[subprocess.Popen[bytes], str]:
    """An Xvfb that chooses a free display itself."""
    read, write = os.pipe()
    command = [
        "Xvfb",
        "-displayfd",
        str(write),
        "-screen",
        "0",
        f"{size[0]}x{size[1]}x24",
        "-dpi",
        "96",  # else QGIS scales, and pictures are larger than the window
        "-nolisten",
        "tcp",
    ]
    screen = subprocess.Popen(command, pass_fds=(write,), stderr=subprocess.DEVNULL)
    os.close(write)
    with os.fdopen(read) as numbers:
        return screen, f":{numbers.readline().strip()}"


def environment(home: Path, display: str, options: argparse.Namespace) -> dict[str, str]:
    """What QGIS and the script inside it need to know."""
    runtime = home / "runtime"
    runtime.mkdir(mode=0o700)
    return qgis_environment() | {
        "HOME": str(home),
        "XDG_RUNTIME_DIR": str(runtime),
        "LANG": "C.UTF-8",
        "DISPLAY": display,
        "QT_QPA_PLATFORM": "xcb",
        "LIBGL_ALWAYS_SOFTWARE": "1",
        "RS_COPILOT_ENGINE_PYTHON": str(ROOT / ".venv" / "bin" / "python"),
        "RS_COPILOT_SHOTS_DEMO": str(options.demo.resolve()),
        "RS_COPILOT_SHOTS_OUT": str(options.out.resolve()),
        "RS_COPILOT_SHOTS_WORK": str(home),
        "RS_COPILOT_SHOTS_TOOLS": str(ROOT / "tools"),
        "RS_COPILOT_SHOTS_DETECTOR": str(Path(options.detector).resolve()) if options.detector else "",
        "RS_COPILOT_SHOTS_ONLY": options.only or "",
        "RS_COPILOT_SHOTS_SIZE": f"{options.size[0]}x{options.size[1]}",
    }


if __name__ == "__main__":
    raise SystemExit(main())
