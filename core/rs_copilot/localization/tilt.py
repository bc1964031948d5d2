"""How a camera was tilted, from nothing but its own motion over the ground.

The homography between two frames of a moving camera over a plane holds the plane's normal: with the camera
matrix K, inv(K) H K is proportional to R + t n' / d (Ma et al., An Invitation to 3-D Vision, section 5.3).
The decomposition leaves up to four answers, and short ways make them uncertain. A frame's partners over
several seconds share one true normal, while the false ones differ; and UAVs with a gimbal fly level and
turn little, which tells the true answer where the false ones agree as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from rs_copilot.geo import homography as hg
from rs_copilot.geo.camera import Intrinsics
from rs_copilot.localization.chain import Chain
from rs_copilot.localization.view import TYPICAL_HFOV_DEG, Tilt
from rs_copilot.types import FloatArray, SizeWH

# Partners of a frame: ways of these shares of its width on either side hold a normal and still little drift.
WAYS = (0.08, 0.15, 0.25, 0.4, 0.6, 0.85, 1.1)
# Normals farther apart than this are different answers.
SAME_NORMAL_DEG = 10.0
# An answer must come from this many partners, and look more likely than a level camera by this much.
MIN_PARTNERS = 2
# Away from the horizon: farther off nadir the ground's far side has no detail left.
MAX_OFF_NADIR_DEG = 70.0
# How far from level UAVs climb and how much their cameras turn between partners, as standard deviations.
CLIMB_SIGMA_DEG = 12.0
TURN_SIGMA_DEG = 15.0
# Gimbals keep the image's right side level, and the sky above: this much of the plumb line may point aside.
ASIDE_SIGMA = 0.2
UPSIDE_DOWN = 0.05


@dataclass(frozen=True)
class _Answer:
    """One decomposition: the unit normal that points from the camera to the ground, and its weight."""

    down: FloatArray
    weight: float


def tilt_of(chain: Chain, number: int, size: SizeWH, hfov_deg: float = TYPICAL_HFOV_DEG) -> Tilt | None:
    """Pitch and roll of a frame against the ground, by its motion to frames before and after.

    Args:
        chain: motions between the frames of a clip.
        number: of the frame.
        size: of the frames.
        hfov_deg: assumed field of view; the tilt hardly depends on it.

    Returns:
        The tilt, or ``None`` where the camera did not move enough to tell.
    """
    matrix = Intrinsics.from_hfov(size, hfov_deg).matrix
    answers: list[_Answer] = []
    partners = 0
    for motion in _motions(chain, number, size):
        found = decompose(motion, matrix, size)
        answers += found
        partners += bool(found)
    if partners < MIN_PARTNERS:
        return None
    down = _agreed(answers)
    off_nadir = np.degrees(np.arccos(np.clip(down[2], -1.0, 1.0)))
    return None if off_nadir > MAX_OFF_NADIR_DEG else Tilt.of_down(down, hfov_deg)


def _motions(chain: Chain, number: int, size: SizeWH) -> Iterator[FloatArray]:
    """Homographies to partners that lie the wanted ways before and after a frame."""
    for step in (-1, 1):
        wanted = iter(WAYS)
        way, other = next(wanted), number + step
        while 0 <= other < len(chain) and (motion := chain.between(number, other)) is not None:
            moved = _way(motion, size)
            if moved is None:
                break
            if moved >= way:
                yield motion
                passed = [further for further in wanted if further > moved]
                if not passed:
                    break
                wanted, way = iter(passed[1:]), passed[0]
            other += step


def _way(motion: FloatArray, size: SizeWH) -> float | None:
    """How far the centre moved, as a share of the width; ``None`` beyond the horizon."""
    moved = hg.apply(hg.orient(motion, size), size.center_px) - size.center_px
    way = float(np.linalg.norm(moved)) / size.width_px
    return way if np.isfinite(way) else None


def decompose(motion: FloatArray, matrix: FloatArray, size: SizeWH) -> list[_Answer]:
    """Normals of the ground in the first frame that could explain a motion, with their weights.

    Args:
        motion: homography from pixels of the first frame to pixels of the second.
        matrix: camera matrix of both.
        size: of both frames; all of their pixels see the ground.
    """
    _, rotations, ways, normals = cv2.decomposeHomographyMat(motion / motion[2, 2], matrix)
    corners = np.column_stack([size.corners_px, np.ones(4)]) @ np.linalg.inv(matrix).T
    answers = []
    for rotation, way, normal in zip(rotations, ways, normals, strict=True):
        length = float(np.linalg.norm(way))
        if length < 1e-3 or not np.all(corners @ normal.ravel() > 0):
            continue
        down = normal.ravel() / np.linalg.norm(normal)
        # The way is given in the second camera's axes, the normal in the first's.
        climb = np.degrees(np.arcsin(np.clip(abs(down @ (rotation.T @ way.ravel())) / length, 0.0, 1.0)))
        turn = np.degrees(np.arccos(np.clip((np.trace(rotation) - 1.0) / 2.0, -1.0, 1.0)))
        unlikely = (
            (climb / CLIMB_SIGMA_DEG) ** 2 + (turn / TURN_SIGMA_DEG) ** 2 + (down[0] / ASIDE_SIGMA) ** 2
        )
        upright = 1.0 if down[1] > -0.2 else UPSIDE_DOWN
        answers.append(_Answer(down, length * upright * float(np.exp(-0.5 * unlikely)) + 1e-9))
    return answers


def _agreed(answers: list[_Answer]) -> FloatArray:
    """Mean of the heaviest group of normals that lie together."""
    downs = np.array([answer.down for answer in answers])
    weights = np.array([answer.weight for answer in answers])
    near = downs @ downs.T > np.cos(np.radians(SAME_NORMAL_DEG))
    best = near[int(np.argmax(near @ weights))]
    mean = (downs[best] * weights[best, None]).sum(axis=0)
    return np.asarray(mean / np.linalg.norm(mean), dtype=np.float64)
